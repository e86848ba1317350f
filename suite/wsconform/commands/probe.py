"""wsconform probe: what an endpoint is, before it is judged; and the table that makes it a target."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import DURATION, display_options, target_options

if TYPE_CHECKING:
    from ..console.style import Style
    from ..endpoint.session import Limits
    from ..prepare.config import Configuration
    from ..prepare.targets import Chosen
    from ..run.probe import Probed
    from ..run.target import Target


@click.command("probe", short_help="look at an endpoint: handshake, echo, offers")
@click.argument("url", metavar="URL")
@target_options
@click.option("--patience", type=DURATION, help="Longest silence that is waited for. Default: 5s.")
@click.option("--limits", is_flag=True, help="Also find out how large messages, fragments and requests may be.")
@click.option("--write", is_flag=True, help="Add the endpoint to the configuration as a target.")
@click.option("--name", metavar="NAME", help="The target's name in the configuration.")
@click.option("--json", "json_", is_flag=True, help="As JSON.")
@display_options
def command(url: str, limits: bool, write: bool, name: str | None, json_: bool, **flags: object) -> None:
    """Look at URL, a ws or wss address or a configured target: what it answers, whether it echoes, what it offers."""
    from ..prepare import config
    from ..prepare.targets import choose
    from ..problem import Problem
    from .output import output

    if name and not write:
        raise click.UsageError("--name is for --write; add it, or leave --name out")
    configuration = config.load()
    settings = config.settle(flags, os.environ, configuration)
    (chosen,) = choose([url], flags, configuration)
    if write and "://" not in url:
        raise Problem(f"{url}: --write makes a target of an address; name one such as ws://HOST:PORT/")
    probed, found = look(chosen, settings.patience, measuring=limits)
    out, style = output(settings)
    if json_:
        out.line(json.dumps(_json(probed, found if limits else None), indent=2, ensure_ascii=True))
    else:
        for line in _told(probed, found, style):
            out.line(line)
    if write:
        path, table = _write(chosen.target, probed, configuration, name)
        prose = out if not json_ else output(settings, sys.stderr)[0]
        prose.line(style.text(f"{path}: added {table}"))


def look(chosen: Chosen, patience: float, *, measuring: bool = False) -> tuple[Probed, dict[str, str]]:
    """Start the target if that was asked for, probe it, and end it; raises Problem with exit code 3.

    Return what the probe found, and if `measuring` how much the target takes, by capability.
    """
    import trio

    from ..endpoint.session import Limits
    from ..problem import Exit, Problem
    from ..run.probe import ProbeFailed, probe
    from ..run.start import reached
    from ..run.target import TargetError
    from ..transport.program import StartFailed
    from ..transport.stream import Unreachable

    probed, capabilities = list["Probed"](), dict[str, str]()
    limits = Limits(patience, min(Limits().prompt, patience))

    async def run() -> None:
        async with (
            trio.open_nursery() as nursery,
            reached(chosen.target, nursery, folder=chosen.folder, serve=chosen.serve) as reach,
        ):
            probed.append(await probe(reach.target, reach.target.dialer(), limits))
            if measuring:
                capabilities.update(await _measure(reach.target, probed[0], limits))

    try:
        trio.run(run)
    except* TargetError as problems:
        raise Problem(_first(problems)) from None
    except* (ProbeFailed, Unreachable, StartFailed) as problems:
        raise Problem(_first(problems), Exit.UNTESTABLE) from None
    return probed[0], capabilities


async def _measure(target: Target, probed: Probed, limits: Limits) -> dict[str, str]:
    """Put the cases that measure, and return what they noted; where a case came to no end, why."""
    from ..catalogue.case import Case
    from ..catalogue.selection import Selection
    from ..evidence.result import Capability, Result
    from ..prepare.catalogue import catalogue, registry
    from ..run.judge import Bench
    from ..run.options import RunOptions
    from ..run.runner import Runner

    entries = [entry for entry in catalogue(aliases=False) if isinstance(entry, Case) and entry.measures]
    found = dict[str, str]()

    def keep(result: Result) -> None:
        noted = {key: text for key, text in result.notes if key in list(Capability)}
        if not noted and result.finding is not None:
            noted = {result.title: result.finding.observed}
        found.update(noted)

    bench = Bench(
        role=target.role,
        dial=target.dialer(),
        address=target.address(),
        facts=probed.facts,
        options=RunOptions(jobs=1, limits=limits, confirm=False),
    )
    runner = Runner(bench, registry(), keep)
    await runner.run(Selection().select(entries, target.role, registry()), ())
    return found


def _first(problems: BaseExceptionGroup[BaseException]) -> str:
    each: BaseException = problems
    while isinstance(each, BaseExceptionGroup):
        each = each.exceptions[0]
    return str(each)


def _json(probed: Probed, limits: Mapping[str, str] | None) -> dict[str, object]:
    record, facts = probed.record, probed.facts
    measured = {} if limits is None else {"limits": dict(limits)}
    return {
        "name": record.name,
        "address": record.address,
        "role": record.role.value,
        "transport": record.transport,
        "http": record.http,
        "echo": record.echo,
        "round_trip": record.round_trip,
        "offers": list(record.offers),
        "chatter": sorted(message.decode("latin-1") for message in facts.chatter),
        "chatty": facts.chatty,
        "info": dict(record.info),
        **measured,
    }


def _told(probed: Probed, limits: Mapping[str, str], style: Style) -> list[str]:
    record, facts = probed.record, probed.facts
    rows = [
        ("handshake", f"101 over HTTP/{record.http}"),
        ("transport", "TLS over TCP" if record.transport == "tls" else "TCP"),
        ("echo", "text comes back" if record.echo else "no: cases that need an echo will be skipped"),
        ("round trip", f"{record.round_trip * 1000:.2f} ms"),
        ("extensions", ", ".join(record.offers) or "none taken up"),
    ]
    if facts.chatter or facts.chatty:
        count = len(facts.chatter)
        words = f"{count} message{'' if count == 1 else 's'} of its own" if count else "messages of its own"
        rows.append(("chatter", f"{words}{', others at any time' if facts.chatty else ' on every connection'}"))
    rows += [*record.info.items(), *limits.items()]
    lines = [style.paint(style.text(record.address), "bold")]
    width = min(max(13, *(len(label) + 1 for label, _ in rows)), 32)
    for label, text in rows:
        lines += style.wrapped(text, width + 2, first=f"  {style.cut(style.text(label), width - 1):<{width}}")
    return lines


def _write(target: Target, probed: Probed, configuration: Configuration, name: str | None) -> tuple[Path, str]:
    """Append the target's table to the configuration, a new one if there is none; return file and table."""
    from ..prepare.config import FILE, target_name
    from ..problem import Problem

    path = configuration.path or Path.cwd() / FILE
    chosen = name or re.sub(r"[^A-Za-z0-9]+", "-", f"{target.url.host}-{target.url.port}").strip("-")
    if chosen in configuration.targets:
        raise Problem(f'{path.name}: there is a target "{chosen}" already; choose another name with --name')
    table = ("tool.wsconform." if path.name != FILE else "") + f"targets.{target_name(chosen)}"
    text = "\n".join([f"[{table}]", *_keys(target, probed), ""])
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = f"{before.rstrip()}\n\n{text}" if before.strip() else text
        _check(after, path, text)
        path.write_text(after, encoding="utf-8")
    except OSError as problem:
        raise Problem(f"{path}: cannot be written: {problem.strerror}; write the table elsewhere") from None
    return path, table


def _check(after: str, path: Path, text: str) -> None:
    import tomllib

    from ..problem import Problem

    try:
        tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        by_hand = "; ".join(text.splitlines())
        raise Problem(f"{path}: a table cannot be added at its end; add by hand: {by_hand}") from None


def _keys(target: Target, probed: Probed) -> list[str]:
    def text(value: str) -> str:
        # A basic string of TOML is a string of JSON, surrogate pairs aside.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

    lines = ['role = "server"', f"url = {text(str(target.url))}"]
    if target.start:
        lines.append(f"start = [{', '.join(map(text, target.start))}]")
    lines.append(f'app = "{"echo" if probed.record.echo else "none"}"')
    if target.subprotocol:
        lines.append(f"subprotocol = {text(target.subprotocol)}")
    if target.headers:
        lines.append(f"headers = {{ {', '.join(_headers(target.headers, text))} }}")
    if target.cacert:
        lines.append(f"cacert = {text(str(Path(target.cacert).absolute()))}")
    if target.insecure:
        lines.append("insecure = true")
    return lines


def _headers(headers: Sequence[tuple[str, str]], text: object) -> list[str]:
    from ..journal.redact import SECRET

    assert callable(text)
    return [
        # A credential does not go into a file that people commit: its value is taken from the environment.
        f"{text(name)} = "
        + (text("${" + name.upper().replace("-", "_") + "}") if name.lower() in SECRET else text(value))
        for name, value in headers
    ]
