"""Install the older suite under Python 2.7 in the cached folder, and print where its program is.

Python 2.7 itself is not installed, only looked for. Everything else comes by package name: `virtualenv` in the last
releases that know 2.7, and with it an environment of the pinned release of the suite.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from wsconform.fixtures.targets.install import cache_folder
from wsconform.fixtures.targets.installers import run_installer
from wsconform.fixtures.targets.system import Unavailable

RELEASE = "25.10.1"
# The release asks for this setuptools exactly, and old pip would only grumble about another.
PACKAGES = ("setuptools==44.0.0", f"autobahntestsuite=={RELEASE}")
# The last virtualenv that makes environments of 2.7.
VIRTUALENV = "virtualenv<20.22"


def main(arguments: Sequence[str] | None = None) -> int:
    """Install unless it is there, print the program's path on stdout; 3 if it cannot be had."""
    parser = argparse.ArgumentParser(description="Install the older suite under Python 2.7.")
    parser.add_argument("--python", help="a Python 2.7 (searched for on PATH and among pyenv's unless given)")
    parser.add_argument("--fresh", action="store_true", help="install again")
    options = parser.parse_args(arguments)
    try:
        print(install(options.python, fresh=options.fresh))
    except Unavailable as error:
        print(f"the older suite cannot be installed: {error}", file=sys.stderr)
        return 3
    return 0


def install(python: str | None = None, *, fresh: bool = False) -> Path:
    """The path of ``wstest``, installed first if need be. Raises `Unavailable`."""
    folder = cache_folder() / "older-suite"
    program, stamp = folder / "env" / "bin" / "wstest", folder / "stamp"
    pinned = "\n".join(PACKAGES)
    if not fresh and program.is_file() and stamp.is_file() and stamp.read_text() == pinned:
        return program
    old = find_python(python)
    print(f"installing {' '.join(PACKAGES)} for {old}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise Unavailable(f"the cached folder cannot be made: {error}") from None
    maker, environment = folder / "virtualenv", folder / "env"
    run_installer([sys.executable, "-m", "venv", maker], "no environment for virtualenv could be made")
    run_installer([maker / "bin" / "pip", "install", "--quiet", VIRTUALENV], f"pip could not install {VIRTUALENV}")
    # --no-download: the bundled pip is the last that runs on 2.7; a newer one would not.
    make: list[str | Path] = [maker / "bin" / "virtualenv", "--quiet", "--no-download", "--python", old, environment]
    run_installer(make, "virtualenv could not make an environment of Python 2.7")
    run_installer(
        [environment / "bin" / "pip", "install", "--quiet", *PACKAGES], f"pip could not install {PACKAGES[1]}"
    )
    run_installer([program, "--autobahnversion"], "the installed program does not start")
    stamp.write_text(pinned)
    return program


def find_python(given: str | None) -> Path:
    """A Python 2.7 that runs: the given one, or the first on PATH or among pyenv's."""
    for candidate in [given] if given else candidates():
        try:
            asked = [candidate, "-c", "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"]
            said = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False).stdout
        except OSError:
            continue
        if said == "2.7":  # a shim of pyenv exists for versions that are not selected, and then only complains
            return Path(candidate)
    where = given or "PATH and pyenv's versions"
    raise Unavailable(f"no Python 2.7 that runs in {where}; install one, or name it with --python")


def candidates() -> Iterator[str]:
    """Where a Python 2.7 may be."""
    for name in ("python2.7", "python2"):
        if found := shutil.which(name):
            yield found
    root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    yield from map(str, sorted(root.glob("versions/2.7*/bin/python2.7"), reverse=True))


if __name__ == "__main__":
    sys.exit(main())
