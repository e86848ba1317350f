"""Families whose members differ in offer and profile, and the selection of members outside the profile."""

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
    """A family with functions of its parameters for offer and profile."""

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

    def test_each_member_has_its_own_offer_and_profile(self) -> None:
        assert [member.offer for member in self.members()] == [
            "permessage-deflate; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=15",
        ]
        assert [member.profile for member in self.members()] == [Profile.STANDARD, Profile.FULL]

    def test_a_heavy_case_need_not_run_alone(self) -> None:
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
    def test_a_case_named_in_full_runs_in_any_profile(self, pattern: str, profile: Profile, chosen: list[str]) -> None:
        first, second = self.members()
        entries = [first, replace(second, aliases=("autobahn:1.1.1",))]
        found = Selection(cases=(pattern,), profile=profile).select(entries, Role.SERVER, load_registry())
        assert [entry.id for entry in found] == chosen


BARE = "permessage-deflate"
OURS = f"{BARE}; client_no_context_takeover; client_max_window_bits"


class TestMirror:
    """The answer to a client's offer, derived from the offers that we would make to a server."""

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
    def test_the_answer_to_an_offer(self, ours: str, theirs: str, answer: str | None) -> None:
        mirrored = deflate_mirrored(parse_extensions(ours.encode()) if ours else (), parse_extensions(theirs.encode()))
        assert (str(mirrored) if mirrored else None) == answer
