"""Recipes of real implementations, and how the launcher starts, watches and ends what they describe.

Nothing is installed here: the launcher is tried on programs of a few lines that need no package.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsconform.fixtures.targets import (
    LaunchError,
    Recipe,
    RecipeError,
    Tls,
    Unavailable,
    find,
    install,
    launch,
    prepare,
    recipes,
    system,
)
from wsconform.fixtures.targets import __main__ as command
from wsconform.fixtures.targets.installers import telling_line
from wsconform.fixtures.targets.launcher import free_port
from wsconform.fixtures.targets.recipe import parse, read

LISTENS = """
import socket, sys
print("here", flush=True)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    listener.accept()[0].close()
"""
ENDS_AT_ONCE = "print('no such\\x1b[31m luck'); raise SystemExit(3)"
# The two that must not outlive the block hold the writing end of a named pipe for as long as they live.
NEVER_LISTENS = """
import os, pathlib, signal
os.open(pathlib.Path(__file__).with_name("alive"), os.O_WRONLY)
signal.pause()
"""
# Its child, in the same group, ignores the polite request.
LEAVES_A_CHILD = """
import os, pathlib, signal, socket, sys
os.open(pathlib.Path(__file__).with_name("alive"), os.O_WRONLY)
reading, writing = os.pipe()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(writing, b"x")
    signal.pause()
os.read(reading, 1)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
signal.pause()
"""
TABLE: dict[str, object] = {
    "name": "made-up",
    "language": "Python",
    "role": "server",
    "engine": "none",
    "program": "program.py",
    "argv": ["{python}", "{program}", "{port}"],
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("WSCONFORM_TARGETS_CACHE", str(folder))
    return folder


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[int]:
    """The reading end of the pipe: at its end of file nobody is left who could write."""
    os.mkfifo(tmp_path / "alive")
    reading = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    yield reading
    os.close(reading)


def has_ended(alive: int, *, within: float = 0.0) -> bool:
    """Whether the last writer is gone, or goes within that many seconds (only a failure waits)."""
    poll = select.poll()
    poll.register(alive, select.POLLHUP)
    return bool(poll.poll(within * 1000))


def fake(tmp_path: Path, program: str, *, name: str = "fake") -> Recipe:
    path = tmp_path / "program.py"
    path.write_text(program)
    return Recipe(name, "Python", "server", "none", path, ("{python}", "{program}", "{port}"))


# -- the recipes ----------------------------------------------------------------------------------------


def test_every_wanted_target_has_a_recipe_of_its_own_name() -> None:
    names = [recipe.name for recipe in recipes()]
    assert len(names) == len(set(names))
    wanted = {"websockets", "aiohttp", "tornado", "uvicorn-wsproto", "hypercorn", "autobahn", "ws"}
    assert wanted | {"silent", "greeter"} <= set(names)


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_recipe_is_whole(recipe: Recipe) -> None:
    assert recipe.program.is_file()
    assert recipe.requires or recipe.version, "a real implementation comes from a package, or says what it is"
    assert any("{program}" in word for word in recipe.commands)
    assert recipe.extra or not recipe.apt, "system packages are not to be had everywhere"
    if recipe.build:
        assert any("{build}" in word for word in recipe.build)
        assert any("{build}" in word for word in recipe.argv)
    if recipe.tls:
        assert any("{cert}" in word for word in recipe.tls)
        assert any("{key}" in word for word in recipe.tls)


def test_only_the_two_made_for_it_do_not_echo() -> None:
    assert {recipe.name for recipe in recipes() if not recipe.echo} == {"silent", "greeter"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"language": ""}, "language must be a text that is not empty"),
        ({"role": "proxy"}, "role is 'proxy'; write one of server, client"),
        ({"argv": ["{python}", "{program}"]}, "argv never says {port}, which a server has to be told"),
        ({"role": "client"}, "argv never says {url}, which a client has to be told"),
        ({"role": "client", "argv": ["x", "{url}"]}, "argv never says {agent}, which a client has to be told"),
        ({"argv": ["{python}", "{home}", "{port}"]}, "argv says {home}; known are {agent}"),
        ({"build": ["cc", "{port}"]}, "build says {port}; known are {build}, {jars}"),
        ({"argv": "python"}, "argv must be a list of texts"),
        ({"requires": {"gem": ["x"]}}, "requires must be a table with pip, npm, apt, nothing else"),
        ({"environment": {"A": 1}}, "environment must be a table of texts"),
        ({"extra": 1}, "extra must be true or false"),
        ({"requires": {"pip": [""]}}, "pip must be a list of texts"),
        ({"echo": "perhaps"}, "echo must be true or false"),
        ({"name": "Made Up"}, "the name 'Made Up' must be lower-case"),
        ({"name": "other"}, "and its folder the same"),
    ],
)
def test_bad_recipe_is_refused_with_file_and_key(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(TABLE | change, Path("made_up/recipe.toml"))
    assert str(caught.value).startswith("made_up/recipe.toml: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_recipe_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('name = "x"\nrole = \n')
    with pytest.raises(RecipeError, match=r"recipe\.toml: .*line 2"):
        read(path)


def test_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"no target is named 'websocket'; there are .*websockets"):
        find("websocket")


# -- preparing ------------------------------------------------------------------------------------------


def test_cache_folder_follows_the_environment() -> None:
    own = install.cache_folder({"WSCONFORM_TARGETS_CACHE": "/c", "XDG_CACHE_HOME": "/x"})
    assert own == Path("/c")
    assert install.cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/wsconform/targets")
    assert install.cache_folder({}) == Path("~/.cache/wsconform/targets").expanduser()


def test_recipes_of_one_set_of_packages_share_an_environment_and_others_do_not() -> None:
    folders = {recipe.name: install.pip_folder(recipe) for recipe in recipes() if recipe.pip}
    assert folders["silent"] == folders["greeter"] == folders["websockets"]
    assert folders["websockets"] != folders["aiohttp"]
    swapped = dataclasses.replace(find("uvicorn-wsproto"), pip=("wsproto", "uvicorn"))
    assert install.pip_folder(swapped) == folders["uvicorn-wsproto"]


def test_missing_program_makes_a_target_unavailable(tmp_path: Path) -> None:
    recipe = dataclasses.replace(fake(tmp_path, ""), program=tmp_path / "gone.py")
    with pytest.raises(Unavailable, match=r"^fake: its program gone\.py is missing from "):
        prepare(recipe)


def test_missing_node_makes_a_target_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match=r"^ws: node is not on the PATH; "):
        prepare(find("ws"))


def test_cache_folder_that_cannot_be_made_makes_a_target_unavailable(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match=r"^websockets: the cache folder .* cannot be used: "):
        prepare(find("websockets"))


def test_a_stamp_spares_the_installation_and_another_set_of_packages_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def pretend(folder: Path, recipe: Recipe) -> dict[str, str]:
        calls.append(recipe.name)
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(sys.executable)
        return dict.fromkeys(recipe.pip, "1.0")

    monkeypatch.setattr(install, "install_pip", pretend)
    first = dataclasses.replace(fake(tmp_path, "", name="first"), pip=("one",))
    same = dataclasses.replace(first, name="same")
    other = dataclasses.replace(first, name="other", pip=("one", "two"))
    assert not install.is_prepared(first)
    assert [prepare(recipe).version for recipe in (first, same, other)] == [
        "one 1.0",
        "one 1.0",
        "one 1.0, two 1.0",
    ]
    assert calls == ["first", "other"]
    assert install.is_prepared(same)
    prepare(first, fresh=True)
    assert calls == ["first", "other", "first"]


def test_environment_whose_interpreter_is_gone_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = dataclasses.replace(fake(tmp_path, ""), pip=("one",))
    monkeypatch.setattr(install, "install_pip", lambda folder, recipe: {"one": "1.0"})
    prepare(recipe)  # an installation without bin/python
    assert not install.is_prepared(recipe)


def test_failed_installation_leaves_no_stamp_and_tells_the_installer_s_last_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; sys.exit('Collecting one\\nERROR: no release of one\\nhint: none')"
    failing = [sys.executable, "-c", program]
    recipe = dataclasses.replace(fake(tmp_path, ""), pip=("one",))

    def fail(folder: Path, recipe: Recipe) -> dict[str, str]:
        return {"one": install.run(failing, recipe, "pip could not install one")}

    monkeypatch.setattr(install, "install_pip", fail)
    with pytest.raises(Unavailable) as caught:
        prepare(recipe)
    assert str(caught.value) == "fake: pip could not install one: ERROR: no release of one"
    assert not install.is_prepared(recipe)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("", "it said nothing"),
        ("one\ntwo\n\n", "two"),
        ("ERROR: first\nERROR: No matching distribution\nhint: look again\n", "ERROR: No matching distribution"),
        (
            "npm error code E404\nnpm error 404 Not Found - x\nnpm error     at y\nnpm error A complete log of\n",
            "404 Not Found - x",
        ),
        ("npm ERR! code ECONNREFUSED\nnpm ERR! errno E\nnpm ERR! request failed\n", "request failed"),
    ],
)
def test_telling_line_is_the_one_that_explains(output: str, line: str) -> None:
    assert telling_line(output) == line


# -- building, and what the system has ------------------------------------------------------------------


def builds(tmp_path: Path, command: str) -> Recipe:
    """A recipe whose program is a shell script that is copied to be built, and then listens."""
    made = fake(tmp_path, LISTENS)
    words = (sys.executable, "-c", command, "{program}", "{build}/made.py")
    return dataclasses.replace(made, build=words, argv=("{python}", "{build}/made.py", "{port}"))


COPIES = "import shutil, sys; shutil.copy(*sys.argv[1:])"


def test_program_is_built_once_for_each_state_of_its_source(tmp_path: Path, cache: Path) -> None:
    recipe = builds(tmp_path, COPIES)
    assert not install.is_prepared(recipe)
    with launch(recipe) as running:
        assert running.log.read_text() == "here\n"
    assert install.is_prepared(recipe)
    (first,) = cache.glob("build-fake-*/made.py")
    written = first.stat().st_mtime_ns
    prepare(recipe)
    assert first.stat().st_mtime_ns == written
    recipe.program.write_text("# another\n")
    assert not install.is_prepared(recipe)
    prepare(recipe)
    assert len(list(cache.glob("build-fake-*/made.py"))) == 2


def test_failed_build_tells_the_compiler_s_first_error_and_leaves_no_stamp(tmp_path: Path) -> None:
    recipe = builds(tmp_path, "import sys; sys.exit('p.c: In function:\\np.c:3:1: error: no x\\np.c:9:1: error: y')")
    with pytest.raises(Unavailable) as caught:
        prepare(recipe)
    assert str(caught.value) == "fake: program.py could not be built: p.c:3:1: error: no x"
    assert not install.is_prepared(recipe)


def test_version_is_the_first_line_that_a_recipe_s_command_prints(tmp_path: Path) -> None:
    version = (sys.executable, "-c", "print('made up 1.2'); print('and more')")
    recipe = dataclasses.replace(fake(tmp_path, LISTENS), version=version, environment=(("MADE", "up"),))
    prepared = prepare(recipe)
    assert prepared.version == "made up 1.2"
    assert prepared.environment()["MADE"] == "up"


def dpkg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """Put a dpkg-query in front of the PATH that knows what `output` says."""
    query = tmp_path / "bin" / "dpkg-query"
    query.parent.mkdir()
    query.write_text(f"#!{sys.executable}\nprint({output!r}, end='')\n")
    query.chmod(0o755)
    monkeypatch.setenv("PATH", str(query.parent))


def test_system_packages_are_told_in_upstream_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dpkg(tmp_path, monkeypatch, "libone ii 2:1.19~1\nlibtwo ii 9.4.57-1.1~deb12u1\n")
    recipe = dataclasses.replace(fake(tmp_path, ""), apt=("libone", "libtwo"))
    assert prepare(recipe).version == "libone 1.19, libtwo 9.4.57"
    assert install.is_prepared(recipe)


def test_missing_system_packages_are_named_with_what_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One is there, one was removed and left its configuration, of one dpkg knows nothing.
    dpkg(tmp_path, monkeypatch, "libone ii 1.0-1\nlibtwo rc 1.0-1\n")
    recipe = dataclasses.replace(fake(tmp_path, ""), apt=("libone", "libtwo", "libthree"))
    with pytest.raises(Unavailable) as caught:
        prepare(recipe)
    assert str(caught.value) == (
        "fake: needs libtwo libthree of the system; on Debian: apt-get install --no-install-recommends"
        " libtwo libthree, or `prepare --system fake`"
    )
    assert not install.is_prepared(recipe)


def test_class_path_has_each_jar_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = tmp_path / "one-1.0.jar"
    jar.touch()
    (tmp_path / "one.jar").symlink_to(jar)
    dpkg(tmp_path, monkeypatch, f"{tmp_path}/one.jar\n{jar}\n{tmp_path}/readme\n")
    assert system.jars(dataclasses.replace(fake(tmp_path, ""), apt=("libone",))) == str(jar)


# -- launching ------------------------------------------------------------------------------------------


def test_launched_target_accepts_connections_and_is_gone_afterwards(tmp_path: Path) -> None:
    with launch(fake(tmp_path, LISTENS)) as running:
        assert running.url == f"ws://127.0.0.1:{running.port}/"
        assert os.getpgid(running.pid) == running.pid, "it leads a group of its own"
        assert running.log.read_text() == "here\n"
        socket.create_connection(("127.0.0.1", running.port)).close()
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port))
    assert not running.log.exists()


def test_given_port_is_used(tmp_path: Path) -> None:
    port = free_port()
    with launch(fake(tmp_path, LISTENS), port=port) as running:
        assert running.port == port


def test_failure_inside_the_block_keeps_the_log(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(LookupError), launch(fake(tmp_path, LISTENS)):
        raise LookupError
    (log,) = (cache / "logs").iterdir()
    assert log.read_text() == "here\n"


def test_child_that_ignores_the_polite_end_is_ended_with_its_group(tmp_path: Path, alive: int) -> None:
    with launch(fake(tmp_path, LEAVES_A_CHILD)):
        assert not has_ended(alive), "both hold the pipe"
    assert has_ended(alive, within=10.0)


def test_program_that_ends_at_once_is_reported_with_status_and_last_words(tmp_path: Path) -> None:
    with pytest.raises(LaunchError) as caught, launch(fake(tmp_path, ENDS_AT_ONCE)):
        pytest.fail("it never listened")
    text = str(caught.value)
    assert text.startswith("fake: the program ended with status 3 before it listened; it said 'no such")
    assert "\x1b" not in text
    assert "\n" not in text


def test_program_that_dies_by_a_signal_is_reported_with_its_number(tmp_path: Path) -> None:
    program = "import os; os.kill(os.getpid(), 9)"
    with pytest.raises(LaunchError) as caught, launch(fake(tmp_path, program)):
        pytest.fail("it never listened")
    assert str(caught.value) == "fake: the program was ended by signal 9 before it listened and without a word"


def test_program_that_never_listens_runs_into_the_deadline_and_is_ended(tmp_path: Path, alive: int) -> None:
    with pytest.raises(LaunchError) as caught, launch(fake(tmp_path, NEVER_LISTENS), ready_within=0.3):
        pytest.fail("it never listened")
    assert "fake: nothing listened on 127.0.0.1:" in str(caught.value)
    assert str(caught.value).endswith(" within 0.3 s and without a word")
    # It may have been ended before it took hold of the pipe: then there was never a writer, and no hang-up.
    with contextlib.suppress(OSError):
        os.close(os.open(tmp_path / "alive", os.O_WRONLY | os.O_NONBLOCK))
    assert has_ended(alive, within=10.0)


def test_interpreter_that_is_missing_is_reported_by_name(tmp_path: Path) -> None:
    recipe = dataclasses.replace(fake(tmp_path, ""), argv=("./no-such-interpreter", "{port}"))
    with pytest.raises(LaunchError) as caught, launch(recipe):
        pytest.fail("there is nothing to start")
    assert str(caught.value) == "fake: ./no-such-interpreter cannot be started: No such file or directory"


def test_command_that_is_not_on_the_path_makes_a_target_unavailable(tmp_path: Path) -> None:
    recipe = dataclasses.replace(fake(tmp_path, ""), argv=("no-such-interpreter", "{port}"))
    with pytest.raises(Unavailable) as caught, launch(recipe):
        pytest.fail("there is nothing to start")
    assert str(caught.value) == ("fake: no-such-interpreter is not on the PATH; install it, or leave this target out")


def test_tls_is_refused_where_the_program_has_none(tmp_path: Path) -> None:
    files = Tls(tmp_path / "cert.pem", tmp_path / "key.pem")
    with (
        pytest.raises(LaunchError, match=r"^fake: its program does not serve TLS; "),
        launch(fake(tmp_path, LISTENS), files),
    ):
        pytest.fail("it cannot serve TLS")


# -- the command line -----------------------------------------------------------------------------------


def test_list_names_every_target_and_the_cache(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    assert command.main(["list"]) == 0
    output = capsys.readouterr().out
    assert [line.split()[0] for line in output.splitlines()[1:-2]] == [recipe.name for recipe in recipes()]
    assert output.splitlines()[-1] == f"cached in {cache}"


def test_wrong_names_and_ports_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["serve", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("no target is named 'nothing'; there are ")
    with pytest.raises(SystemExit) as caught:
        command.main(["serve", "websockets", "--port", "70000"])
    assert caught.value.code == 2
    assert "'70000' is not a port between 1 and 65535" in capsys.readouterr().err


def test_unavailable_target_is_one_line_and_status_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert command.main(["prepare", "ws"]) == 1
    assert capsys.readouterr().err == "ws: node is not on the PATH; install it, or leave this target out\n"


def test_sets_of_recipes_are_apart_and_together_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pretend(recipe: Recipe, *, fresh: bool = False) -> install.Prepared:
        asked.append(recipe.name)
        return install.Prepared(recipe, {}, (), ())

    monkeypatch.setattr(command, "prepare", pretend)
    assert command.main(["prepare", "all"]) == 0
    assert asked == [recipe.name for recipe in recipes() if not recipe.extra]
    assert command.main(["prepare", "extra", "all", "ws"]) == 0
    assert sorted(asked[len(asked) - len(recipes()) :]) == [recipe.name for recipe in recipes()]


def test_start_asks_for_what_the_role_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["start", "ws"]) == 2
    assert capsys.readouterr().err == "ws is a server: --port must be given\n"
    assert command.main(["start", "ws-client", "--port", "9101"]) == 2
    assert capsys.readouterr().err == "ws-client is a client: --url and --agent must be given\n"
    assert command.main(["serve", "ws-client"]) == 2
    assert capsys.readouterr().err == "ws-client is a client, and a server is needed here\n"
