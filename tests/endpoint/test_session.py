"""A session: the roles of its connections, its end, and the exceptions of a case."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.support.scripted import FarEnd, Script, Target, echo, jumping, run_case
from wsconform import Connection, Opening
from wsconform.endpoint.session import Session, Unreached, Violation
from wsconform.evidence.result import Reason, Verdict
from wsconform.evidence.transcript import Transcript
from wsconform.registry.requirement import Role
from wsconform.transport.stream import Reset


def in_session(body: Callable[[Session, Target], Awaitable[None]], *, role: Role = Role.SERVER) -> None:
    """Run `body` with a session whose target, of `role`, is a correct echo server."""

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            target = Target(nursery, echo)
            session = Session(
                case="area.case",
                role=role,
                dial=target.dial,
                transcript=Transcript(trio.current_time),
                random=random.Random(0),
            )
            await body(session, target)
            nursery.cancel_scope.cancel()

    jumping(run)


class TestRoles:
    @pytest.mark.parametrize("target_role", [Role.SERVER, Role.CLIENT])
    def test_the_role_belongs_to_the_connection(self, target_role: Role) -> None:
        """One session may have connections of both roles, as against an intermediary."""

        async def body(session: Session, target: Target) -> None:
            stream, conversation = await session.connect(target_role)
            ws = Connection(session, stream, conversation)
            assert conversation.role is target_role
            assert ws.role is target_role.other
            assert ws.role.masks is (target_role is Role.SERVER)

        in_session(body)

    @pytest.mark.parametrize("role", [Role.SERVER, Role.CLIENT])
    def test_the_default_role_of_a_connection_is_that_of_the_target(self, role: Role) -> None:
        async def body(session: Session, target: Target) -> None:
            _, conversation = await session.connect()
            assert conversation.role is role

        in_session(body, role=role)

    def test_the_target_of_an_opening_handshake_is_a_server(self) -> None:
        async def body(session: Session, target: Target) -> None:
            wire = await Opening(session).dial()
            assert wire.conversation.role is Role.SERVER

        in_session(body, role=Role.CLIENT)


class TestEnd:
    def test_calls_the_closers_before_it_closes_the_streams(self) -> None:
        seen: list[int] = []

        async def body(session: Session, target: Target) -> None:
            async def closer() -> None:
                seen.append(target.open)

            await session.connect()
            session.on_close(closer)
            await session.aclose()
            assert (seen, target.open) == ([1], 0)

        in_session(body)

    def test_closes_the_streams_even_if_a_closer_finds_the_stream_reset(self) -> None:
        async def body(session: Session, target: Target) -> None:
            async def closer() -> None:
                raise Reset("RST")

            await session.connect()
            session.on_close(closer)
            await session.aclose()
            assert target.open == 0

        in_session(body)


class TestArranging:
    def test_a_violation_while_arranging_becomes_unreached(self) -> None:
        async def body(session: Session, target: Target) -> None:
            with pytest.raises(Unreached) as caught, session.arranging("an echo"):
                session.fail("this", "that", 3)
            reached = (caught.value.reason, caught.value.text, caught.value.entry, caught.value.refusal)
            assert reached == (Reason.ARRANGING, "an echo: that", 3, None)

        in_session(body)

    def test_the_text_of_a_violation(self) -> None:
        assert str(Violation("this", "that")) == "expected this; observed that"


async def ends_with_fin(end: FarEnd) -> None:
    await end.head()
    await end.fin()


async def ends_with_rst(end: FarEnd) -> None:
    await end.head()
    await end.rst()


@pytest.mark.parametrize(("script", "kind"), [(ends_with_fin, "fin"), (ends_with_rst, "rst")])
def test_the_end_of_the_stream_has_a_kind_in_the_transcript(script: Script, kind: str) -> None:
    """Also if the target ends the stream instead of answering the handshake."""

    async def body(opening: Opening) -> None:
        await opening.exchange()

    attempted = run_case(script, body, subject=Opening)
    assert attempted.verdict is Verdict.PASSED
    assert attempted.transcript[-1].kind == kind
