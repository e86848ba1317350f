"""The older suite's configuration files, read: which ids, against which servers, where the report goes.

Everything in them that means something here is taken; what has no meaning, and what nobody knows, is told in one line
each. Raises Problem, one line, for what is missing or of the wrong kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..problem import Problem, meant
from .ids import Selected, matches_whole

__all__ = ["Server", "Spec", "read"]

#: Settings of the older suite's protocol library; ours puts each case its own way, and waits by --patience.
_OPTIONS = frozenset(
    {
        "acceptMaskedServerFrames",
        "allowHixie76",
        "allowedOrigins",
        "applyMask",
        "autoFragmentSize",
        "autoPingInterval",
        "autoPingSize",
        "autoPingTimeout",
        "closeHandshakeTimeout",
        "echoCloseCodeReason",
        "failByDrop",
        "flashSocketPolicy",
        "maskClientFrames",
        "maskServerFrames",
        "maxConnections",
        "maxFramePayloadSize",
        "maxMessagePayloadSize",
        "openHandshakeTimeout",
        "requireMaskedClientFrames",
        "serveFlashSocketPolicy",
        "serverConnectionDropTimeout",
        "tcpNoDelay",
        "utf8validateIncoming",
        "version",
        "versions",
        "webStatus",
    }
)
_SHARED = frozenset({"outdir", "cases", "exclude-cases", "exclude-agent-cases", "options"})
_OF_CLIENT = frozenset({"servers"})
_OF_SERVER = frozenset({"url", "protocols", "key", "cert"})
_OF_ENTRY = frozenset({"url", "agent", "origin", "protocols", "hostname", "options"})
_IN_VAIN = frozenset({"webport"})

_KINDS: Mapping[type, str] = {str: "a text", list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One of `servers`: an address, and how its handshake is asked for. `hostname` turns verification of TLS on."""

    url: str
    agent: str | None = None
    origin: str | None = None
    protocols: tuple[str, ...] = ()
    hostname: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A configuration file; `url`, `key` and `cert` are of one for clients, `servers` of one for servers.

    `without` leaves cases out by agent: pairs of a pattern of names and patterns of ids, both taken whole. `told` are
    lines about what has no effect.
    """

    path: Path
    selected: Selected
    outdir: Path
    servers: tuple[Server, ...] = ()
    url: str | None = None
    key: Path | None = None
    cert: Path | None = None
    without: tuple[tuple[str, tuple[str, ...]], ...] = ()
    told: tuple[str, ...] = ()

    def ids(self, agent: str, known: Iterable[str]) -> list[str]:
        """Return those of the ids `known` that are put to `agent`, in the older suite's order."""
        return self.of(agent, known).of(known)

    def of(self, agent: str, known: Iterable[str]) -> Selected:
        """Return what is selected of `known` for `agent`, its own exceptions included."""
        patterns = [pattern for name, each in self.without if matches_whole(name, agent) for pattern in each]
        left_out = [id for id in self.selected.of(known) if any(matches_whole(pattern, id) for pattern in patterns)]
        return replace(self.selected, without=tuple(left_out))


def read(path: Path, *, servers: bool) -> Spec:
    """Read the file at `path`, one that lists servers to test, or one of the suite's own port, as `servers` says."""
    return _Reading(path, servers).spec()


@dataclass
class _Reading:
    path: Path
    servers: bool
    told: list[str] = field(default_factory=list)

    def spec(self) -> Spec:
        value = self._load()
        self._unknown(value)
        mode = "servers" if self.servers else "clients"
        outdir = self._get(value, "outdir", str) or f"./reports/{mode}"
        cases = self._texts(value, "cases", needed='write "cases": ["*"] for all')
        excluded = self._texts(value, "exclude-cases")
        self._options(value)
        without = self._without(value)
        selected = Selected(tuple(cases), tuple(filter(None, excluded)))
        common: dict[str, Any] = {"path": self.path, "selected": selected, "outdir": Path(outdir).expanduser()}
        if self.servers:
            listed = self._get(value, "servers", list)
            if listed is None:
                raise self._problem("servers is missing", 'add "servers": [{"url": "ws://127.0.0.1:9001"}]')
            found = tuple(self._server(entry, number) for number, entry in enumerate(listed))
            return Spec(**common, servers=found, without=without, told=tuple(self.told))
        url = self._get(value, "url", str)
        if url is None:
            raise self._problem("url is missing", 'add "url": "ws://127.0.0.1:9001"')
        if "protocols" in value:
            self._texts(value, "protocols")
            self._tell("protocols: has no effect here, nor had it with the older suite")
        key, cert = self._get(value, "key", str), self._get(value, "cert", str)
        if key and not cert:
            raise self._problem("key is there without cert", "name the certificate it belongs to, or leave key out")
        if (key or cert) and not url.startswith("wss:"):
            self._tell(f"key, cert: have no effect with {url}; write a wss address to serve TLS")
            key = cert = None
        return Spec(**common, url=url, key=_path(key), cert=_path(cert), without=without, told=tuple(self.told))

    def _load(self) -> dict[str, Any]:
        try:
            value = json.loads(self.path.read_text(encoding="utf-8-sig"))
        except OSError as problem:
            raise Problem(
                f"--autobahn-spec {self.path}: cannot be read: {problem.strerror}; name a configuration file of the"
                " older suite"
            ) from None
        except UnicodeDecodeError:
            raise self._problem("is not in UTF-8", "save it as UTF-8") from None
        except json.JSONDecodeError as problem:
            where = f"line {problem.lineno}, column {problem.colno}"
            raise self._problem(f"is not JSON: {where}: {problem.msg}", "correct it there") from None
        except ValueError:
            # The only thing that is JSON and cannot be read.
            raise self._problem("has a number of thousands of digits", "correct it there") from None
        except RecursionError:
            raise self._problem("is nested too deeply", "name a configuration file of the older suite") from None
        if not isinstance(value, dict):
            raise self._problem("is no JSON object", "write { ... } with cases in it")
        return value

    def _problem(self, what: str, todo: str) -> Problem:
        colon = "" if what.startswith("is ") else ":"
        return Problem(f"--autobahn-spec {self.path}{colon} {what}; {todo}")

    def _tell(self, what: str) -> None:
        self.told.append(f"{self.path.name}: {what}")

    # --- keys

    def _unknown(self, value: Mapping[str, Any]) -> None:
        mine = _SHARED | (_OF_CLIENT if self.servers else _OF_SERVER)
        for key in value:
            if key in mine:
                continue
            if key in _IN_VAIN:
                self._tell(f"{key}: has no effect here, nor had it with the older suite")
            elif key in _OF_CLIENT | _OF_SERVER:
                command = "serve" if self.servers else "run"
                self._tell(f"{key}: has no effect here; it is for `wsconform {command} --autobahn-spec`")
            else:
                self._tell(f"{key}: unknown, left aside{meant(key, mine)}")

    def _options(self, value: Mapping[str, Any], where: str = "") -> None:
        given = self._get(value, "options", dict, where) or {}
        known = sorted(name for name in given if name in _OPTIONS)
        if known:
            self._tell(f"{where}options: {', '.join(known)}: not needed here, without effect")
        for name in given:
            if name not in _OPTIONS:
                self._tell(f"{where}options.{name}: unknown, left aside{meant(name, _OPTIONS)}")

    def _get(self, value: Mapping[str, Any], key: str, kind: type, where: str = "") -> Any:
        found = value.get(key)
        if found is not None and not isinstance(found, kind):
            raise self._problem(f"{where}{key} is not {_KINDS[kind]}: {_shown(found)}", f"write {_KINDS[kind]}")
        return found

    def _texts(self, value: Mapping[str, Any], key: str, *, where: str = "", needed: str = "") -> list[str]:
        found = self._get(value, key, list, where)
        if found is None:
            if needed:
                raise self._problem(f"{where}{key} is missing", needed)
            return []
        for each in found:
            if not isinstance(each, str):
                raise self._problem(f"{where}{key} has something that is no text: {_shown(each)}", "write texts alone")
        return list(found)

    def _without(self, value: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        key = "exclude-agent-cases"
        given = self._get(value, key, dict) or {}
        return tuple((agent, tuple(self._texts(given, agent, where=f"{key}."))) for agent in given)

    def _server(self, entry: object, number: int) -> Server:
        where = f"servers[{number}]"
        if not isinstance(entry, dict):
            raise self._problem(f"{where} is not an object: {_shown(entry)}", 'write {"url": "ws://127.0.0.1:9001"}')
        where += "."
        for key in entry:
            if key not in _OF_ENTRY:
                self._tell(f"{where}{key}: unknown, left aside{meant(key, _OF_ENTRY)}")
        url = self._get(entry, "url", str, where)
        if not url:
            raise self._problem(f"{where}url is missing", 'add "url": "ws://127.0.0.1:9001"')
        self._options(entry, where)
        return Server(
            url=url,
            agent=self._get(entry, "agent", str, where) or None,
            origin=self._get(entry, "origin", str, where),
            protocols=tuple(self._texts(entry, "protocols", where=where)),
            hostname=self._get(entry, "hostname", str, where),
        )


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]} ..."
