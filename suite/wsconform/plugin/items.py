"""A case as an item of pytest: what it is called and marked with, how it takes its result, and how that is told."""

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
from .aims import Aim
from .departure import DepartureWarning
from .outcomes import Kind, Outcome, brief, outcome_of

if TYPE_CHECKING:
    from .preparing import Prepared

__all__ = ["CaseItem", "Running", "Told"]


class Running(Protocol):
    """Whoever runs the cases of a session."""

    prepared: Prepared

    def take(self, item: CaseItem) -> Result:
        """Return the result of `item`, waiting for it; raises Untested or Told."""

    def file_of(self, entry: Item) -> Path:
        """Return the file in which `entry` is written."""


class Told(Exception):
    """Ends an item; the text says all there is to say, and needs no traceback. `brief` is the line for a summary."""

    def __init__(self, text: str, brief: str = "") -> None:
        """End an item with `text`, in a summary with `brief` if that is shorter."""
        super().__init__(text)
        self.brief = brief or text


class CaseItem(pytest.Item):
    """One case at one target. Fixtures that apply to every test (autouse) apply to it, too."""

    def __init__(self, *, entry: Item, aim: Aim, conformance: Running, **kwargs: Any) -> None:
        """Make the item of `entry` at `aim`; made by `from_parent`."""
        super().__init__(**kwargs)
        self.entry, self.aim, self.conformance = entry, aim, conformance
        self.needed = conformance.prepared.needed(entry, aim.target)
        self.result: Result | None = None
        self.outcome = Outcome(Kind.PASS)
        self.user_properties += [
            ("target", aim.name),
            ("case", entry.id),
            ("level", self.needed.level.value),
            ("requirement", self.needed.id),
        ]
        for mark in self._marks():
            self.add_marker(mark)
        self._want_fixtures()

    def _marks(self) -> Iterable[pytest.MarkDecorator]:
        yield getattr(pytest.mark, f"ws_{self.needed.level.weight}")
        yield pytest.mark.ws(area=self.entry.id.partition(".")[0], section=self.needed.section)
        if isinstance(self.entry, Case) and self.entry.profile > Profile.QUICK:
            yield pytest.mark.ws_sweep
        if self.config.pluginmanager.hasplugin("xdist"):
            yield pytest.mark.xdist_group(f"wsconform-{self.aim.node}")

    # --- fixtures, as the items of doctest have them: pytest has no public way for items that are no functions

    def _want_fixtures(self) -> None:
        manager = self.session._fixturemanager
        self.obj = None
        self._fixtureinfo = manager.getfixtureinfo(node=self, func=None, cls=None)
        self.fixturenames = self._fixtureinfo.names_closure
        self.funcargs: dict[str, object] = {}
        self._request = TopRequest(self, _ispytest=True)  # type: ignore[arg-type]  # says Function, and means Item

    def fixture(self, name: str) -> object:
        """Return the value of the session-scoped fixture called `name`; raises Told where it is of another scope."""
        found = self.session._fixturemanager.getfixturedefs(name, self)
        if found and found[-1].scope != "session":
            raise Told(f'fixture {name}: a target has to last for the session; write @pytest.fixture(scope="session")')
        return self._request.getfixturevalue(name)

    # --- running

    def setup(self) -> None:
        """Set up what every test has, begin the target's run if nobody did, and wait for this case's result."""
        super().setup()
        self._request._fillfixtures()
        try:
            result = self.result = self.conformance.take(self)
        except (Told, Untested) as problem:
            raise _failure(escape.terminal(str(problem))) from None
        self.user_properties += [("verdict", result.verdict.name.lower()), ("mark", result.mark.words)]
        self.config.hook.pytest_wsconform_result(item=self, result=result)
        prepared = self.conformance.prepared
        mine = (self.aim.name, EVERY)
        known = [entry for entry in prepared.expectations.entries if entry.target in mine]
        self.outcome = outcome_of(result, prepared.policy, known)
        if self.outcome.kind is Kind.ERROR:
            raise _failure(self.text(result))

    def runtest(self) -> None:
        """End as the result says."""
        assert self.result is not None
        match self.outcome.kind:
            case Kind.FAIL:
                raise self.ended(self.result)
            case Kind.XFAIL:
                pytest.xfail(self.outcome.words)
                # With --runxfail the line above does nothing.
                raise self.ended(self.result)
            case Kind.SKIP:
                raise pytest.skip.Exception(escape.terminal(self.outcome.words), _use_item_location=True)
            case Kind.WARN:
                self.warn(DepartureWarning(escape.terminal(self.outcome.words)))

    # --- telling

    def text(self, result: Result) -> str:
        """Return all that there is to say about `result`: what was asked, what came, the ladder, how to repeat it."""
        prepared = self.conformance.prepared
        again = prepared.again(self.aim, self.entry)
        return "\n".join(finding_lines(Group((result,)), prepared.registry, prepared.style, again))

    def ended(self, result: Result) -> Told:
        """Return what ends this item with `result`."""
        words = self.outcome.words if self.outcome.kind is Kind.FAIL else ""
        text = self.text(result)
        return Told(f"{words}\n{text}" if words else text, escape.terminal(words or brief(result)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """Say what our own ends have to say; anything else, a fixture's failure too, as pytest does."""
        if isinstance(excinfo.value, Told):
            return self._representation(excinfo.value)
        return super().repr_failure(excinfo, style)

    def _representation(self, told: Told) -> TerminalRepr:
        # Under CI pytest's summary repeats a representation that is a text as a whole; of this one it takes `brief`.
        file, line, _ = self.reportinfo()
        crash = ReprFileLocation(str(file), (line or 0) + 1, told.brief)
        return ReprExceptionInfo(ReprTraceback([ReprEntryNative([f"{told}\n"])], None, "native"), crash)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the module and line of the case, and what heads its failure."""
        code = getattr(self.entry.function, "__code__", None)
        file = self.conformance.file_of(self.entry)
        return file, code.co_firstlineno - 1 if code else 0, f"{self.aim.name} {self.entry.id}"


def _failure(text: str) -> BaseException:
    """Return what ends the setting up with `text` and no traceback; pytest does not ask the item there."""
    return pytest.fail.Exception(text, pytrace=False)
