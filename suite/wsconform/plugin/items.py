"""A case as an item of pytest: its id and markers, its result, and the text of its failure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback, TerminalRepr
from _pytest.fixtures import TopRequest

from .. import escape
from ..catalogue.case import Case, Item, Profile
from ..console.printer import finding_lines
from ..evidence.result import Result
from ..journal.expected import EVERY
from ..journal.tally import Group
from .ahead import Untested
from .departure import DepartureWarning
from .outcomes import Kind, Outcome, brief, outcome_of
from .targets import SessionTarget

if TYPE_CHECKING:
    from .preparing import Prepared

__all__ = ["CaseItem", "CaseRunner", "ItemFailed"]


class CaseRunner(Protocol):
    """Runs the cases of a session (see session.Conformance)."""

    prepared: Prepared

    def wait_for_result(self, item: CaseItem) -> Result:
        """Wait for the result of `item` and return it; raises Untested or ItemFailed."""

    def file_of(self, entry: Item) -> Path:
        """Return the file in which `entry` is written."""


class ItemFailed(Exception):
    """Ends an item with a text that needs no traceback; `brief` is the line for pytest's summary."""

    def __init__(self, text: str, brief: str = "") -> None:
        """End an item with `text`; without `brief`, the summary shows the text, too."""
        super().__init__(text)
        self.brief = brief or text


class CaseItem(pytest.Item):
    """One case against one target. Autouse fixtures apply to it, as to every test."""

    def __init__(self, *, entry: Item, chosen: SessionTarget, conformance: CaseRunner, **kwargs: Any) -> None:
        """Run `entry` against `chosen`. Use `from_parent` to create an item."""
        super().__init__(**kwargs)
        self.entry, self.chosen, self.conformance = entry, chosen, conformance
        self.requirement = conformance.prepared.requirement(entry, chosen.target)
        self.result: Result | None = None
        self.outcome = Outcome(Kind.PASS)
        self.user_properties += [
            ("target", chosen.name),
            ("case", entry.id),
            ("level", self.requirement.level.value),
            ("requirement", self.requirement.id),
        ]
        for mark in self._marks():
            self.add_marker(mark)
        self._request_fixtures()

    def _marks(self) -> Iterable[pytest.MarkDecorator]:
        yield getattr(pytest.mark, f"ws_{self.requirement.level.weight}")
        yield pytest.mark.ws(area=self.entry.id.partition(".")[0], section=self.requirement.section)
        if isinstance(self.entry, Case) and self.entry.profile > Profile.QUICK:
            yield pytest.mark.ws_variation
        if self.config.pluginmanager.hasplugin("xdist"):
            yield pytest.mark.xdist_group(f"wsconform-{self.chosen.node}")

    # --- fixtures, as in the items of doctest: pytest has no public API for items that are not functions

    def _request_fixtures(self) -> None:
        manager = self.session._fixturemanager
        self.obj = None
        self._fixtureinfo = manager.getfixtureinfo(node=self, func=None, cls=None)
        self.fixturenames = self._fixtureinfo.names_closure
        self.funcargs: dict[str, object] = {}
        self._request = TopRequest(self, _ispytest=True)  # type: ignore[arg-type]  # typed as Function, but an Item is enough

    def fixture(self, name: str) -> object:
        """Return the value of the session-scoped fixture called `name`; raises ItemFailed if it has another scope."""
        found = self.session._fixturemanager.getfixturedefs(name, self)
        if found and found[-1].scope != "session":
            raise ItemFailed(f'fixture {name}: must last for the session; write @pytest.fixture(scope="session")')
        return self._request.getfixturevalue(name)

    # --- running

    def setup(self) -> None:
        """Set up the fixtures, start the run of the target if needed, and wait for the result of this case."""
        super().setup()
        self._request._fillfixtures()
        try:
            result = self.result = self.conformance.wait_for_result(self)
        except (ItemFailed, Untested) as problem:
            raise _failure(escape.terminal(str(problem))) from None
        self.user_properties += [("verdict", result.verdict.name.lower()), ("mark", result.mark.words)]
        self.config.hook.pytest_wsconform_result(item=self, result=result)
        prepared = self.conformance.prepared
        tables = (self.chosen.name, EVERY)
        known = [entry for entry in prepared.expectations.entries if entry.target in tables]
        self.outcome = outcome_of(result, prepared.policy, known)
        if self.outcome.kind is Kind.ERROR:
            raise _failure(self.text(result))

    def runtest(self) -> None:
        """Pass, warn, skip or fail, by the outcome of the result."""
        assert self.result is not None
        match self.outcome.kind:
            case Kind.FAIL:
                raise self.failure(self.result)
            case Kind.XFAIL:
                pytest.xfail(self.outcome.words)
                # With --runxfail, the call above returns.
                raise self.failure(self.result)
            case Kind.SKIP:
                raise pytest.skip.Exception(escape.terminal(self.outcome.words), _use_item_location=True)
            case Kind.WARN:
                self.warn(DepartureWarning(escape.terminal(self.outcome.words)))

    # --- reporting

    def text(self, result: Result) -> str:
        """Return the text about `result`: expected, observed, transcript, and the command that reruns the case."""
        prepared = self.conformance.prepared
        rerun = prepared.rerun(self.chosen, self.entry)
        return "\n".join(finding_lines(Group((result,)), prepared.registry, prepared.style, rerun))

    def failure(self, result: Result) -> ItemFailed:
        """Return the exception that ends this item with `result`."""
        words = self.outcome.words if self.outcome.kind is Kind.FAIL else ""
        text = self.text(result)
        return ItemFailed(f"{words}\n{text}" if words else text, escape.terminal(words or brief(result)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """Return the text of an ItemFailed; other failures, such as those of fixtures, are formatted by pytest."""
        if isinstance(excinfo.value, ItemFailed):
            return self._representation(excinfo.value)
        return super().repr_failure(excinfo, style)

    def _representation(self, failed: ItemFailed) -> TerminalRepr:
        # Under CI the summary of pytest repeats a text in full; from this representation it takes only `brief`.
        file, line, _ = self.reportinfo()
        crash = ReprFileLocation(str(file), (line or 0) + 1, failed.brief)
        return ReprExceptionInfo(ReprTraceback([ReprEntryNative([f"{failed}\n"])], None, "native"), crash)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the file and line of the case, and the title of its failure."""
        code = getattr(self.entry.function, "__code__", None)
        file = self.conformance.file_of(self.entry)
        return file, code.co_firstlineno - 1 if code else 0, f"{self.chosen.name} {self.entry.id}"


def _failure(text: str) -> BaseException:
    """Return the exception that ends the setup with `text`; pytest does not call `repr_failure` for the setup."""
    return pytest.fail.Exception(text, pytrace=False)
