"""Install Autobahn|Testsuite under Python 2.7 in the cache folder, and print the path of its program.

Python 2.7 itself must already be installed. Everything else is installed by package name: the last releases of
`virtualenv` that support 2.7, and with them an environment that contains the pinned release of Autobahn|Testsuite.
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
# The release requires exactly this setuptools, and old pip only warns about another version.
PACKAGES = ("setuptools==44.0.0", f"autobahntestsuite=={RELEASE}")
# The last virtualenv that creates environments of 2.7.
VIRTUALENV = "virtualenv<20.22"


def main(arguments: Sequence[str] | None = None) -> int:
    """Install if necessary, print the program's path on stdout; return 0, or 3 if it cannot be installed."""
    parser = argparse.ArgumentParser(description="Install Autobahn|Testsuite under Python 2.7.")
    parser.add_argument("--python", help="a Python 2.7 (searched for on PATH and among pyenv's unless given)")
    parser.add_argument("--fresh", action="store_true", help="install again")
    options = parser.parse_args(arguments)
    try:
        print(install(options.python, fresh=options.fresh))
    except Unavailable as error:
        print(f"Autobahn cannot be installed: {error}", file=sys.stderr)
        return 3
    return 0


def install(python: str | None = None, *, fresh: bool = False) -> Path:
    """Return the path of ``wstest``, after installing it if necessary. Raises `Unavailable`."""
    folder = cache_folder() / "autobahn"
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
        raise Unavailable(f"the cache folder cannot be created: {error}") from None
    maker, environment = folder / "virtualenv", folder / "env"
    run_installer([sys.executable, "-m", "venv", maker], "cannot create an environment for virtualenv")
    run_installer([maker / "bin" / "pip", "install", "--quiet", VIRTUALENV], f"pip cannot install {VIRTUALENV}")
    # --no-download: the bundled pip is the last one that runs on 2.7; a newer one does not.
    make: list[str | Path] = [maker / "bin" / "virtualenv", "--quiet", "--no-download", "--python", old, environment]
    run_installer(make, "virtualenv cannot create an environment of Python 2.7")
    run_installer([environment / "bin" / "pip", "install", "--quiet", *PACKAGES], f"pip cannot install {PACKAGES[1]}")
    run_installer([program, "--autobahnversion"], "the installed program does not start")
    stamp.write_text(pinned)
    return program


def find_python(given: str | None) -> Path:
    """Return a Python 2.7 that runs: `given`, or the first one on PATH or of pyenv. Raises `Unavailable`."""
    for candidate in [given] if given else candidates():
        try:
            command = [candidate, "-c", "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"]
            version = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
        except OSError:
            continue
        # Checked by running it: pyenv has a shim even for versions that are not selected, which only prints an error.
        if version == "2.7":
            return Path(candidate)
    where = given or "PATH and pyenv's versions"
    raise Unavailable(f"{where}: no Python 2.7 that runs; install one, or name it with --python")


def candidates() -> Iterator[str]:
    """Yield the paths at which a Python 2.7 may be installed."""
    for name in ("python2.7", "python2"):
        if found := shutil.which(name):
            yield found
    root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    yield from map(str, sorted(root.glob("versions/2.7*/bin/python2.7"), reverse=True))


if __name__ == "__main__":
    sys.exit(main())
