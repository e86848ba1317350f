"""The requirement registry: values, loading, error messages, and the entries themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace

import pytest

from wsconform.registry import registry as module
from wsconform.registry.registry import Registry, RegistryError, UnknownRequirement, load_registry
from wsconform.registry.requirement import Actor, Document, Level, Observable, Role

DOCUMENT = """[document]
id = "RFC6455"
title = "The WebSocket Protocol"
url = "https://www.rfc-editor.org/rfc/rfc6455"
"""
ENTRY = """
[[requirement]]
id = "6455-5.1-1"
section = "5.1"
level = "MUST"
actor = "client"
observable = "wire"
category = "masking"
requirement = "A client masks."
how = "Watch."
locator = "a few words"
"""
SECOND = ENTRY.replace("5.1-1", "5.1-2")

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files (text by name) into a folder of requirements, and return the folder."""

    def write_files(**texts: str) -> Path:
        folder = tmp_path / "requirements"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.toml").write_text(text, encoding="utf-8")
        return folder

    return write_files


@pytest.mark.parametrize(
    ("level", "weight"),
    [
        ("MUST", "must"),
        ("MUST NOT", "must"),
        ("PROSE", "must"),
        ("SHOULD", "should"),
        ("SHOULD NOT", "should"),
        ("MAY", "may"),
    ],
)
def test_the_weight_of_a_level(level: str, weight: str) -> None:
    assert Level(level).weight == weight


def test_only_a_client_masks() -> None:
    assert [role for role in Role if role.masks] == [Role.CLIENT]


def test_the_opposite_of_a_role() -> None:
    assert Role.SERVER.other is Role.CLIENT
    assert Role.CLIENT.other is Role.SERVER
    with pytest.raises(ValueError, match="between two roles"):
        _ = Role.INTERMEDIARY.other


def test_the_roles_of_an_actor() -> None:
    both = {Role.SERVER, Role.CLIENT}
    assert {actor.value: actor.roles for actor in Actor} == {
        "server": {Role.SERVER},
        "client": {Role.CLIENT},
        "endpoint": both,
        "application": both,
        "intermediary": {Role.INTERMEDIARY},
        "proxy": {Role.INTERMEDIARY},
    }


def test_the_names_and_addresses_of_a_document() -> None:
    rfc = Document("RFC1951", "DEFLATE", "https://www.rfc-editor.org/rfc/rfc1951")
    living = Document("WHATWG-WS", "WebSockets Standard", "https://websockets.spec.whatwg.org/")
    assert (rfc.name, rfc.prefix) == ("RFC 1951", "1951")
    assert (living.name, living.prefix) == ("WebSockets Standard", "whatwg-ws")
    assert rfc.section_url("3.2.3") == "https://www.rfc-editor.org/rfc/rfc1951#section-3.2.3"
    assert rfc.section_url("A.1") == "https://www.rfc-editor.org/rfc/rfc1951#appendix-A.1"
    assert living.section_url("2.2") == "https://websockets.spec.whatwg.org/"


def test_an_entry_becomes_a_requirement(write: Write) -> None:
    extras = 'errata = ["3473"]\nrefs = ["9110-7.8"]\nsame_as = ["6455-5.1-2"]\nautobahn = ["1.1.1-1.1.3"]\n'
    folder = write(rfc6455=DOCUMENT + ENTRY + extras + "keyword_elsewhere = true\n" + SECOND)
    requirement, bare = Registry.load([folder]).values()
    assert requirement.document == Document(
        "RFC6455", "The WebSocket Protocol", "https://www.rfc-editor.org/rfc/rfc6455"
    )
    assert (requirement.id, requirement.section, requirement.category) == ("6455-5.1-1", "5.1", "masking")
    assert (requirement.level, requirement.actor) == (Level.MUST, Actor.CLIENT)
    assert requirement.observable is Observable.WIRE
    assert (requirement.text, requirement.how, requirement.locator) == (
        "A client masks.",
        "Watch.",
        "a few words",
    )
    assert requirement.roles == {Role.CLIENT}
    assert (requirement.errata, requirement.refs) == (("3473",), ("9110-7.8",))
    assert (requirement.same_as, requirement.autobahn) == (("6455-5.1-2",), ("1.1.1-1.1.3",))
    assert requirement.keyword_elsewhere
    assert requirement.citation == "RFC 6455 5.1 MUST"
    assert requirement.url == "https://www.rfc-editor.org/rfc/rfc6455#section-5.1"
    assert (bare.errata, bare.refs, bare.same_as, bare.autobahn, bare.keyword_elsewhere) == (
        (),
        (),
        (),
        (),
        False,
    )
    with pytest.raises(FrozenInstanceError):
        bare.section = "5.2"  # type: ignore[misc]


def test_files_are_read_by_name_and_entries_in_their_order(write: Write) -> None:
    other = (DOCUMENT + SECOND + ENTRY).replace("6455", "1951")
    folder = write(rfc6455=DOCUMENT + SECOND + ENTRY, rfc1951=other)
    (folder / "notes.txt").write_text("not a requirement file")
    registry = Registry.load([folder])
    assert list(registry) == ["1951-5.1-2", "1951-5.1-1", "6455-5.1-2", "6455-5.1-1"]
    assert [document.id for document in registry.documents] == ["RFC1951", "RFC6455"]
    assert len(registry) == 4


def test_an_unknown_id_is_reported_with_similar_ids(write: Write) -> None:
    registry = Registry.load([write(rfc6455=DOCUMENT + ENTRY + SECOND)])
    assert "6455-5.1-1" in registry
    assert "6455-5.1-11" not in registry
    assert registry.get("6455-5.1-11") is None
    with pytest.raises(UnknownRequirement) as caught:
        registry["6455-5.1-11"]
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == ("no requirement has the id '6455-5.1-11'; did you mean 6455-5.1-1 or 6455-5.1-2?")
    with pytest.raises(UnknownRequirement) as caught:
        registry["masking"]
    assert str(caught.value) == "no requirement has the id 'masking'"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (DOCUMENT + ENTRY + 'colour = "red"\n', "6455-5.1-1: colour: unknown key"),
        (DOCUMENT + ENTRY.replace('how = "Watch."\n', ""), "6455-5.1-1: how: missing"),
        (DOCUMENT + ENTRY.replace('id = "6455-5.1-1"\n', ""), "requirement 1: id: missing"),
        (DOCUMENT + ENTRY.replace("Watch.", " "), "6455-5.1-1: how: must be a string that is not empty"),
        (
            DOCUMENT + ENTRY.replace('"5.1"', "5.1"),
            "6455-5.1-1: section: must be a string that is not empty",
        ),
        (
            DOCUMENT + ENTRY.replace("MUST", "SHALL"),
            "6455-5.1-1: level: 'SHALL' is not one of MUST, MUST NOT, SHOULD, SHOULD NOT, MAY, PROSE",
        ),
        (
            DOCUMENT + ENTRY.replace('"client"', '"peer"'),
            "6455-5.1-1: actor: 'peer' is not one of server, client, endpoint, intermediary, proxy, application",
        ),
        (
            DOCUMENT + ENTRY.replace('"wire"', '"seen"'),
            "6455-5.1-1: observable: 'seen' is not one of wire, needs-driver, not-observable",
        ),
        (
            DOCUMENT + ENTRY.replace("6455-5.1-1", "6455-5.2-1"),
            "6455-5.2-1: id: must be 6455-5.1-N, with N from 1, in section 5.1",
        ),
        (
            DOCUMENT + ENTRY.replace("6455-5.1-1", "7692-5.1-1"),
            "7692-5.1-1: id: must be 6455-5.1-N, with N from 1, in section 5.1",
        ),
        (
            DOCUMENT + ENTRY.replace("6455-5.1-1", "6455-5.1-0"),
            "6455-5.1-0: id: must be 6455-5.1-N, with N from 1, in section 5.1",
        ),
        (DOCUMENT + ENTRY + 'errata = "3473"\n', "6455-5.1-1: errata: must be a list of strings"),
        (DOCUMENT + ENTRY + "errata = [3473]\n", "6455-5.1-1: errata: must be a list of strings"),
        (
            DOCUMENT + ENTRY + "keyword_elsewhere = 1\n",
            "6455-5.1-1: keyword_elsewhere: must be true or false",
        ),
        (DOCUMENT.replace("title", "name") + ENTRY, "[document]: name: unknown key"),
        ('document = "RFC6455"\n' + ENTRY, "[document]: must be a table"),
        (ENTRY, "file: document: missing"),
        (DOCUMENT, "file: requirement: must be a list of tables; write [[requirement]] above each"),
        ("requirement = [1]\n" + DOCUMENT, "requirement 1: must be a table"),
        ('author = "me"\n' + DOCUMENT + ENTRY, "file: author: unknown key"),
        ("[document\n", "not TOML: "),
    ],
)
def test_an_invalid_file_is_reported_in_one_line(write: Write, text: str, problem: str) -> None:
    folder = write(rfc6455=text)
    with pytest.raises(RegistryError) as caught:
        Registry.load([folder])
    message = str(caught.value)
    assert message.startswith(f"{folder / 'rfc6455.toml'}: {problem}")
    assert message.splitlines() == [message]


def test_an_unknown_category_is_reported(write: Write) -> None:
    folder = write(rfc6455=DOCUMENT + ENTRY.replace('"masking"', '"tea"'))
    with pytest.raises(RegistryError, match=r"6455-5\.1-1: category: 'tea' is not one of close, control, "):
        Registry.load([folder])


def test_an_id_used_twice_is_reported_with_both_files(write: Write) -> None:
    folder = write(first=DOCUMENT + ENTRY, second=DOCUMENT + SECOND + ENTRY)
    with pytest.raises(RegistryError) as caught:
        Registry.load([folder])
    first, second = folder / "first.toml", folder / "second.toml"
    assert str(caught.value) == f"{second}: 6455-5.1-1: id: already used in {first}"


def test_a_file_that_is_not_utf_8_is_reported(write: Write) -> None:
    folder = write()
    (folder / "rfc6455.toml").write_bytes(b'title = "\xff"')
    with pytest.raises(RegistryError, match=r"rfc6455\.toml: not TOML: 'utf-8' codec can't decode"):
        Registry.load([folder])


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"requirements: cannot be read: No such file"):
        Registry.load([tmp_path / "requirements"])


def test_with_the_cache_files_are_not_parsed(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cache = write(rfc6455=DOCUMENT + ENTRY + SECOND), tmp_path / "cache"
    parsed = Registry.load([folder], cache=cache)
    monkeypatch.setattr(module, "parse_file", lambda where, octets: pytest.fail("parsed again"))
    assert dict(Registry.load([folder], cache=cache)) == dict(parsed)
    assert len(list(cache.iterdir())) == 1


def test_the_cache_is_valid_for_one_state_of_the_files(write: Write, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    Registry.load([write(rfc6455=DOCUMENT + ENTRY)], cache=cache)
    # The file has the same length, and possibly the same time; only its contents differ.
    changed = Registry.load([write(rfc6455=DOCUMENT + SECOND)], cache=cache)
    assert list(changed) == ["6455-5.1-2"]
    assert list(Registry.load([write(rfc6455=DOCUMENT + SECOND)], cache=cache)) == ["6455-5.1-2"]
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: b"{",
        lambda kept: b"[]",
        lambda kept: json.dumps({**kept, "files": None}).encode(),
        lambda kept: json.dumps({**kept, "files": []}).encode(),
        lambda kept: json.dumps({**kept, "files": [{"document": {}}]}).encode(),
    ],
    ids=["cut short", "another shape", "no files", "too few files", "broken file"],
)
def test_an_invalid_cache_is_ignored(write: Write, tmp_path: Path, spoil: Callable[[dict[str, object]], bytes]) -> None:
    folder, cache = write(rfc6455=DOCUMENT + ENTRY), tmp_path / "cache"
    Registry.load([folder], cache=cache)
    (store,) = cache.iterdir()
    whole = store.read_bytes()
    store.write_bytes(spoil(json.loads(whole)))
    assert list(Registry.load([folder], cache=cache)) == ["6455-5.1-1"]
    assert store.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_ignored(write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    registry = Registry.load([write(rfc6455=DOCUMENT + ENTRY)], cache=tmp_path / "file" / "cache")
    assert list(registry) == ["6455-5.1-1"]


def test_the_cache_is_in_the_cache_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert load_registry.__wrapped__() == load_registry()
    assert [path.suffix for path in (tmp_path / "wsconform").iterdir()] == [".json"]


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_bad_point(group: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=group, module="no_such_catalogue")]

    monkeypatch.setattr("wsconform.registry.registry.entry_points", one_bad_point)
    with pytest.raises(RegistryError, match=r"^no_such_catalogue: named by an entry point, but cannot be"):
        load_registry.__wrapped__()


def test_a_package_without_requirements_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_plain_point(group: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=group, module="wsconform.wire")]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("wsconform.registry.registry.entry_points", one_plain_point)
    assert len(load_registry.__wrapped__()) == 0


# The real registry. Its ids are stable once published: append, and raise the counts.

COUNTS = {
    "RFC1951": 5,
    "RFC3629": 8,
    "RFC3986": 2,
    "RFC6066": 2,
    "RFC6454": 4,
    "RFC6455": 406,
    "RFC7692": 104,
    "RFC7936": 2,
    "RFC8307": 2,
    "RFC8441": 49,
    "RFC9110": 43,
    "RFC9112": 46,
    "RFC9113": 17,
    "RFC9114": 6,
    "RFC9220": 14,
    "WHATWG-WS": 28,
}


def test_the_registry_is_complete() -> None:
    registry = load_registry()
    assert Counter(requirement.document.id for requirement in registry.values()) == COUNTS
    assert len(registry) == 738


def test_entries_that_state_the_same_duty_exist() -> None:
    registry = load_registry()
    named = {(entry.id, other) for entry in registry.values() for other in entry.same_as}
    assert named
    assert {(id, other) for id, other in named if other not in registry or other == id} == set()


def test_references_name_a_section_of_a_known_document() -> None:
    registry = load_registry()
    prefixes = tuple(f"{document.prefix}-" for document in registry.documents)
    refs = {ref for entry in registry.values() for ref in entry.refs}
    assert refs
    assert {ref for ref in refs if not ref.startswith(prefixes)} == set()


def test_documents_link_to_their_publishers() -> None:
    urls = {document.id: document.url for document in load_registry().documents}
    assert urls.pop("WHATWG-WS") == "https://websockets.spec.whatwg.org/"
    assert urls == {id: f"https://www.rfc-editor.org/rfc/{id.lower()}" for id in urls}
