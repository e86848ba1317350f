"""Sec-WebSocket-Version: versions that are refused, and the fields of the refusal (RFC 6455 4.2.2, 4.3, 4.4)."""

from __future__ import annotations

from wsconform import Answer, HttpConnection, Opening, Request, case, each

_LIST = "send Sec-WebSocket-Version: 13 in the error response to any other version"
_PARSE = "compare the value with 13 as text; a number parser accepts values that are not versions"

#: Well-formed versions that no implementation speaks.
UNKNOWN = (0, 12, 14, 99, 255)

#: Drafts of the protocol that old servers still speak.
DRAFTS = (7, 8)

MALFORMED = {
    "leading_zero": "013",
    "plus_sign": "+13",
    "minus_sign": "-13",
    "minus_one": "-1",
    "decimal_point": "13.0",
    "quoted": '"13"',
    "hexadecimal": "0x0D",
    "space_inside": "1 3",
    "underscore": "1_3",
    "over_255": "256",
    "wraps_round_to_13": "269",
    "word": "thirteen",
    "list": "13, 8",
    "list_of_one": "13,",
    "parameter": "13;q=1",
    "empty": "",
}


@case("6455-4.2.1-20", "6455-4.2.1-1", hint="refuse a handshake without Sec-WebSocket-Version")
async def request_without_a_version_is_refused(opening: Opening) -> None:
    """A request without Sec-WebSocket-Version is refused; there is no default version.

    Everything else in the handshake is correct, so a target that does not look at the field answers 101.
    """
    await opening.expect_refused(opening.request.without("Sec-WebSocket-Version"), best=(400, 426))


@case("6455-4.3-2", "6455-4.2.1-1", hint=_PARSE)
@each(value=MALFORMED)
async def malformed_version_is_refused(opening: Opening, value: str) -> None:
    """A version is one number from 0 to 255 without a sign or leading zeros; anything else is refused.

    A lenient number parser, or one that keeps only the last eight bits, reads most of these values as 13.
    """
    await opening.expect_refused(opening.request.replacing("Sec-WebSocket-Version", value), best=(400, 426))


@case("6455-4.2.2-11", hint="answer 426 or 400 if you do not speak the version")
@each(version=UNKNOWN)
async def unknown_version_is_answered_with_an_error_status(opening: Opening, version: int) -> None:
    """A version that the target does not speak gets an HTTP error that points at the version.

    426 and 400 are equally good. From another status a client cannot see that it should ask for another version.
    """
    answer, _ = await opening.expect_refused(_asking_for(opening, version), best=(400, 426))
    _expect_client_error(opening, answer)


@case("6455-4.2.2-11", hint="answer 426 or 400 if you do not speak the version")
@each(version=DRAFTS)
async def version_of_a_draft_is_refused_or_spoken(opening: Opening, version: int) -> None:
    """A draft's version is refused like any other unknown version, unless the target speaks it.

    Which of the two happened is recorded.
    """
    answer, _ = await opening.expect_accepted_or_refused(_asking_for(opening, version))
    _expect_client_error_or_101(opening, answer)


@case("6455-4.2.2-12", "6455-4.4-1", hint=_LIST)
@each(version=(*UNKNOWN, 25))
async def unknown_version_error_lists_version_13(opening: Opening, version: int) -> None:
    """The refusal of an unknown version lists the supported versions in Sec-WebSocket-Version.

    The other cases of a run open their connections with version 13, so the list must contain 13.
    """
    answer, _ = await opening.expect_refused(_asking_for(opening, version), best=(400, 426))
    listed = answer.head.fields.elements("Sec-WebSocket-Version") if answer.head else ()
    observed = b", ".join(listed).decode("latin-1") or "no Sec-WebSocket-Version"
    opening.expect(b"13" in listed, "Sec-WebSocket-Version with 13 in the error response", observed, answer.entry)


@case("6455-4.4-1", hint="list the versions that you accept, and no others")
async def every_listed_version_is_accepted(opening: Opening) -> None:
    """The target accepts each version that its refusal lists.

    A list copied from somewhere else promises versions that the target does not speak.
    """
    answer, _ = await opening.expect_refused(_asking_for(opening, 25), best=(400, 426))
    listed = answer.head.fields.elements("Sec-WebSocket-Version") if answer.head else ()
    opening.expect(bool(listed), "versions in Sec-WebSocket-Version", f"none, in {answer}", answer.entry)
    await _expect_each_accepted(opening, listed)


@case("6455-4.4-3", hint="keep no state of a refused handshake; judge the next one on its own")
async def handshake_can_be_repeated_after_a_version_error(opening: Opening) -> None:
    """A client whose version was refused may ask again with a listed version, and is accepted.

    The second request uses the same connection if the target left it open, else a new one.
    """
    answer, wire = await opening.expect_refused(_asking_for(opening, 25), best=(400, 426))
    await _expect_accepted_next(opening, answer, wire)


@case("6455-11.3.5-3", "6455-4.2.1-1", hint="refuse a request with more than one Sec-WebSocket-Version line")
@each(values={"13_then_8": ("13", "8"), "8_then_13": ("8", "13"), "13_then_14": ("13", "14")})
async def two_versions_are_refused(opening: Opening, values: tuple[str, str]) -> None:
    """A request with two different Sec-WebSocket-Version lines is refused.

    A target that reads only the first line, or only the last, answers 101 to one of the orders.
    """
    await opening.expect_refused(opening.request.replacing("Sec-WebSocket-Version", *values), best=(400, 426))


@case("6455-11.3.5-3", hint="refuse a request with more than one Sec-WebSocket-Version line")
async def repeated_version_is_refused(opening: Opening) -> None:
    """The same version on two lines is malformed too, although its meaning is clear.

    Accepting it is lenient and harmless, so it departs.
    """
    answer, _ = await opening.expect_accepted_or_refused(opening.request.replacing("Sec-WebSocket-Version", "13", "13"))
    opening.depart_if(answer.accepted, "two lines with the same version are accepted")


def _asking_for(opening: Opening, version: int | bytes) -> Request:
    value = version if isinstance(version, bytes) else str(version)
    return opening.fresh_request().replacing("Sec-WebSocket-Version", value)


def _expect_client_error(opening: Opening, answer: Answer) -> None:
    """Expect a 4xx. A status other than 400 and 426 departs, because section 4.2.2 suggests 426."""
    opening.expect(400 <= answer.status < 500, "an error status, such as 426 or 400", str(answer), answer.entry)
    opening.depart_if(answer.status not in (400, 426), f"{answer} does not show that the version is wrong")


def _expect_client_error_or_101(opening: Opening, answer: Answer) -> None:
    if not answer.accepted:
        _expect_client_error(opening, answer)


async def _expect_each_accepted(opening: Opening, listed: tuple[bytes, ...]) -> None:
    for version in dict.fromkeys(listed):
        answer, _ = await opening.exchange(_asking_for(opening, version))
        expected = f"101 for version {version.decode('latin-1')}, which was listed"
        opening.expect(answer.accepted, expected, str(answer), answer.entry)


async def _expect_accepted_next(opening: Opening, refusal: Answer, wire: HttpConnection) -> None:
    """Expect a correct handshake to be accepted on `wire` if the target left it open, else on a new connection."""
    options = refusal.head.fields.elements("Connection") if refusal.head else (b"close",)
    asked = opening.fresh_request()
    if refusal.ending is None and b"close" not in [option.lower() for option in options]:
        answer, again = await opening.exchange(asked, wire=wire)
        if answer.head is not None:
            opening.note("repeated on", "the same connection")
            opening.accept(answer, again, asked)
            return
    opening.note("repeated on", "a new connection")
    await opening.expect_accepted(asked)
