"""wsconform diff: what is told of two runs, and when the gate breaks."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.support import journals
from tests.support.command import Say
from tests.support.journals import header, result, target
from wsconform.commands.schema import text_of
from wsconform.evidence.result import Finding, Reason, Result, Verdict
from wsconform.journal.journal import Journal, dumps
from wsconform.registry.requirement import Level

UNKNOWN = "framing.opcodes.unknown_opcode_fails_the_connection"


def failed(case: str, **fields: object) -> Result:
    """Return a violation with a finding."""
    found = Finding("the connection to be failed", "our payload, after 0.4 ms")
    return result(case, verdict=Verdict.FAILED, finding=found, requirement="6455-5.2-6", **fields)


BEFORE = (
    result(f"{UNKNOWN}[0x3]"),
    result(f"{UNKNOWN}[0x4]"),
    result("closing.codes.known"),
    failed("closing.codes.mended"),
    result("closing.tcp.broke"),
    result("utf8.text.departs"),
    *(result(f"old.case_{number}") for number in range(12)),
)
AFTER = (
    failed(f"{UNKNOWN}[0x3]"),
    failed(f"{UNKNOWN}[0x4]"),
    failed("closing.codes.known", expected="rewritten in 2.0"),
    result("closing.codes.mended"),
    result("closing.tcp.broke", verdict=Verdict.INCONCLUSIVE, reason=Reason.ARRANGING),
    result("utf8.text.departs", verdict=Verdict.FAILED, level=Level.SHOULD),
    result("new.one"),
    failed("new.two"),
)
UTF8 = """\
from  a.jsonl (2027-01-12T09:30:00Z)
to    b.jsonl (2027-01-13T09:30:00Z)
3 newly violated
  ✓ → ✗  framing.opcodes.unknown_opcode_fails_the_connection[0x3] (and [0x4])
         RFC 6455 5.2 MUST
         expected   the connection to be failed
         observed   our payload, after 0.4 ms
  ✓ → ✗  closing.codes.known
         RFC 6455 5.2 MUST
         expected   the connection to be failed
         observed   our payload, after 0.4 ms
         known      rewritten in 2.0
1 newly met
  ✗ → ✓  closing.codes.mended
1 not decided any more
  ✓ → ?  closing.tcp.broke
1 changed otherwise
  ✓ → !  utf8.text.departs
2 new
    → ✗  new.two
    → ✓  new.one
12 gone
  ✓ →    old.case_0
  ✓ →    old.case_1
  ✓ →    old.case_2
  ✓ →    old.case_3
  ✓ →    old.case_4
  ✓ →    old.case_5
  ✓ →    old.case_6
  ✓ →    old.case_7
  ✓ →    old.case_8
  ✓ →    old.case_9
  and 2 more; -v shows them
2 newly violated at MUST; 1 newly violated as expected; 1 newly met; 1 not decided any more; 0 as before.
"""


def write(name: str, journal: Journal) -> None:
    """Write `journal` into the working folder, which is the test's own."""
    Path(name).write_text(dumps(journal))


def both(before: tuple[Result, ...] = BEFORE, after: tuple[Result, ...] = AFTER) -> None:
    """Write two journals of one target."""
    write("a.jsonl", Journal(header(), journals.journal((target(), before)).targets, journals.journal().footer))
    later = header(start="2027-01-13T09:30:00Z")
    write("b.jsonl", Journal(later, journals.journal((target(), after)).targets, journals.journal().footer))


def test_what_is_newly_violated_comes_first_and_breaks_the_gate(say: Say) -> None:
    both()
    assert say("diff", "a.jsonl", "b.jsonl") == (1, UTF8, "")


def test_the_same_in_ascii(say: Say) -> None:
    both()
    code, out, err = say("diff", "a.jsonl", "b.jsonl", "--ascii")
    assert (code, err) == (1, "")
    wanted = UTF8
    for mark, ascii in (("✓", "."), ("✗", "F"), ("!", "W"), ("→", "->"), (" " * 9, " " * 10)):
        wanted = wanted.replace(mark, ascii)
    assert out == wanted


def test_every_change_is_told_when_asked(say: Say) -> None:
    both()
    _, out, _ = say("diff", "a.jsonl", "b.jsonl", "-v")
    assert "old.case_11" in out
    assert "-v shows them" not in out


@pytest.mark.parametrize(
    ("words", "code", "last"),
    [
        (("--fail-on", "never"), 0, "Nothing breaks the gate (--fail-on never)"),
        (("--fail-on", "should"), 1, "3 newly violated at SHOULD"),
        (("--fail-on", "must"), 1, "2 newly violated at MUST"),
    ],
)
def test_the_gate_has_a_level(words: tuple[str, ...], code: int, last: str, say: Say) -> None:
    both()
    found, out, _ = say("diff", "a.jsonl", "b.jsonl", *words)
    assert found == code
    assert out.splitlines()[-1].startswith(f"{last}; ")


def test_the_level_of_the_configuration_holds(say: Say, tmp_path: Path) -> None:
    both(BEFORE[-13:], (AFTER[5], *BEFORE[-12:]))
    assert say("diff", "a.jsonl", "b.jsonl")[0] == 0
    (tmp_path / "wsconform.toml").write_text('fail-on = "should"\n')
    assert say("diff", "a.jsonl", "b.jsonl")[0] == 1


def test_nothing_changed(say: Say) -> None:
    both(AFTER, AFTER)
    code, out, _ = say("diff", "a.jsonl", "b.jsonl")
    assert (code, out.splitlines()[2:]) == (0, ["Nothing is newly violated at MUST; 8 as before."])


def test_two_targets_of_one_journal(say: Say) -> None:
    write("a.jsonl", journals.journal((target("one"), BEFORE), (target("two"), AFTER)))
    code, out, _ = say("diff", "a.jsonl", "--targets", "one", "two")
    assert code == 1
    assert out.splitlines()[:3] == [
        "from  one in a.jsonl (2027-01-12T09:30:00Z)",
        "to    two in a.jsonl (2027-01-12T09:30:00Z)",
        "3 newly violated",
    ]
    assert say("diff", "a.jsonl", "--targets", "two", "one")[0] == 1, "closing.codes.mended"


def test_targets_are_told_apart_where_there_are_several(say: Say) -> None:
    one, two = (target("one"), [result("a.b")]), (target("two"), [result("a.b")])
    write("a.jsonl", journals.journal(one, two, (target("left"), [result()])))
    write("b.jsonl", journals.journal(one, (target("two"), [failed("a.b")]), (target("came"), [result()])))
    code, out, _ = say("diff", "a.jsonl", "b.jsonl")
    assert code == 1
    assert "  ✓ → ✗  two  a.b" in out.splitlines()
    assert "1 target new: came" in out.splitlines()
    assert "1 target gone: left" in out.splitlines()


def test_what_makes_a_comparison_doubtful_is_said(say: Say) -> None:
    write("a.jsonl", journals.journal((target(), [result()]), why=None))
    write("b.jsonl", Journal(header(catalogue="1.5"), journals.journal((target(), [result()])).targets))
    _, out, _ = say("diff", "a.jsonl", "b.jsonl")
    assert "note  a.jsonl has no end: its run crashed, or is still going on" in out.splitlines()
    text = " ".join(out.split())
    assert "note the catalogue went from 1.4 to 1.5: a case may ask something else than it did" in text


def test_json_holds_every_change(say: Say) -> None:
    both()
    code, out, err = say("diff", "a.jsonl", "b.jsonl", "--json")
    assert (code, err) == (1, "")
    found = json.loads(out)
    jsonschema.validate(found, json.loads(text_of("diff")))
    assert (found["exit"], found["fail_on"], found["same"]) == (1, "must", 0)
    counts = {kind: len(found[kind]) for kind in ("newly_violated", "fixed", "undecided", "other", "new", "gone")}
    assert list(counts.values()) == [3, 1, 1, 1, 2, 12]
    assert found["newly_violated"][0] == {
        "target": "node-ws",
        "case": f"{UNKNOWN}[0x3]",
        "requirement": "6455-5.2-6",
        "level": "MUST",
        "before": {"verdict": "passed", "mark": "passed", "reason": None, "finding": None, "expected": None},
        "after": {
            "verdict": "failed",
            "mark": "violation",
            "reason": None,
            "finding": {"expected": "the connection to be failed", "observed": "our payload, after 0.4 ms"},
            "expected": None,
        },
    }
    assert found["gone"][0]["after"] is None


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("a.jsonl",), 2, "wsconform diff: two journals are compared, or two targets of one with --targets A B; "),
        (("a.jsonl", "b.jsonl", "a.jsonl"), 2, "wsconform diff: two journals are compared, or two targets of one"),
        (("a.jsonl", "c.jsonl"), 2, "c.jsonl: cannot be read: "),
        (("a.jsonl", "--targets", "node-ws", "node"), 2, 'a.jsonl: has no target node; did you mean "node-ws"?'),
        (("two.jsonl", "a.jsonl"), 2, "two.jsonl and a.jsonl have no target in common (x, y; node-ws); name two with"),
        (("a.jsonl", "other.jsonl"), 5, "there is no case that both sides have a result for; name other journals"),
        (("a.jsonl", "empty.jsonl", "--targets", "node-ws", "x"), 2, "empty.jsonl: no target was tested in this run"),
    ],
)
def test_what_cannot_be_compared_is_said(words: tuple[str, ...], code: int, told: str, say: Say) -> None:
    both()
    write("two.jsonl", journals.journal((target("x"), BEFORE), (target("y"), BEFORE)))
    write("other.jsonl", journals.journal((target(), [result("no.other")])))
    write("empty.jsonl", journals.journal())
    found, out, err = say("diff", *words)
    assert (found, out) == (code, "")
    assert err.startswith(told)
    assert len(err.splitlines()) == 1
