"""The files that init writes, and the completions that a shell gets."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.support.command import CASE, CASES, TakesAnyMask, serving, wsconform
from wsconform.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder called `echo-go` as the working folder."""
    place = tmp_path / "echo-go"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def test_run_reads_the_configuration_that_init_writes(folder: Path) -> None:
    with serving(TakesAnyMask) as port:
        done = wsconform("init", f"ws://127.0.0.1:{port}/", folder=folder)
        assert (done.code, done.out.splitlines()) == (0, ["wrote wsconform.toml", "Now: wsconform run echo-go"])
        run = wsconform("run", "echo-go", *CASES, folder=folder)
    assert run.code == 1
    assert CASE in run.out
    assert (folder / "wsconform-out/report/index.html").is_file()
    assert (folder / "wsconform-out/junit.xml").is_file()


def test_commands_and_names_are_kept(folder: Path) -> None:
    assert main(["init", "--name", "my echo", "--start", "./echo --port 9001"]) == 0
    written = tomllib.loads((folder / "wsconform.toml").read_text(encoding="utf-8"))
    assert written["targets"]["my echo"] == {
        "role": "server",
        "url": "ws://127.0.0.1:9001/",
        "start": ["./echo", "--port", "9001"],
    }


@pytest.mark.parametrize("name", ["my echo", "it's: a # 'name'", "\U0001f600", 'a"b', "\x7f"])
def test_names_are_quoted_in_the_configuration(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--github", "--name", name, "--start", f"./echo {shlex.quote(name)}"]) == 0
    written = tomllib.loads((folder / "wsconform.toml").read_text(encoding="utf-8"))
    assert written["targets"][name]["start"] == ["./echo", name]
    assert shlex.split(capsys.readouterr().out.splitlines()[-1])[3:] == [name] or name == "\x7f"
    text = (folder / ".github/workflows/wsconform.yml").read_text(encoding="utf-8")
    (command,) = (line.partition("run: ")[2] for line in text.splitlines() if "run: " in line and "pip" not in line)
    assert shlex.split(json.loads(command)) == ["wsconform", "run", name]


def test_a_client_of_the_configuration_is_started(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--client", "node client.mjs {url}"]) == 0
    written = tomllib.loads((folder / "wsconform.toml").read_text(encoding="utf-8"))
    assert written["targets"]["echo-go"] == {"role": "client", "start": ["node", "client.mjs", "{url}"]}
    assert capsys.readouterr().out.splitlines()[-1] == "Now: wsconform serve --target echo-go"


def test_the_workflow_tests_the_target_and_keeps_the_output(folder: Path) -> None:
    assert main(["init", "--github"]) == 0
    text = (folder / ".github/workflows/wsconform.yml").read_text(encoding="utf-8")
    assert "run: wsconform run echo-go\n" in text
    assert "if: always()" in text


def test_existing_files_are_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wsconform.toml").write_text('profile = "quick"\n', encoding="utf-8")
    assert main(["init", "--github"]) == 2
    assert capsys.readouterr().err.startswith("wsconform.toml: exists already; overwrite it with --force")
    assert not (folder / ".github").exists()
    assert main(["init", "--force"]) == 0
    assert "echo-go" in (folder / "wsconform.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["http://127.0.0.1/"], "not a ws or wss URL"),
        (["--client", "node c.mjs {url}", "--start", "./echo"], "--client: a client has neither URL nor --start"),
        (["--start", ""], "--start: must be a command"),
    ],
)
def test_impossible_requests_are_reported_in_one_line(
    words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (folder / "wsconform.toml").exists()


# --- completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert f"_WSCONFORM_COMPLETE={shell}_complete" in capsys.readouterr().out


def completed(words: str, at: int, folder: Path) -> list[str]:
    variables = {"_WSCONFORM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    done = wsconform(folder=folder, env=variables)
    assert done.err == ""
    return [line.partition(",")[2] for line in done.out.splitlines() if line]


def test_commands_cases_and_targets_are_completed(folder: Path) -> None:
    (folder / "wsconform.toml").write_text('[targets.echo-go]\nurl = "ws://127.0.0.1:1/"\n', encoding="utf-8")
    assert completed("wsconform pro", 1, folder) == ["probe"]
    assert completed("wsconform schema jo", 2, folder) == ["journal"]
    assert completed("wsconform run e", 2, folder) == ["echo-go"]
    assert CASE.partition("[")[0] in completed("wsconform run -c masking.", 3, folder)
    assert CASE in completed(f"wsconform explain {CASE[:-3]}", 2, folder)
    assert "autobahn:7.1.5" in completed("wsconform run -x autobahn:7.1.", 3, folder)


def test_a_broken_configuration_completes_nothing(folder: Path) -> None:
    (folder / "wsconform.toml").write_text("[[", encoding="utf-8")
    assert completed("wsconform run e", 2, folder) == []
