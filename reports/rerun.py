"""The commands that repeat, export and explain what a report shows, made from those that its journals keep."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import islice

from wsconform.registry.requirement import Role

from .columns import Column

#: What tells `wsconform run` how to reach a server, and whether a value follows.
_REACHES = {
    "--app": True,
    "-H": True,
    "--header": True,
    "--subprotocol": True,
    "--cacert": True,
    "--insecure": False,
    "--start": True,
    "--ready-within": True,
}
#: What tells `wsconform serve` where clients come to, and how they are started.
_SERVES = {
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


def again(column: Column, case: str) -> str:
    """Return the command that puts `case` to the target again and shows what was said, ready to be pasted.

    How the target was reached, or started, is what the command of its journal says; where that was another command
    (a merge, pytest), the configuration has to know the target.
    """
    words, behind = _recorded(column)
    profile, name = column.header.profile, column.target.name
    wider = ["--profile", profile] if profile not in ("", "standard") else []
    put = [*wider, "-c", case, "-v"]
    if column.target.role is Role.SERVER:
        how = list(_kept(words[2:], _REACHES)) if words[1:2] == ["run"] else []
        command = ["wsconform", "run", name, *how, *put]
    elif words[1:2] == ["serve"]:
        command = ["wsconform", "serve", *_kept(words[2:], _SERVES), *put, *behind]
    else:
        command = ["wsconform", "serve", "--target", name, *put]
    return " ".join(map(quoted, command))


def export(column: Column, case: str) -> str:
    """Return the command that writes what was said in `case`; the word for the form comes last."""
    words = ("wsconform", "export", _journal(column), case, "--target", column.target.name, "--as")
    return " ".join(map(quoted, words))


def explain(column: Column, case: str) -> str:
    """Return the command that shows on a terminal what was said in `case`."""
    words = ("wsconform", "explain", case, "--in", _journal(column), "--target", column.target.name)
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """Return `word` for a shell; what cannot be pasted, as control characters cannot, in ANSI-C quoting."""
    if word.isprintable():
        return shlex.quote(word)
    octets = word.encode(errors="surrogatepass")
    return "$'" + "".join(chr(o) if 0x20 < o < 0x7F and o not in b"\\'" else f"\\x{o:02x}" for o in octets) + "'"


def _recorded(column: Column) -> tuple[list[str], list[str]]:
    """The words of the journal's command, and those from "--" on; none of either for what is no command of ours."""
    try:
        words = shlex.split(column.header.command)
    except ValueError:
        return [], []
    if words[:1] != ["wsconform"]:
        return [], []
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end:]


def _kept(words: Sequence[str], flags: dict[str, bool]) -> Iterator[str]:
    left = iter(words)
    for word in left:
        flag, equals, _ = word.partition("=")
        glued = word[:2] in flags and not word.startswith("--")
        if flags.get(word):
            yield from (word, *islice(left, 1))
        elif word in flags or (equals and flag in flags) or glued:
            yield word


def _journal(column: Column) -> str:
    """Where the journal was written, as far as its command says."""
    words, _ = _recorded(column)
    given = list(_kept(words[2:], {"-o": True, "--out": True}))
    if words[1:2] == ["merge"] and (not given or given[-1].endswith(".jsonl")):
        return given[-1].removeprefix("--out=") if given else "merged.jsonl"
    folder = given[-1].removeprefix("--out=").removeprefix("-o") if given else "wsconform-out"
    return f"{folder.rstrip('/')}/journal.jsonl"
