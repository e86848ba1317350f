"""wsconform init: a first configuration, and a workflow that runs it in continuous integration."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from ..console.style import Out
from ..prepare import values
from ..prepare.config import FILE
from ..prepare.toml import toml_key, toml_value
from ..problem import Problem
from .options import Value

_HEAD = """\
# The configuration of `wsconform`: settings, named like the options of the command line, and targets.
# Its schema: `wsconform schema configuration`.
profile = "standard"          # quick, standard, full
fail-on = "must"              # must, should, never
reports = ["html", "junit"]   # written beside the journal, in wsconform-out/
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
      - name: Test the target
        run: {command}
      - name: Keep journal and reports, also after a failure
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
    help="Configure a client instead: its command, which connects to {url} once or loops over the cases.",
)
@click.option("--github", is_flag=True, help="Also write .github/workflows/wsconform.yml.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
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

    Existing files are overwritten only with --force.
    """
    if client and (url or start):
        raise click.UsageError("--client: a client has neither URL nor --start, because wsconform is its server")
    chosen = name or _name(Path.cwd())
    if client:
        keys: dict[str, str | list[str]] = {"role": "client", "start": list(client)}
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
    # Importing the engine takes most of the time of this command, and only a URL needs it.
    from ..run.target import TargetError, Url  # noqa: PLC0415

    try:
        return str(Url.parse(url))
    except TargetError as problem:
        raise Problem(str(problem)) from None


def _configuration(name: str, keys: Mapping[str, str | list[str]]) -> str:
    table = "\n".join(f"{key} = {toml_value(value)}" for key, value in keys.items())
    return f"{_HEAD}\n[targets.{toml_key(name)}]\n{table}\n"


def _yaml(command: str) -> str:
    return command if re.fullmatch(r"[\w ./-]+", command, re.ASCII) else json.dumps(command)


def _refuse_to_overwrite(files: Mapping[Path, str], force: bool) -> None:
    for path in files:
        if path.exists() and not force:
            raise Problem(f"{path}: exists already; overwrite it with --force, or add a target by hand")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as problem:
        raise Problem(f"{path}: cannot be written: {problem.strerror}") from None
