"""The command line: finds the command, runs it, and turns every error into an exit code and one line."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence

import click

from . import __version__
from .escape import terminal
from .problem import Exit, Problem, meant

#: The commands and their descriptions. The module of a command is imported when the command is asked for.
COMMANDS = {
    "run": "test servers, and write a journal and reports",
    "serve": "test clients, which connect to wsconform as their server",
    "probe": "show how an endpoint answers, and whether it echoes",
    "compare": "test many real implementations and report on all",
    "list": "list cases, requirements, targets or profiles",
    "explain": "explain a case, and show its recorded results",
    "report": "write reports about recorded runs",
    "replay": "rerun the failures of a recorded run",
    "diff": "show what changed between two runs",
    "merge": "join several journals into one",
    "export": "write a recorded case as a script or a capture",
    "expected": "check and update the list of known failures",
    "init": "write a configuration, and a workflow for CI",
    "schema": "print the JSON Schema of an output",
    "completion": "print a script that adds completion to a shell",
}


class Commands(click.Group):
    """A group that imports the module of a command only when it is used, so that `--help` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command called `cmd_name`, or None."""
        if cmd_name not in COMMANDS:
            return None
        # Imported modules live until the end, so a collection while they load would only take time.
        gc.disable()
        try:
            command: click.Command = importlib.import_module(f"{__package__}.commands.{cmd_name}").command
        finally:
            gc.enable()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` begin with; raises click.UsageError, with a suggestion, if it is unknown."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"{args[0]}: there is no such command{meant(args[0], COMMANDS, listed=True)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 gate held, 1 gate broken, 2 wrong usage or configuration, 3 a target could not be tested"
    " or was lost, 4 wsconform failed, 5 no case was selected or ran, 130 interrupted.",
)
@click.version_option(__version__, message="wsconform %(version)s")
def wsconform() -> None:
    """Test a WebSocket server or client against the RFCs and show what it violates, with evidence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in `arguments` (default: those of the process) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if sys.platform == "win32":
        _print_error("wsconform: does not run on Windows; use Linux or macOS, or the Windows Subsystem for Linux")
        return Exit.USAGE
    try:
        code = wsconform.main(words, "wsconform", standalone_mode=False, obj=words)
        return int(code) if isinstance(code, int) else Exit.HELD
    except (KeyboardInterrupt, click.Abort):
        _print_error("Interrupted.")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return Exit.HELD
    except Exception as error:
        return _report(error)


def _report(error: Exception) -> Exit:
    """Print one line about `error`, with its traceback only if WSCONFORM_TRACEBACK is set; return the exit code."""
    causes = list(_leaves(error))
    for cause in causes:
        match cause:
            case Problem():
                _print_error(cause.text)
                return cause.exit
            case click.UsageError() if type(cause).__name__ == "NoArgsIsHelpError":
                # From click 8.2 on, a group that is called without a command raises this.
                click.echo(cause.format_message(), err=True)
                return Exit.USAGE
            case click.UsageError():
                command = cause.ctx.command_path if cause.ctx else "wsconform"
                _print_error(f"{command}: {_sentence(cause)}; see `{command} --help`")
                return Exit.USAGE
            case click.ClickException():
                _print_error(_sentence(cause))
                return Exit.USAGE
            case KeyboardInterrupt():
                _print_error("Interrupted.")
                return Exit.INTERRUPTED
            case _:
                pass
    if os.environ.get("WSCONFORM_TRACEBACK"):
        traceback.print_exception(error)
    cause = causes[0]
    _print_error(
        f"wsconform failed: {type(cause).__name__}: {cause}{_place(cause)}; set WSCONFORM_TRACEBACK=1 for the traceback"
    )
    return Exit.SUITE


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _sentence(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption) and error.ctx:
        # The suggestions of click are worded differently in each version, and often far off.
        known = [name for parameter in error.ctx.command.params for name in parameter.opts]
        return f"{error.option_name}: there is no such option{meant(error.option_name, known)}".rstrip("?")
    text = " ".join(error.format_message().split())
    return text[:1].lower() + text[1:].rstrip(".") if not text[:2].isupper() else text.rstrip(".")


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})" if trace else ""


def _print_error(text: str) -> None:
    encoding = (getattr(sys.stderr, "encoding", None) or "ascii").lower().replace("-", "")
    try:
        print(terminal(text, ascii=encoding != "utf8"), file=sys.stderr)
    except BrokenPipeError:
        _discard_stdout()


def _discard_stdout() -> None:
    # The reader has gone away; the interpreter flushes stdout once more at its end and would report the error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
