"""The catalogue: cases and their ids, requirements that bind a role, and selectors."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsconform import Connection, Opening
from wsconform.catalogue.case import Case, Item, Monitor, Need, Profile, Sample, binding
from wsconform.catalogue.load import catalogue_version, collect, load_catalogue
from wsconform.catalogue.selection import Selection, UnknownPattern, matches
from wsconform.endpoint.session import CaseSubject
from wsconform.evidence.result import Verdict
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role

REGISTRY = load_registry()
PACKAGE = "made_up_cases"

MASKING = '''
    """Masking."""
    from __future__ import annotations
    from wsconform import Connection, Frame, Need, Opening, Profile, case, each
    from .helper import helped

    @case("6455-5.1-3", "6455-5.1-6", hint="look", aliases=("autobahn:0.1",))
    async def first_of_all(ws: Connection) -> None:
        """A title.

        And why
        it is so.
        """

    @case("6455-5.1-3", needs=Need.ECHO, offer="permessage-deflate", profile=Profile.FULL, allow=3)
    @each(opcode=range(0x3, 0x5), payload=(b"", b"\\xff"), frame={"named": Frame.ping()})
    async def family(ws: Connection, opcode: int, payload: bytes, frame: Frame) -> None:
        """A family."""

    @case("6455-4.2.1-1", heavy=True, needs=[Need.TLS, Need.ECHO])
    async def about_the_handshake(opening: Opening) -> None:
        """About the handshake."""

    async def no_case(ws: Connection) -> None:
        """A helper."""
'''
MONITORS = '''
    """Monitors."""
    from wsconform import monitor

    @monitor("6455-5.1-3", hint="look")
    def never_masked(conversation):
        """The server masks nothing."""
        yield from ()

    @monitor("6455-5.1-3")
    class KeysDiffer:
        """Keys differ."""
        def __call__(self, conversation):
            yield from ()
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the name of a package of cases in a temporary folder."""
    files = {
        "__init__.py": "",
        "helper.py": (
            "from wsconform import Connection, case\n@case('6455-5.1-3')\nasync def helped(ws: Connection): 'Helped.'\n"
        ),
        "framing/__init__.py": "",
        "framing/masking.py": textwrap.dedent(MASKING).replace("from .helper", "from ..helper"),
        "monitors.py": textwrap.dedent(MONITORS),
    }
    for name, text in files.items():
        path = tmp_path / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield PACKAGE
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def case(id: str, *requirements: str, subject: type[CaseSubject] = Connection, **options: Any) -> Case:
    """Return a case that does nothing."""

    async def nothing(ws: object) -> None:
        """Do nothing."""

    return Case(
        id=id,
        function=nothing,
        requirements=requirements or ("6455-5.1-3",),
        title="A title.",
        why="",
        subject=subject,
        **options,
    )


class TestCollecting:
    def test_an_id_is_the_module_the_name_and_the_parameters(self, package: str) -> None:
        assert [entry.id for entry in collect(package)] == [
            "framing.masking.first_of_all",
            "framing.masking.family[0x3-empty-named]",
            "framing.masking.family[0x3-ff-named]",
            "framing.masking.family[0x4-empty-named]",
            "framing.masking.family[0x4-ff-named]",
            "framing.masking.about_the_handshake",
            "helper.helped",
            "monitors.never_masked",
            "monitors.keys_differ",
        ]

    def test_the_options_of_the_decorators(self, package: str) -> None:
        entries = {entry.id: entry for entry in collect(package)}
        first = entries["framing.masking.first_of_all"]
        assert isinstance(first, Case)
        assert (first.title, first.why, first.hint) == ("A title.", "And why it is so.", "look")
        assert (first.requirements, first.aliases) == (("6455-5.1-3", "6455-5.1-6"), ("autobahn:0.1",))
        assert (first.subject, first.profile, first.alone, first.parameters) == (
            Connection,
            Profile.QUICK,
            False,
            {},
        )
        member = entries["framing.masking.family[0x4-ff-named]"]
        assert isinstance(member, Case)
        assert member.family == "framing.masking.family"
        assert {name: member.parameters[name] for name in ("opcode", "payload")} == {"opcode": 4, "payload": b"\xff"}
        assert (member.needs, member.offer, member.allow) == (frozenset({Need.ECHO}), "permessage-deflate", 3)
        handshake = entries["framing.masking.about_the_handshake"]
        assert isinstance(handshake, Case)
        assert (handshake.subject, handshake.heavy, handshake.alone) == (Opening, True, True)
        assert handshake.needs == {Need.TLS, Need.ECHO}
        watched = entries["monitors.never_masked"]
        assert isinstance(watched, Monitor)
        assert (watched.title, watched.family) == ("The server masks nothing.", "monitors.never_masked")

    def test_imported_functions_are_not_collected_again(self, package: str) -> None:
        assert [entry.id for entry in collect(package) if "helped" in entry.id] == ["helper.helped"]

    def test_two_cases_with_one_id_are_an_error(self, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wsconform.catalogue.load.case_packages", lambda: [package, package])
        with pytest.raises(ValueError, match=r"^the catalogue has two cases called framing\.masking\.first_of_all$"):
            load_catalogue()


class TestTheCatalogueItself:
    def test_every_citation_is_in_the_registry(self) -> None:
        wrong = [(entry.id, id) for entry in load_catalogue() for id in entry.requirements if REGISTRY.get(id) is None]
        assert wrong == []

    def test_every_entry_binds_a_role(self) -> None:
        idle = [entry.id for entry in load_catalogue() if not any(binding(entry, role, REGISTRY) for role in Role)]
        assert idle == []

    def test_titles_are_sentences(self) -> None:
        assert [entry.id for entry in load_catalogue() if not entry.title.endswith((".", "?"))] == []

    def test_an_id_has_as_many_values_as_the_case_has_parameters(self) -> None:
        wrong = [
            entry.id
            for entry in load_catalogue()
            if isinstance(entry, Case) and bool(entry.parameters) is not ("[" in entry.id)
        ]
        assert wrong == []


class TestVersion:
    def test_the_version_depends_only_on_ids_and_citations(self) -> None:
        one = catalogue_version([case("a.b"), case("a.c")])
        assert one == catalogue_version([case("a.b", hint="other"), case("a.c")])
        assert len({one, catalogue_version([case("a.b")]), catalogue_version([case("a.b"), case("a.c", "x")])}) == 3
        assert len(one) == 12


class TestBinding:
    def test_the_first_requirement_that_binds_the_role_decides(self) -> None:
        servers, clients = case("a.b", "6455-5.1-3"), case("a.c", "6455-5.1-6", "6455-5.1-3")
        for entry, role in ((servers, Role.SERVER), (clients, Role.SERVER), (clients, Role.CLIENT)):
            needed = binding(entry, role, REGISTRY)
            bound = [id for id in entry.requirements if role in REGISTRY[id].roles]
            assert (needed.id if needed else None) == (bound[0] if bound else None)

    def test_the_subject_limits_the_roles(self) -> None:
        opening = case("a.b", "6455-5.1-3", subject=Opening)
        assert binding(opening, Role.SERVER, REGISTRY) is not None
        assert binding(opening, Role.CLIENT, REGISTRY) is None

    def test_a_case_for_endpoints_does_not_bind_an_intermediary(self) -> None:
        assert binding(case("a.b"), Role.SERVER, REGISTRY) is not None
        assert binding(case("a.b"), Role.INTERMEDIARY, REGISTRY) is None


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "id"),
        [
            ("a.b", "a.b"),
            ("a.b", "a.b[0x3]"),
            ("a.b[0x3]", "a.b[0x3]"),
            ("a.b[*]", "a.b[0x3]"),
            ("a.*", "a.b.c[x]"),
            ("*", "a"),
            ("*.c", "a.b.c[x]"),
            ("a.?", "a.b"),
            ("**b**", "a.b"),
            ("a*b*c", "a.b.b.c"),
        ],
    )
    def test_pattern_matches(self, pattern: str, id: str) -> None:
        assert matches(pattern, id)

    @pytest.mark.parametrize(
        ("pattern", "id"),
        [
            ("a", "a.b"),
            ("a.b[0x3]", "a.b[0x4]"),
            ("[ab]", "a"),
            ("a.?", "a."),
            ("", "a"),
            ("a*c", "a.b"),
            ("A.b", "a.b"),
        ],
    )
    def test_pattern_does_not_match(self, pattern: str, id: str) -> None:
        assert not matches(pattern, id)

    @given(st.text("ab*?[", max_size=6), st.text("ab[", max_size=6))
    def test_patterns_equal_a_regular_expression(self, pattern: str, id: str) -> None:
        expression = re.compile(
            "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern), re.DOTALL
        )
        assert matches(pattern, id) == any(expression.fullmatch(text) for text in (id, id.partition("[")[0]))

    @given(st.integers(1, 40))
    def test_many_stars_are_fast(self, count: int) -> None:
        assert not matches("a*" * count + "b", "a" * 60)


class TestSelection:
    ENTRIES: tuple[Item, ...] = (
        case("framing.masking.unmasked", aliases=("autobahn:0.1",)),
        case("framing.opcodes.reserved[0x3]", "6455-5.2-6"),
        case("framing.opcodes.reserved[0x4]", "6455-5.2-6", profile=Profile.FULL),
        case("opening.request", "6455-4.2.1-1", subject=Opening),
        Monitor(
            id="monitors.never",
            function=lambda conversation: iter(()),
            requirements=("6455-5.1-3",),
            title="A title.",
            why="",
        ),
    )

    def ids(self, **selectors: Any) -> list[str]:
        """Return the ids that the selectors select."""
        return [entry.id for entry in Selection(**selectors).select(self.ENTRIES, Role.SERVER, REGISTRY)]

    def test_everything_that_binds_the_role_in_the_standard_profile(self) -> None:
        bound = [entry for entry in self.ENTRIES if binding(entry, Role.SERVER, REGISTRY)]
        assert self.ids(profile=Profile.FULL) == [entry.id for entry in bound]
        assert "framing.opcodes.reserved[0x4]" not in self.ids()

    def test_by_case_family_alias_and_exclusion(self) -> None:
        assert self.ids(cases=("framing.opcodes.reserved",)) == ["framing.opcodes.reserved[0x3]"]
        assert self.ids(cases=("autobahn:0.1",)) == ["framing.masking.unmasked"]
        assert self.ids(cases=("framing.*",), excluded=("*.masking.*",)) == ["framing.opcodes.reserved[0x3]"]

    def test_by_section_with_and_without_its_document(self) -> None:
        for section in ("5.2", "RFC6455:5.2", "rfc 6455:5.2"):
            assert self.ids(sections=(section,)) == ["framing.opcodes.reserved[0x3]"]
        assert len(self.ids(sections=("5",))) == 3

    def test_a_section_does_not_match_by_characters(self) -> None:
        with pytest.raises(UnknownPattern):
            self.ids(sections=("5.2.1",))

    def test_by_level(self) -> None:
        musts = [
            entry.id
            for entry in self.ENTRIES
            if (needed := binding(entry, Role.SERVER, REGISTRY)) and needed.level.weight == "must"
        ]
        assert self.ids(levels=("must",), profile=Profile.FULL) == musts
        assert self.ids(levels=("may",)) == []

    @given(st.integers(1, 6))
    def test_shards_are_a_partition(self, count: int) -> None:
        monitors = {entry.id for entry in self.ENTRIES if isinstance(entry, Monitor)}
        shards = [self.ids(shard=(which, count), profile=Profile.FULL) for which in range(1, count + 1)]
        assert monitors
        assert all(monitors <= set(shard) for shard in shards), "whatever is put is watched"
        cases = [id for id in self.ids(profile=Profile.FULL) if id not in monitors]
        assert sorted(id for shard in shards for id in shard if id not in monitors) == sorted(cases)

    @pytest.mark.parametrize(
        ("selectors", "words"),
        [
            (
                {"cases": ("framing.maskin.unmasked",)},
                'no case matches "framing.maskin.unmasked"; did you mean "framing.masking.unmasked"?'
                " See `wsconform list cases`",
            ),
            ({"cases": ("zzzzzz",)}, 'no case matches "zzzzzz"; see `wsconform list cases`'),
            ({"excluded": ("zzzzzz",)}, 'no case matches "zzzzzz"; see `wsconform list cases`'),
            ({"sections": ("99",)}, "--section 99: no case cites it; see `wsconform list requirements`"),
            (
                {"sections": ("RFC7692:5.2",)},
                "--section RFC7692:5.2: no case cites it; see `wsconform list requirements`",
            ),
        ],
    )
    def test_a_selector_without_a_match_is_an_error(self, selectors: dict[str, object], words: str) -> None:
        with pytest.raises(UnknownPattern) as caught:
            self.ids(**selectors)
        assert str(caught.value) == words


def test_a_sample_is_passed_by_default() -> None:
    assert (Sample().label, Sample().verdict, Sample().entry) == ("", Verdict.PASSED, None)
