"""The registry of all requirements.

It is read from TOML files, one for each document, in the folder `requirements/` of each package that an entry point of
group `wsconform.cases` names. TOML is easy to edit and slow to parse, so the parsed files are cached as JSON in the
user's cache folder, with a digest of the files' contents.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from .files import RegistryError, parse_file, read_folder, requirements_of
from .requirement import Document, Requirement

__all__ = ["CASE_PACKAGES", "Registry", "RegistryError", "UnknownRequirement", "case_packages", "load_registry"]

#: The group of entry points that name packages of cases, and of the requirements that these cite.
CASE_PACKAGES = "wsconform.cases"


class UnknownRequirement(ValueError, KeyError):
    """The registry has no requirement with this id; the text names the closest ids.

    It is a KeyError as well, because `in` and `get` of a Mapping rely on that.
    """

    def __init__(self, id: str, known: Iterable[str] = ()) -> None:
        super().__init__(id)
        self.id = id
        self.suggestions = tuple(difflib.get_close_matches(id, known, n=3, cutoff=0.75))

    def __str__(self) -> str:
        hint = f"; did you mean {' or '.join(self.suggestions)}?" if self.suggestions else ""
        return f"no requirement has the id {self.id!r}{hint}"


class Registry(Mapping[str, Requirement]):
    """Every known requirement by id. Iterates over ids: files in the order of their names, entries as in the file."""

    def __init__(self, requirements: Iterable[Requirement]) -> None:
        """Hold `requirements` in their order; of two with the same id, the later one counts."""
        self._entries = MappingProxyType({requirement.id: requirement for requirement in requirements})

    @classmethod
    def load(cls, folders: Iterable[Traversable], *, cache: Path | None = None) -> Registry:
        """Return the registry of every *.toml file in `folders`; `cache` is the folder for the cache, or None.

        A cache that is missing, broken or not writable is ignored. Raises RegistryError if a file cannot be read or
        breaks a rule.
        """
        sources = [source for folder in folders for source in read_folder(folder)]
        names = [where for where, _ in sources]
        key = _digest(octets for _, octets in sources)
        store = cache / f"registry-{_digest(name.encode() for name in names)}.json" if cache else None
        if store and (parsed := _recall(store, key)) is not None:
            # The cached form is checked like a file, so that a manipulated cache cannot do more than a bad file.
            with contextlib.suppress(RegistryError, ValueError):
                return cls._from_files(zip(names, parsed, strict=True))
        parsed = [parse_file(where, octets) for where, octets in sources]
        registry = cls._from_files(zip(names, parsed, strict=True))
        if store:
            _keep(store, key, parsed)
        return registry

    @classmethod
    def _from_files(cls, files: Iterable[tuple[str, object]]) -> Registry:
        found: dict[str, tuple[str, Requirement]] = {}
        for where, parsed in files:
            for requirement in requirements_of(where, parsed):
                if requirement.id in found:
                    first = found[requirement.id][0]
                    raise RegistryError(f"{where}: {requirement.id}: id: already used in {first}")
                found[requirement.id] = (where, requirement)
        return cls(requirement for _, requirement in found.values())

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents with at least one requirement, in order."""
        return tuple(dict.fromkeys(requirement.document for requirement in self.values()))

    def __getitem__(self, id: str) -> Requirement:
        """Return the requirement with this id; raises UnknownRequirement."""
        try:
            return self._entries[id]
        except KeyError:
            raise UnknownRequirement(id, self._entries) from None

    def __contains__(self, id: object) -> bool:
        return id in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Registry of {len(self)} requirements from {len(self.documents)} documents>"


def case_packages() -> list[str]:
    """Return the packages that entry points of group `CASE_PACKAGES` name, in the order of the entry points' names."""
    points = sorted(entry_points(group=CASE_PACKAGES), key=lambda point: point.name)
    return list(dict.fromkeys(point.module for point in points))


@functools.cache
def load_registry() -> Registry:
    """Return the registry of all installed catalogues, read once in a process. Raises RegistryError."""
    folders = []
    for package in case_packages():
        try:
            folders.append(files(package) / "requirements")
        except ImportError as error:
            raise RegistryError(f"{package}: named by an entry point, but cannot be imported: {error}") from error
    return Registry.load([folder for folder in folders if folder.is_dir()], cache=_cache_folder())


# The cache: one file for each set of folders, named after their paths, valid for one state of their contents.


def _cache_folder() -> Path | None:
    """Return the user's cache folder (XDG Base Directory), or None if the user has no home folder."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wsconform"
    except RuntimeError:
        return None


def _digest(parts: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()


def _recall(store: Path, key: str) -> list[object] | None:
    """Return the cached files if `store` is intact and has this key, else None."""
    try:
        kept = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("key") != key or not isinstance(kept.get("files"), list):
        return None
    return list(kept["files"])


def _keep(store: Path, key: str, parsed: list[object]) -> None:
    """Replace the cache in one step, so that no other process can read half a file."""
    draft = store.with_name(f"{store.name}.{os.getpid()}")
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({"key": key, "files": parsed}), encoding="utf-8")
        draft.replace(store)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
