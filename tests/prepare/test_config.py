"""Configuration: found upwards, layered, checked key by key; how values are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsconform.evidence.result import Direction, EntryKind, Octets, TranscriptEntry
from wsconform.journal.redact import Redactor, masked_command
from wsconform.prepare import values
from wsconform.prepare.config import FILE, KINDS, Configuration, Settings, load, settle, target_name
from wsconform.problem import Problem

EXAMPLE = """
profile = "quick"
fail-on = "should"
reports = ["html", "junit"]
out = "results"

[targets.echo-go]
role = "server"
url = "ws://127.0.0.1:9001/"
start = ["./echo", "--port", "9001"]
ready-within = "2s"
app = "echo"
jobs = 1
cacert = "ca.pem"
headers = { Authorization = "Bearer ${ECHO_TOKEN}", X-Plain = "$HOME" }
info = { language = "Go", version = "${ECHO_TOKEN}" }

[targets.browserless]
role = "client"
start = ["node", "client.mjs", "{url}"]
"""


def written(folder: Path, text: str, name: str = FILE) -> Path:
    """Write a configuration and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


def problem(folder: Path, text: str, name: str = FILE) -> str:
    """Return what is told of a configuration that cannot be used."""
    with pytest.raises(Problem) as caught:
        load(written(folder, text, name))
    return caught.value.text


# --- where it is found


def test_it_is_found_upwards_and_the_nearest_counts(tmp_path: Path) -> None:
    written(tmp_path, "seed = 1")
    written(tmp_path / "a", "[tool.wsconform]\nseed = 2\n", "pyproject.toml")
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert load(tmp_path).settings == {"seed": 1}
    assert load(deep).settings == {"seed": 2}
    assert load(deep).name == "pyproject.toml"
    written(tmp_path / "a", "seed = 3")
    assert load(deep).settings == {"seed": 3}


def test_a_pyproject_without_our_table_is_passed_over(tmp_path: Path) -> None:
    written(tmp_path, "seed = 1")
    written(tmp_path / "a", '[project]\nname = "uses-wsconform"\n', "pyproject.toml")
    assert load(tmp_path / "a").settings == {"seed": 1}


def test_without_a_file_there_is_an_empty_configuration(tmp_path: Path) -> None:
    assert load(tmp_path) == Configuration()
    assert settle({}, {}, load(tmp_path)) == Settings()


# --- what it says


def test_the_example_of_the_design(tmp_path: Path) -> None:
    configuration = load(written(tmp_path, EXAMPLE))
    settings = settle({}, {}, configuration)
    assert (settings.profile, settings.fail_on, settings.reports) == ("quick", "should", ("html", "junit"))
    assert settings.out == tmp_path / "results"
    table = configuration.table("echo-go")
    assert (table.ready_within, table.jobs, table.folder) == (2.0, 1, tmp_path)
    target = table.target({"ECHO_TOKEN": "s3cret"})
    assert target.headers == (("Authorization", "Bearer s3cret"), ("X-Plain", "$HOME"))
    assert target.start == ("./echo", "--port", "9001")
    assert target.cacert == str(tmp_path / "ca.pem")
    assert dict(target.info)["version"] == "${ECHO_TOKEN}", "only headers and commands take from the environment"
    assert configuration.table("browserless").role == "client"


def test_flags_over_environment_over_file(tmp_path: Path) -> None:
    configuration = load(written(tmp_path, 'seed = 1\njobs = 1\npatience = "1s"\ncase = ["a"]\nwhole = true'))
    environment = {"WSCONFORM_SEED": "2", "WSCONFORM_JOBS": "2", "WSCONFORM_WHOLE": "false", "WSCONFORM_BUDGET": ""}
    settings = settle({"seed": 3, "jobs": None, "case": ()}, environment, configuration)
    assert (settings.seed, settings.jobs, settings.patience, settings.case) == (3, 2, 1.0, ("a",))
    assert settings.whole is False
    assert settings.budget is None


def test_every_setting_has_a_kind_and_the_other_way_round() -> None:
    assert {key.replace("-", "_") for key in KINDS} == set(Settings.__dataclass_fields__)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("profil = 3", 'wsconform.toml: profil: unknown key; did you mean "profile"?'),
        ("target = 3", 'wsconform.toml: target: unknown key; did you mean "targets"?'),
        ('profile = "quik"', "wsconform.toml: profile: 'quik' is none of quick, standard, full;"
         ' did you mean "quick"?'),
        ("patience = 5", 'wsconform.toml: patience: must be a text with a unit, such as "5s"; got 5'),
        ('jobs = "8"', "wsconform.toml: jobs: must be a whole number, without quotes"),
        ("jobs = true", "wsconform.toml: jobs: must be a whole number, without quotes"),
        ("jobs = 0", "wsconform.toml: jobs: 0 is too small; take 1 or more"),
        ("allow = 'stale'", "wsconform.toml: allow: must be a list of texts, of stale, flaky, inconclusive"),
        ("ascii = 1", "wsconform.toml: ascii: must be true or false, without quotes"),
        ("out = ''", "wsconform.toml: out: must be the path of a file or folder"),
        ("targets = 3", "wsconform.toml: targets: must be tables; write [targets.NAME] above each"),
        ("[targets]\na = 3", "wsconform.toml: targets.a: must be a table; write [targets.a] above its keys"),
        ("[targets.a]", 'wsconform.toml: targets.a: url is missing; add url = "ws://HOST:PORT/"'),
        ("[targets.a]\nstart = []", "wsconform.toml: targets.a.start: must be a command as a list of words, such as"
         ' ["./echo", "--port", "9001"]'),
        ("[targets.a]\nheaders = { Host = 'x' }", "wsconform.toml: targets.a.headers: Host is a field of the opening"
         " handshake, which the cases are about; leave it out"),
        ('[targets.a]\nheaders = { X = "a\\r\\nY: b" }', "wsconform.toml: targets.a.headers: the value holds control"
         " characters; leave them out"),
        ('[targets."ws://x"]\nurl = "ws://x"', "wsconform.toml: targets.'ws://x': not a name; take letters, digits"
         " and hyphens"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    assert problem(tmp_path, text) == told


def test_a_place_in_pyproject_is_told_with_its_table(tmp_path: Path) -> None:
    told = problem(tmp_path, "[tool.wsconform]\nsead = 1\n", "pyproject.toml")
    assert told == 'pyproject.toml: tool.wsconform.sead: unknown key; did you mean "seed"?'


def test_a_broken_url_is_told_with_its_place_when_the_target_is_used(tmp_path: Path) -> None:
    table = load(written(tmp_path, '[targets.a]\nurl = "http://x/"')).table("a")
    with pytest.raises(
        Problem, match=r'^wsconform.toml: targets.a.url: http://x/: not a ws or wss URL; did you mean "ws'
    ):
        table.target({})


def test_a_value_from_the_environment_is_checked_as_well(tmp_path: Path) -> None:
    text = '[targets.a]\nurl = "ws://x/"\nheaders = { X = "${EVIL}" }'
    with pytest.raises(Problem, match=r"^wsconform.toml: targets.a.headers.X: the value holds control characters"):
        load(written(tmp_path, text)).table("a").target({"EVIL": "a\r\nY: b"})


def test_an_environment_variable_that_is_nearly_a_setting_is_a_slip() -> None:
    with pytest.raises(Problem, match=r'^WSCONFORM_PROFIL: unknown setting.*; did you mean "WSCONFORM_PROFILE"\?$'):
        settle({}, {"WSCONFORM_PROFIL": "quick"}, Configuration())
    with pytest.raises(Problem, match=r"^WSCONFORM_SEED: 'many' is no whole number$"):
        settle({}, {"WSCONFORM_SEED": "many"}, Configuration())
    assert settle({}, {"WSCONFORM_RFC_DIR": "/rfc"}, Configuration()) == Settings()


# --- single values


@pytest.mark.parametrize(("text", "seconds"), [("5s", 5), ("0.5s", 0.5), ("250ms", 0.25), ("5m", 300), ("1h", 3600)])
def test_durations(text: str, seconds: float) -> None:
    assert values.DURATION.text(text) == seconds


@pytest.mark.parametrize("text", ["5", "s", "5 s", "-5s", "0s", "1e3s", "5d", "", "٥s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"5s"):
        values.DURATION.text(text)


@pytest.mark.parametrize("text", ["0/4", "5/4", "2", "2/0", "a/b", "2/4/6", "-1/4"])
def test_no_shards(text: str) -> None:
    with pytest.raises(ValueError, match="is no shard"):
        values.SHARD.text(text)


def test_shards_and_commands_and_fields() -> None:
    assert values.SHARD.text("2/4") == (2, 4)
    assert values.COMMAND.text("./echo --name 'a b'") == ("./echo", "--name", "a b")
    assert values.FIELDS.text("X-Key:  a: b ") == (("X-Key", "a: b"),)
    with pytest.raises(ValueError, match="is no command: No closing quotation"):
        values.COMMAND.text("echo 'a")
    with pytest.raises(ValueError, match="is no name of a header field"):
        values.FIELDS.text("X Key: a")


@pytest.mark.parametrize(("name", "key"), [("echo-go", "echo-go"), ("a b", '"a b"'), ('"', '"\\""')])
def test_names_as_keys_of_toml(name: str, key: str) -> None:
    assert target_name(name) == key


# --- secrets


def request(octets: bytes, *, whole: bool = True) -> TranscriptEntry:
    """Return the entry of a request."""
    return TranscriptEntry(
        micros=0, direction=Direction.OURS, kind=EntryKind.REQUEST, summary="GET", octets=Octets.of(octets, whole=whole)
    )


def test_secret_fields_are_masked_and_keep_their_length() -> None:
    octets = b"GET / HTTP/1.1\r\nHost: h\r\ncookie: a=b\r\nX-Key:\tk1\r\n folded\r\nauthorization : B\r\n\r\n"
    (entry,) = Redactor(["X-Key"]).entries((request(octets),))
    assert entry.octets.head == (
        b"GET / HTTP/1.1\r\nHost: h\r\ncookie: ***\r\nX-Key:\t***********\r\nauthorization : *\r\n\r\n"
    )
    assert len(entry.octets.head) == entry.octets.length


def test_a_secret_that_was_cut_is_masked_on_both_sides_of_the_cut() -> None:
    octets = b"GET / HTTP/1.1\r\nCookie: " + b"s" * 400 + b"\r\nHost: h\r\n\r\n"
    (entry,) = Redactor().entries((request(octets, whole=False),))
    assert b"ss" not in entry.octets.head + entry.octets.tail
    assert entry.octets.tail.endswith(b"*\nHost: h\r\n\r\n")
    assert entry.octets.sha256 == ""
    assert entry.octets.length == len(octets)


def test_what_is_no_handshake_is_left_alone() -> None:
    frame = TranscriptEntry(
        micros=0, direction=Direction.TARGET, kind=EntryKind.FRAME, summary="Text", octets=Octets.of(b"\nCookie: a\n")
    )
    assert Redactor().entries((frame,)) == (frame,)


def test_a_recorded_command_line_holds_no_field_values() -> None:
    words = [
        "wsconform",
        "run",
        "-H",
        "A: b",
        "--header",
        "C:d",
        "--header=E: f",
        "-HG: h",
        "-H",
        "no colon",
        "-c",
        "x y",
    ]
    assert masked_command(words) == (
        "wsconform run -H 'A: ***' --header 'C: ***' '--header=E: ***' '-HG: ***' -H '***' -c 'x y'"
    )
