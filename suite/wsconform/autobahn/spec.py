"""Reading of Autobahn's configuration files: selected ids, servers to test, folder of the report.

Keys without effect and unknown keys are reported in one line each. A missing key, or a value of the wrong type, raises
Problem with one line.
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

#: Settings of Autobahn's protocol library. Our cases do not use them; --patience controls how long they wait.
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

_KINDS: Mapping[type, str] = {str: "a string", list: "a list", dict: "an object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One of `servers`: its address, and values for its handshake. `hostname` turns on the verification of TLS."""

    url: str
    agent: str | None = None
    origin: str | None = None
    protocols: tuple[str, ...] = ()
    hostname: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A configuration file. `url`, `key` and `cert` are for tests of clients, `servers` is for tests of servers.

    `without` excludes cases for some agents: pairs of a pattern for the agent's name and patterns for ids, which have
    to match completely. `ignored` has a line for each setting without effect.
    """

    path: Path
    selected: Selected
    outdir: Path
    servers: tuple[Server, ...] = ()
    url: str | None = None
    key: Path | None = None
    cert: Path | None = None
    without: tuple[tuple[str, tuple[str, ...]], ...] = ()
    ignored: tuple[str, ...] = ()

    def ids(self, agent: str, known: Iterable[str]) -> list[str]:
        """Return the ids among `known` that run for `agent`, in Autobahn's order."""
        return self.of(agent, known).of(known)

    def of(self, agent: str, known: Iterable[str]) -> Selected:
        """Return the selection from `known` for `agent`, with the agent's own exclusions."""
        patterns = [pattern for name, each in self.without if matches_whole(name, agent) for pattern in each]
        excluded = [id for id in self.selected.of(known) if any(matches_whole(pattern, id) for pattern in patterns)]
        return replace(self.selected, without=tuple(excluded))


def read(path: Path, *, servers: bool) -> Spec:
    """Return the configuration at `path`, for tests of servers if `servers`, else for tests of clients."""
    return _Reading(path, servers).spec()


@dataclass
class _Reading:
    path: Path
    servers: bool
    ignored: list[str] = field(default_factory=list)

    def spec(self) -> Spec:
        value = self._load()
        self._unknown(value)
        mode = "servers" if self.servers else "clients"
        outdir = self._get(value, "outdir", str) or f"./reports/{mode}"
        cases = self._strings(value, "cases", needed='write "cases": ["*"] for all')
        excluded = self._strings(value, "exclude-cases")
        self._options(value)
        without = self._without(value)
        selected = Selected(tuple(cases), tuple(filter(None, excluded)))
        common: dict[str, Any] = {"path": self.path, "selected": selected, "outdir": Path(outdir).expanduser()}
        if self.servers:
            listed = self._get(value, "servers", list)
            if listed is None:
                raise self._problem("servers is missing", 'add "servers": [{"url": "ws://127.0.0.1:9001"}]')
            found = tuple(self._server(entry, number) for number, entry in enumerate(listed))
            return Spec(**common, servers=found, without=without, ignored=tuple(self.ignored))
        url = self._get(value, "url", str)
        if url is None:
            raise self._problem("url is missing", 'add "url": "ws://127.0.0.1:9001"')
        if "protocols" in value:
            self._strings(value, "protocols")
            self._ignore("protocols: has no effect, here or in Autobahn")
        key, cert = self._get(value, "key", str), self._get(value, "cert", str)
        if key and not cert:
            raise self._problem("key has no cert", "add cert with the certificate of the key, or remove key")
        if (key or cert) and not url.startswith("wss:"):
            self._ignore(f"key, cert: have no effect with {url}; write a wss address to serve TLS")
            key = cert = None
        return Spec(**common, url=url, key=_path(key), cert=_path(cert), without=without, ignored=tuple(self.ignored))

    def _load(self) -> dict[str, Any]:
        try:
            value = json.loads(self.path.read_text(encoding="utf-8-sig"))
        except OSError as problem:
            raise Problem(
                f"--autobahn-spec {self.path}: cannot be read: {problem.strerror}; name a configuration file of"
                " Autobahn"
            ) from None
        except UnicodeDecodeError:
            raise self._problem("is not in UTF-8", "save it as UTF-8") from None
        except json.JSONDecodeError as problem:
            where = f"line {problem.lineno}, column {problem.colno}"
            raise self._problem(f"is not JSON: {where}: {problem.msg}", "correct it there") from None
        except ValueError:
            # The only valid JSON that Python refuses: int() limits the number of digits.
            raise self._problem("has a number with thousands of digits", "correct it there") from None
        except RecursionError:
            raise self._problem("is nested too deeply", "name a configuration file of Autobahn") from None
        if not isinstance(value, dict):
            raise self._problem("is not a JSON object", "write { ... } with cases in it")
        return value

    def _problem(self, error: str, remedy: str) -> Problem:
        return Problem(f"--autobahn-spec {self.path}: {error}; {remedy}")

    def _ignore(self, line: str) -> None:
        self.ignored.append(f"{self.path.name}: {line}")

    # --- keys

    def _unknown(self, value: Mapping[str, Any]) -> None:
        mine = _SHARED | (_OF_CLIENT if self.servers else _OF_SERVER)
        for key in value:
            if key in mine:
                continue
            if key in _IN_VAIN:
                self._ignore(f"{key}: has no effect, here or in Autobahn")
            elif key in _OF_CLIENT | _OF_SERVER:
                command = "serve" if self.servers else "run"
                self._ignore(f"{key}: has no effect here; it is for `wsconform {command} --autobahn-spec`")
            else:
                self._ignore(f"{key}: unknown, ignored{meant(key, mine)}")

    def _options(self, value: Mapping[str, Any], where: str = "") -> None:
        given = self._get(value, "options", dict, where) or {}
        known = sorted(name for name in given if name in _OPTIONS)
        if known:
            self._ignore(f"{where}options: {', '.join(known)}: have no effect here")
        for name in given:
            if name not in _OPTIONS:
                self._ignore(f"{where}options.{name}: unknown, ignored{meant(name, _OPTIONS)}")

    def _get(self, value: Mapping[str, Any], key: str, kind: type, where: str = "") -> Any:
        found = value.get(key)
        if found is not None and not isinstance(found, kind):
            raise self._problem(f"{where}{key} is not {_KINDS[kind]}: {_shown(found)}", f"write {_KINDS[kind]}")
        return found

    def _strings(self, value: Mapping[str, Any], key: str, *, where: str = "", needed: str = "") -> list[str]:
        found = self._get(value, key, list, where)
        if found is None:
            if needed:
                raise self._problem(f"{where}{key} is missing", needed)
            return []
        for each in found:
            if not isinstance(each, str):
                raise self._problem(
                    f"{where}{key} has an element that is not a string: {_shown(each)}", "write strings only"
                )
        return list(found)

    def _without(self, value: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        key = "exclude-agent-cases"
        given = self._get(value, key, dict) or {}
        return tuple((agent, tuple(self._strings(given, agent, where=f"{key}."))) for agent in given)

    def _server(self, entry: object, number: int) -> Server:
        where = f"servers[{number}]"
        if not isinstance(entry, dict):
            raise self._problem(f"{where} is not an object: {_shown(entry)}", 'write {"url": "ws://127.0.0.1:9001"}')
        where += "."
        for key in entry:
            if key not in _OF_ENTRY:
                self._ignore(f"{where}{key}: unknown, ignored{meant(key, _OF_ENTRY)}")
        url = self._get(entry, "url", str, where)
        if not url:
            raise self._problem(f"{where}url is missing", 'add "url": "ws://127.0.0.1:9001"')
        self._options(entry, where)
        return Server(
            url=url,
            agent=self._get(entry, "agent", str, where) or None,
            origin=self._get(entry, "origin", str, where),
            protocols=tuple(self._strings(entry, "protocols", where=where)),
            hostname=self._get(entry, "hostname", str, where),
        )


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]} ..."
