"""wsconform init: a configuration to begin with, and a workflow that makes it a gate of continuous integration."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from ..prepare import values
from .options import Value

_HEAD = """\
# What `wsconform` puts to which target; most flags of the command line may stand here, by their names.
# Its schema: `wsconform schema configuration`.
profile = "standard"          # quick, standard, full
fail-on = "must"              # must, should, never
reports = ["html", "junit"]   # beside the journal, in wsconform-out/
"""

_WORKFLOW = """\
name: WebSocket conformance
on: [push, pull_request]
permissions:
  contents: read
jobs:
  wsconform:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Install
        run: python -m pip install wsconform
      - name: Put the catalogue to the target
        run: {command}
      - name: Keep journal and reports, of a red run too
        if: always()
        uses: actions/upload-artifact@v4
        with:
          name: wsconform
          path: wsconform-out/
"""


@click.command("init", short_help="write a configuration, and a workflow for CI")
@click.argument("url", required=False, metavar="[URL]")
@click.option("--name", default=None, metavar="NAME", help="The target's name. Default: the folder's.")
@click.option("--start", type=Value(values.COMMAND, "COMMAND"), help="The command that starts the server.")
@click.option(
    "--client",
    type=Value(values.COMMAND, "COMMAND"),
    help="A client instead: the command that connects to {url}, once or through the cases.",
)
@click.option("--github", is_flag=True, help="Also write .github/workflows/wsconform.yml.")
@click.option("--force", is_flag=True, help="Write over what is there.")
def command(
    url: str | None,
    *,
    name: str | None,
    start: tuple[str, ...] | None,
    client: tuple[str, ...] | None,
    github: bool,
    force: bool,
) -> None:
    """Write wsconform.toml with one target: the server at URL, or with --client a client.

    Nothing that is there is written over without --force.
    """
    from ..console.style import Out
    from ..prepare.config import FILE

    if client and (url or start):
        raise click.UsageError("--client: a client has neither URL nor --start; the suite is its server")
    chosen = name or _name(Path.cwd())
    if client:
        keys: dict[str, object] = {"role": "client", "start": list(client)}
    else:
        keys = {"role": "server", "url": _address(url or "ws://127.0.0.1:9001/")}
        if start:
            keys["start"] = list(start)
    run = shlex.join(["wsconform", *(["serve", "--target"] if client else ["run"]), chosen])
    files = {Path(FILE): _configuration(chosen, keys)}
    if github:
        files[Path(".github/workflows/wsconform.yml")] = _WORKFLOW.format(command=_yaml(run))
    _refuse_to_overwrite(files, force)
    out = Out(sys.stdout)
    for path, text in files.items():
        _write(path, text)
        out.line(f"wrote {path}")
    out.line(f"Now: {run}")


def _name(folder: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "target"


def _address(url: str) -> str:
    from ..problem import Problem
    from ..run.target import TargetError, Url

    try:
        return str(Url.parse(url))
    except TargetError as problem:
        raise Problem(str(problem)) from None


def _configuration(name: str, keys: Mapping[str, object]) -> str:
    from ..prepare.config import target_name

    table = "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items())
    return f"{_HEAD}\n[targets.{target_name(name)}]\n{table}\n"


def _toml(value: object) -> str:
    """A text, or a list of texts: JSON's are TOML's but for pairs of surrogates and a bare DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _yaml(command: str) -> str:
    return command if re.fullmatch(r"[\w ./-]+", command, re.ASCII) else json.dumps(command)


def _refuse_to_overwrite(files: Mapping[Path, str], force: bool) -> None:
    from ..problem import Problem

    for path in files:
        if path.exists() and not force:
            raise Problem(f"{path}: is there already; write over it with --force, or add a target by hand")


def _write(path: Path, text: str) -> None:
    from ..problem import Problem

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as problem:
        raise Problem(f"{path}: cannot be written: {problem.strerror}") from None
