"""wsconform schema: the JSON Schemas of the files and outputs of wsconform."""

from __future__ import annotations

import sys
from importlib.resources import files

import click

from ..console.style import Out
from ..problem import Problem, meant

#: The schemas by name, with the file or output that each describes. They are files in the package's folder `schemas`.
SCHEMAS = {
    "journal": "one record of journal.jsonl",
    "summary": "report -r json",
    "badge": "report -r badge",
    "cases": "list cases --json",
    "requirements": "list requirements --json",
    "targets": "list targets --json",
    "profiles": "list profiles --json",
    "probe": "probe --json",
    "diff": "diff --json",
    "configuration": "wsconform.toml",
    "expected": "expected.toml",
}


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in SCHEMAS if name.startswith(incomplete)]


@click.command("schema", short_help="print the JSON Schema of an output")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=_complete)
def command(name: str | None) -> None:
    """Print the JSON Schema (draft 2020-12) called NAME; without a NAME, list the schemas.

    Within a major version of a format, fields are added and never renamed.
    """
    out = Out(sys.stdout)
    if name is None:
        width = max(map(len, SCHEMAS))
        for each, described in SCHEMAS.items():
            out.line(f"{each:<{width}}  {described}")
        return
    if name not in SCHEMAS:
        raise Problem(f"{name}: there is no schema of this name{meant(name, SCHEMAS, listed=True)}")
    out.write(text_of(name))


def text_of(name: str) -> str:
    """Return the schema called `name`, a key of `SCHEMAS`, as JSON text."""
    return files("wsconform").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
