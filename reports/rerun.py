"""The commands that rerun, export and explain a case of a report, built from the commands that the journals record."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import islice

from wsconform.registry.requirement import Role

from .columns import Column

#: Options with which `wsconform run` reaches a server, and whether a value follows.
_RUN_OPTIONS = {
    "--app": True,
    "-H": True,
    "--header": True,
    "--subprotocol": True,
    "--cacert": True,
    "--insecure": False,
    "--start": True,
    "--ready-within": True,
}
#: Options that set the address of `wsconform serve` and start the clients, and whether a value follows.
_SERVE_OPTIONS = {
    "--url": True,
    "--port": True,
    "--listen": True,
    "--tls": False,
    "--cert": True,
    "--key": True,
    "--driver": False,
    "--browser": True,
    "--target": True,
    "--agent": True,
    "--app": True,
    "--until-idle": True,
    "--connect-within": True,
}


def rerun_command(column: Column, case: str) -> str:
    """Return the command that runs `case` against the target again and shows the transcript, ready to be pasted.

    The options that reach or start the target are those of the journal's command. If the journal was written by
    another command (a merge, pytest), the command names the target, and the configuration must define it.
    """
    words, program = _recorded(column)
    profile, name = column.header.profile, column.target.name
    profile_options = ["--profile", profile] if profile not in ("", "standard") else []
    selection = [*profile_options, "-c", case, "-v"]
    if column.target.role is Role.SERVER:
        options = list(_kept(words[2:], _RUN_OPTIONS)) if words[1:2] == ["run"] else []
        command = ["wsconform", "run", name, *options, *selection]
    elif words[1:2] == ["serve"]:
        command = ["wsconform", "serve", *_kept(words[2:], _SERVE_OPTIONS), *selection, *program]
    else:
        command = ["wsconform", "serve", "--target", name, *selection]
    return " ".join(map(quoted, command))


def export_command(column: Column, case: str) -> str:
    """Return the command that exports the transcript of `case`; the caller appends the name of the format."""
    words = ("wsconform", "export", _journal(column), case, "--target", column.target.name, "--as")
    return " ".join(map(quoted, words))


def explain_command(column: Column, case: str) -> str:
    """Return the command that shows the transcript of `case` on a terminal."""
    words = ("wsconform", "explain", case, "--in", _journal(column), "--target", column.target.name)
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """Return `word` quoted for a shell; with control characters, which cannot be pasted, in ANSI-C quoting."""
    if word.isprintable():
        return shlex.quote(word)
    octets = word.encode(errors="surrogatepass")
    return "$'" + "".join(chr(o) if 0x20 < o < 0x7F and o not in b"\\'" else f"\\x{o:02x}" for o in octets) + "'"


def _recorded(column: Column) -> tuple[list[str], list[str]]:
    """Return the words of the journal's command and those from "--" on, two empty lists if it is not ours."""
    try:
        words = shlex.split(column.header.command)
    except ValueError:
        return [], []
    if words[:1] != ["wsconform"]:
        return [], []
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end:]


def _kept(words: Sequence[str], flags: dict[str, bool]) -> Iterator[str]:
    """Yield the options of `words` that are in `flags`, with their values."""
    rest = iter(words)
    for word in rest:
        flag, equals, _ = word.partition("=")
        has_value_attached = word[:2] in flags and not word.startswith("--")
        if flags.get(word):
            yield from (word, *islice(rest, 1))
        elif word in flags or (equals and flag in flags) or has_value_attached:
            yield word


def _journal(column: Column) -> str:
    """Return the path of the journal, as its command implies it."""
    words, _ = _recorded(column)
    given = list(_kept(words[2:], {"-o": True, "--out": True}))
    if words[1:2] == ["merge"] and (not given or given[-1].endswith(".jsonl")):
        return given[-1].removeprefix("--out=") if given else "merged.jsonl"
    folder = given[-1].removeprefix("--out=").removeprefix("-o") if given else "wsconform-out"
    return f"{folder.rstrip('/')}/journal.jsonl"
