"""The command line: finds the command, and ends in an exit code and one clear line whatever goes wrong."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence

import click

from . import __version__
from .problem import Exit, Problem, meant

#: The commands and what each does; a command's module is imported when it is asked for.
COMMANDS = {
    "run": "put the catalogue to targets",
    "serve": "be the server for clients under test",
    "probe": "look at an endpoint: handshake, echo, offers",
    "list": "list cases, requirements, targets or profiles",
    "explain": "tell one case to a person",
    "report": "make documents of journals",
    "replay": "run again what failed in a journal",
    "diff": "tell what changed between two runs",
    "merge": "make one journal of several",
    "export": "make a script or a capture of a recorded case",
    "expected": "check and mend the list of known failures",
    "init": "write a configuration, and a workflow for CI",
    "schema": "print the JSON Schema of an output",
    "completion": "print what makes a shell complete our words",
}


class Commands(click.Group):
    """A group whose commands are loaded one by one, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command called `cmd_name`; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"{__package__}.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with; a slip is told with what was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"{args[0]}: there is no such command{meant(args[0], COMMANDS, listed=True)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 gate held, 1 gate broken, 2 wrong usage or configuration, 3 a target could not be tested"
    " or was lost, 4 the suite broke, 5 nothing was selected or put, 130 interrupted.",
)
@click.version_option(__version__, message="wsconform %(version)s")
def wsconform() -> None:
    """Puts a catalogue of cases to a WebSocket endpoint and says what it violates, with evidence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (those of the process by default) ask for; return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if sys.platform == "win32":
        _say("wsconform: does not run on Windows; use Linux or macOS, or the Windows Subsystem for Linux")
        return Exit.USAGE
    try:
        code = wsconform.main(words, "wsconform", standalone_mode=False, obj=words)
        return int(code) if isinstance(code, int) else Exit.HELD
    except (KeyboardInterrupt, click.Abort):
        _say("Interrupted.")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _give_up_stdout()
        return Exit.HELD
    except Exception as error:
        return _explain(error)


def _explain(error: Exception) -> Exit:
    """Say in one line what went wrong; the trace is for those who ask for it."""
    causes = list(_leaves(error))
    for cause in causes:
        match cause:
            case Problem():
                _say(cause.text)
                return cause.exit
            case click.UsageError() if type(cause).__name__ == "NoArgsIsHelpError":
                # From click 8.2 on, a group that is called without a command ends like this.
                click.echo(cause.format_message(), err=True)
                return Exit.USAGE
            case click.UsageError():
                asked = cause.ctx.command_path if cause.ctx else "wsconform"
                _say(f"{asked}: {_sentence(cause)}; see `{asked} --help`")
                return Exit.USAGE
            case click.ClickException():
                _say(_sentence(cause))
                return Exit.USAGE
            case KeyboardInterrupt():
                _say("Interrupted.")
                return Exit.INTERRUPTED
            case _:
                pass
    if os.environ.get("WSCONFORM_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    cause = causes[0]
    _say(f"the suite broke: {type(cause).__name__}: {cause}{_place(cause)}; set WSCONFORM_TRACEBACK=1 to see where")
    return Exit.SUITE


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _sentence(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption) and error.ctx:
        # click words its guesses differently from version to version, and guesses much.
        known = [name for parameter in error.ctx.command.params for name in parameter.opts]
        return f"{error.option_name}: there is no such option{meant(error.option_name, known)}".rstrip("?")
    text = " ".join(error.format_message().split())
    return text[:1].lower() + text[1:].rstrip(".") if not text[:2].isupper() else text.rstrip(".")


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})" if trace else ""


def _say(text: str) -> None:
    from .escape import terminal

    encoding = (getattr(sys.stderr, "encoding", None) or "ascii").lower().replace("-", "")
    try:
        print(terminal(text, ascii=encoding != "utf8"), file=sys.stderr)
    except BrokenPipeError:
        _give_up_stdout()


def _give_up_stdout() -> None:
    # The reader went away; the interpreter's last flush would complain about it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
