"""wsconform probe: the handshake, echo and extensions of an endpoint; and its table for the configuration."""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import trio

from ..catalogue.case import Case
from ..catalogue.selection import Selection
from ..console.style import Style
from ..endpoint.session import Limits
from ..evidence.result import Capability, Result
from ..journal.redact import SECRET
from ..prepare import config
from ..prepare.catalogue import catalogue
from ..prepare.config import FILE, Configuration
from ..prepare.registry import registry
from ..prepare.run import limits as limits_of
from ..prepare.targets import ChosenTarget, choose
from ..prepare.toml import toml_key, toml_value
from ..problem import Exit, Problem
from ..run.judge import Bench
from ..run.options import RunOptions
from ..run.probe import Probed, ProbeFailed, probe
from ..run.runner import Runner
from ..run.start import reached
from ..run.target import Target, TargetError
from ..transport.program import StartFailed
from ..transport.stream import Unreachable
from ..words import counted
from .options import DURATION, display_options, target_options
from .output import output


@click.command("probe", short_help="show how an endpoint answers, and whether it echoes")
@click.argument("url", metavar="URL")
@target_options
@click.option("--patience", type=DURATION, help="Longest silence to wait for. Default: 5s.")
@click.option("--limits", is_flag=True, help="Also measure the largest messages, fragments and requests it accepts.")
@click.option("--write", is_flag=True, help="Add the endpoint to the configuration as a target.")
@click.option("--name", metavar="NAME", help="The target's name in the configuration.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@display_options
def command(url: str, limits: bool, write: bool, name: str | None, json_: bool, **flags: object) -> None:
    """Probe the server at URL (a ws or wss address, or a configured target) and show its handshake, echo and offers."""
    if name and not write:
        raise click.UsageError("--name is for --write; add it, or leave --name out")
    configuration = config.load()
    settings = config.settle(flags, os.environ, configuration)
    (chosen,) = choose([url], flags, configuration)
    if write and "://" not in url:
        raise Problem(f"{url}: --write makes a target of an address; name one such as ws://HOST:PORT/")
    probed, capabilities = probe_target(chosen, limits_of(settings), measuring=limits)
    out, style = output(settings)
    if json_:
        out.line(json.dumps(_record(probed, capabilities if limits else None), indent=2, ensure_ascii=True))
    else:
        for line in _lines(probed, capabilities, style):
            out.line(line)
    if write:
        path, table = _write(chosen.target, probed, configuration, name)
        text_out = out if not json_ else output(settings, sys.stderr)[0]
        text_out.line(style.text(f"{path}: added {table}"))


def probe_target(chosen: ChosenTarget, limits: Limits, *, measuring: bool = False) -> tuple[Probed, dict[str, str]]:
    """Start the target if it has a start command, probe it, and stop it.

    Return the result of the probe, and if `measuring` also the target's limits by capability. Raises Problem, with exit
    code UNTESTABLE if the target cannot be reached.
    """
    probed, capabilities = list[Probed](), dict[str, str]()

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
    """Run the cases that measure, and return their notes; for a case that did not finish, the reason."""
    items = [item for item in catalogue(aliases=False) if isinstance(item, Case) and item.measures]
    found = dict[str, str]()

    def keep(result: Result) -> None:
        notes = {key: text for key, text in result.notes if key in list(Capability)}
        if not notes and result.finding is not None:
            notes = {result.title: result.finding.observed}
        found.update(notes)

    bench = Bench(
        role=target.role,
        dial=target.dialer(),
        address=target.address(),
        facts=probed.facts,
        options=RunOptions(jobs=1, limits=limits, confirm=False),
    )
    runner = Runner(bench, registry(), keep)
    await runner.run(Selection().select(items, target.role, registry()), ())
    return found


def _first(problems: BaseExceptionGroup[BaseException]) -> str:
    each: BaseException = problems
    while isinstance(each, BaseExceptionGroup):
        each = each.exceptions[0]
    return str(each)


def _record(probed: Probed, capabilities: Mapping[str, str] | None) -> dict[str, object]:
    record, facts = probed.record, probed.facts
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
        **({} if capabilities is None else {"limits": dict(capabilities)}),
    }


def _lines(probed: Probed, capabilities: Mapping[str, str], style: Style) -> list[str]:
    record, facts = probed.record, probed.facts
    rows = [
        ("handshake", f"101 over HTTP/{record.http}"),
        ("transport", "TLS over TCP" if record.transport == "tls" else "TCP"),
        ("echo", "text is echoed" if record.echo else "no: cases that need an echo will be skipped"),
        ("round trip", f"{record.round_trip * 1000:.2f} ms"),
        ("extensions", ", ".join(record.offers) or "none accepted"),
    ]
    if facts.chatter or facts.chatty:
        count = len(facts.chatter)
        words = f"{counted(count, 'message')} of its own" if count else "messages of its own"
        rows.append(("chatter", f"{words}{', others at any time' if facts.chatty else ' on every connection'}"))
    rows += [*record.info.items(), *capabilities.items()]
    lines = [style.paint(style.text(record.address), "bold")]
    width = min(max(13, *(len(label) + 1 for label, _ in rows)), 32)
    for label, text in rows:
        lines += style.wrapped(text, width + 2, first=f"  {style.cut(style.text(label), width - 1):<{width}}")
    return lines


def _write(target: Target, probed: Probed, configuration: Configuration, name: str | None) -> tuple[Path, str]:
    """Append the target's table to the configuration, which is created if it does not exist; return file and table."""
    path = configuration.path or Path.cwd() / FILE
    chosen = name or re.sub(r"[^A-Za-z0-9]+", "-", f"{target.url.host}-{target.url.port}").strip("-")
    if chosen in configuration.targets:
        raise Problem(f'{path.name}: there is a target "{chosen}" already; choose another name with --name')
    table = ("tool.wsconform." if path.name != FILE else "") + f"targets.{toml_key(chosen)}"
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
    try:
        tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        by_hand = "; ".join(text.splitlines())
        raise Problem(f"{path}: a table cannot be added at its end; add by hand: {by_hand}") from None


def _keys(target: Target, probed: Probed) -> list[str]:
    lines = ['role = "server"', f"url = {toml_value(str(target.url))}"]
    if target.start:
        lines.append(f"start = {toml_value(list(target.start))}")
    lines.append(f'app = "{"echo" if probed.record.echo else "none"}"')
    if target.subprotocol:
        lines.append(f"subprotocol = {toml_value(target.subprotocol)}")
    if target.headers:
        lines.append(f"headers = {{ {', '.join(_headers(target.headers))} }}")
    if target.cacert:
        lines.append(f"cacert = {toml_value(str(Path(target.cacert).absolute()))}")
    if target.insecure:
        lines.append("insecure = true")
    return lines


def _headers(headers: Sequence[tuple[str, str]]) -> list[str]:
    return [
        # People commit this file, so a credential is not written into it but taken from the environment.
        f"{toml_value(name)} = "
        + toml_value("${" + name.upper().replace("-", "_") + "}" if name.lower() in SECRET else value)
        for name, value in headers
    ]
