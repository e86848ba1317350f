"""Families whose members differ in more than their parameters, and who is put in a profile that leaves it out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsconform import Connection
from wsconform.catalogue.case import Case, Profile, case, each
from wsconform.catalogue.load import _cases_of
from wsconform.catalogue.selection import Selection
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.wire.handshake import deflate_mirrored, parse_extensions


class TestMembersThatDiffer:
    """A family whose members differ in offer and profile, by functions of their parameters."""

    def members(self) -> list[Case]:
        def offer_of(bits: int) -> str:
            return f"permessage-deflate; server_max_window_bits={bits}"

        @case(
            "6455-5.1-3",
            offer=offer_of,
            profile=lambda bits: Profile.QUICK if bits == 9 else Profile.FULL,
            heavy=True,
            alone=False,
        )
        @each(bits=(9, 15))
        async def is_kept(ws: Connection, bits: int) -> None:
            """Holds."""

        return list(_cases_of(is_kept, "a.b"))

    def test_each_has_its_own(self) -> None:
        assert [member.offer for member in self.members()] == [
            "permessage-deflate; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=15",
        ]
        assert [member.profile for member in self.members()] == [Profile.STANDARD, Profile.FULL]

    def test_what_is_heavy_may_have_company(self) -> None:
        assert [(member.heavy, member.alone) for member in self.members()] == [(True, False)] * 2

    @pytest.mark.parametrize(
        ("pattern", "profile", "chosen"),
        [
            ("a.b.is_kept[15]", Profile.STANDARD, ["a.b.is_kept[15]"]),
            ("a.b.is_kept[9]", Profile.QUICK, ["a.b.is_kept[9]"]),
            ("autobahn:1.1.1", Profile.STANDARD, ["a.b.is_kept[15]"]),
            ("a.b.is_kept", Profile.STANDARD, ["a.b.is_kept[9]"]),
            ("a.b.is_kept*", Profile.QUICK, []),
            ("autobahn:1.*", Profile.STANDARD, []),
        ],
    )
    def test_who_names_one_gets_it_in_any_profile(self, pattern: str, profile: Profile, chosen: list[str]) -> None:
        first, second = self.members()
        entries = [first, replace(second, aliases=("autobahn:1.1.1",))]
        found = Selection(cases=(pattern,), profile=profile).select(entries, Role.SERVER, load_registry())
        assert [entry.id for entry in found] == chosen


BARE = "permessage-deflate"
OURS = f"{BARE}; client_no_context_takeover; client_max_window_bits"


class TestMirror:
    """What a client is answered where a server would be made an offer."""

    @pytest.mark.parametrize(
        ("ours", "theirs", "answer"),
        [
            ("", BARE, BARE),
            (OURS, f"{BARE}; client_max_window_bits", BARE),
            (OURS, f"{BARE}; server_no_context_takeover", f"{BARE}; server_no_context_takeover"),
            (f"{OURS}; server_no_context_takeover", BARE, f"{BARE}; client_no_context_takeover"),
            (
                f"{OURS}; server_max_window_bits=9",
                f"{BARE}; client_max_window_bits",
                f"{BARE}; client_max_window_bits=9",
            ),
            (
                f"{OURS}; server_max_window_bits=9",
                f"{BARE}, {BARE}; client_max_window_bits=12; server_max_window_bits=10",
                f"{BARE}; server_max_window_bits=10; client_max_window_bits=9",
            ),
            (f"{OURS}; server_max_window_bits=9", BARE, None),
            (f"{OURS}; server_max_window_bits=15", f"{BARE}; client_max_window_bits=12", None),
            (f"{OURS}; server_max_window_bits=9, {OURS}", BARE, BARE),
            (OURS, "x-webkit-deflate-frame", None),
            (OURS, f"{BARE}; server_max_window_bits=7", None),
        ],
    )
    def test_an_answer(self, ours: str, theirs: str, answer: str | None) -> None:
        mirrored = deflate_mirrored(parse_extensions(ours.encode()) if ours else (), parse_extensions(theirs.encode()))
        assert (str(mirrored) if mirrored else None) == answer
