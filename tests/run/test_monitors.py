"""Monitors at work: the gravest sample decides, and its finding points into the transcript that shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.scripted import FarEnd, echo, run_case
from wsconform import Connection, Frame
from wsconform.catalogue.case import Monitor, Sample
from wsconform.evidence.result import Direction, EntryKind, Reason, TranscriptEntry, Verdict
from wsconform.evidence.transcript import Conversation
from wsconform.registry.requirement import Role
from wsconform.run.judge import Attempted
from wsconform.run.monitors import Watch, Watches

ENTRIES = tuple(
    TranscriptEntry(micros=0, direction=Direction.TARGET, kind=EntryKind.FRAME, summary=str(number))
    for number in range(3)
)


def by_payload(conversation: Conversation) -> Iterator[Sample]:
    """Yield a sample for each frame: its payload is the name of the verdict."""
    for entry, frame in conversation.frames:
        name = frame.payload.decode()
        yield Sample(name.lower(), Verdict[name], entry)


def watch() -> Watch:
    """Return a watch over a monitor that takes verdicts from payloads."""
    return Watch(
        monitor=Monitor(id="monitors.it", function=by_payload, requirements=("6455-5.1-3",), title="It is so.", why="")
    )


def shown(entries: tuple[TranscriptEntry, ...], micros: int) -> Attempted:
    """Return an attempt with this transcript that took `micros` microseconds."""
    return Attempted(verdict=Verdict.PASSED, transcript=entries, micros=micros)


def talk(*verdicts: str, case: str = "area.case") -> Conversation:
    """Return a conversation with a frame for each of `verdicts`."""
    frames = [(number, Frame.text(name)) for number, name in enumerate(verdicts)]
    return Conversation(number=1, case=case, role=Role.SERVER, frames=frames)


class TestVerdict:
    @pytest.mark.parametrize(
        ("samples", "verdict"),
        [
            (("PASSED",), Verdict.PASSED),
            (("PASSED", "INFORMATIONAL"), Verdict.INFORMATIONAL),
            (("DEPARTED", "INFORMATIONAL"), Verdict.DEPARTED),
            (("INFORMATIONAL", "FAILED", "DEPARTED", "PASSED"), Verdict.FAILED),
            (("ERROR", "DEPARTED"), Verdict.ERROR),
            (("ERROR", "FAILED"), Verdict.FAILED),
        ],
    )
    def test_the_gravest_sample_decides(self, samples: tuple[str, ...], verdict: Verdict) -> None:
        one = watch()
        assert one.see(talk(*samples), shown(ENTRIES, 7)) is ("FAILED" in samples)
        assert (one.concluded().verdict, one.concluded().reason) == (verdict, None)

    def test_without_samples_there_was_no_occasion(self) -> None:
        one = watch()
        assert not one.see(talk(), shown((), 0))
        assert (one.concluded().verdict, one.concluded().reason) == (Verdict.SKIPPED, Reason.NOT_OFFERED)
        finding = one.finding()
        assert finding is not None
        assert (finding.expected, finding.observed) == (
            "an occasion to look",
            "the target never did anything that this rule is about",
        )

    def test_labels_are_counted(self) -> None:
        one = watch()
        one.see(talk("PASSED", "INFORMATIONAL", "PASSED"), shown(ENTRIES, 7))
        assert one.notes() == (("samples", "3"), ("passed", "2"), ("informational", "1"))

    def test_a_pass_has_no_finding(self) -> None:
        one = watch()
        one.see(talk("PASSED"), shown(ENTRIES, 7))
        assert one.finding() is None


class TestFinding:
    def test_names_rule_label_case_and_entry(self) -> None:
        one = watch()
        one.see(talk("PASSED", "FAILED"), shown(ENTRIES, 7))
        one.see(talk("FAILED", case="area.later"), shown((), 9))
        finding = one.finding()
        assert finding is not None
        assert (finding.expected, finding.observed, finding.entry) == ("It is so.", "failed (in area.case)", 1)
        assert (one.transcript, one.micros) == (ENTRIES, 7)

    def test_without_a_transcript_it_points_nowhere(self) -> None:
        one = watch()
        one.see(talk("PASSED", "FAILED"), shown((), 7))
        finding = one.finding()
        assert finding is not None
        assert finding.entry is None

    @pytest.mark.parametrize("pongs", [0, 500])
    def test_points_at_the_entry_also_if_earlier_entries_were_omitted(self, pongs: int) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(*[Frame.pong(b"PASSED")] * pongs, Frame.text("FAILED"))
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.read_to_end()

        watches = Watches([watch().monitor])
        assert watches.see(run_case(script, body)) == watches.all
        finding = watches.all[0].finding()
        assert finding is not None
        assert finding.entry is not None
        assert watches.all[0].transcript[finding.entry].summary == 'Text 6 "FAILED"'

    def test_an_omitted_entry_is_not_pointed_at(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(*[Frame.pong(b"PASSED")] * 250, Frame.text("FAILED"), *[Frame.pong(b"PASSED")] * 90)
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.read_to_end()

        watches = Watches([watch().monitor])
        watches.see(run_case(script, body))
        finding = watches.all[0].finding()
        assert finding is not None
        assert finding.entry is None


class TestWithdrawal:
    def test_a_withdrawn_breach_stays_as_an_earlier_attempt(self) -> None:
        one = watch()
        one.see(talk("FAILED"), shown(ENTRIES, 7))
        one.withdraw()
        assert (one.concluded().verdict, one.finding(), one.flaky, one.transcript) == (Verdict.PASSED, None, True, ())
        (attempt,) = one.earlier
        assert (attempt.verdict, attempt.micros, attempt.transcript) == (Verdict.FAILED, 7, ENTRIES)

    def test_a_breach_after_a_withdrawal_counts(self) -> None:
        one = watch()
        one.see(talk("FAILED"), shown(ENTRIES, 7))
        one.withdraw()
        one.see(talk("FAILED", case="area.later"), shown(ENTRIES, 8))
        finding = one.finding()
        assert finding is not None
        assert finding.observed == "failed (in area.later)"


class TestBrokenMonitors:
    def test_an_exception_is_an_error_of_the_suite(self) -> None:
        one = watch()
        assert not one.see(talk("PASSED", "NONSENSE"), shown(ENTRIES, 7))
        assert one.concluded().verdict is Verdict.ERROR
        finding = one.finding()
        assert finding is not None
        assert finding.observed.startswith("KeyError: 'NONSENSE' (")


class TestWatches:
    def test_only_watches_with_a_breach_are_returned(self) -> None:
        def fine(conversation: Conversation) -> Iterator[Sample]:
            yield Sample(entry=len(conversation.frames))

        def never(conversation: Conversation) -> Iterator[Sample]:
            yield Sample("bad", Verdict.FAILED)

        async def body(ws: Connection) -> None:
            await ws.echo(Frame.text("PASSED"))

        monitors = [
            Monitor(
                id=f"monitors.{each.__name__}", function=each, requirements=("6455-5.1-3",), title="A title.", why=""
            )
            for each in (fine, never)
        ]
        watches = Watches(monitors)
        assert [each.monitor.id for each in watches.see(run_case(echo, body))] == ["monitors.never"]
        assert [each.samples for each in watches.all] == [1, 1]
