"""The direction of imports, read from the sources: each room of the engine imports only from floors below it."""

from __future__ import annotations

import ast
import functools
import itertools
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: The folder of each package in the checkout.
HOMES = {
    "wsconform.cases": ROOT / "cases",
    "wsconform.reports": ROOT / "reports",
    "wsconform.fixtures": ROOT / "fixtures",
    "wsconform": ROOT / "suite" / "wsconform",
}
ENGINE = "wsconform"
PLUGGED_IN = ("wsconform.cases", "wsconform.reports", "wsconform.fixtures")

#: The rooms of the engine (folders, and modules beside them), lowest floor first. A room imports from floors below it.
FLOORS = (
    ("problem", "escape", "version", "words"),
    ("wire",),
    ("registry",),
    ("transport",),
    ("evidence",),
    ("endpoint",),
    ("catalogue",),
    ("autobahn",),
    ("journal",),
    ("run",),
    ("serving",),
    ("console",),
    ("prepare",),
    ("commands", "plugin"),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}

#: The rooms that renderers may import: results and their journal, the wire codec, ids and order of Autobahn's cases.
REPORTS_MAY = ("evidence.result", "registry", "journal", "escape", "words", "wire", "catalogue.aliases", "autobahn.ids")
#: The rooms that endpoints under test may import.
FIXTURES_MAY = ("wire", "transport", "registry.requirement")
#: The command-line tools of the targets are not endpoints.
FIXTURE_TOOLS = ("wsconform.fixtures.targets",)
TOOLS_MAY = (*FIXTURES_MAY, "problem", "version", "prepare")

#: Most imports inside functions, in all four packages together; the reason for each stands beside it.
MOST_INNER_IMPORTS = 60
#: Most modules of the engine that stand outside folders.
MOST_FLAT_MODULES = 10


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import: the importing module, the absolute name that it imports, and its line."""

    module: str
    of: str
    line: int
    relative: bool
    late: bool


def modules(package: str) -> dict[str, Path]:
    """Return the modules of `package` by name."""
    home = HOMES[package]
    found = {}
    for path in sorted(home.rglob("*.py")):
        parts = path.relative_to(home).with_suffix("").parts
        if "node_modules" in parts or any(part.startswith(".") for part in parts):
            continue
        found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


MODULES = {name: path for package in HOMES for name, path in modules(package).items()}


@functools.cache
def imports(module: str) -> tuple[Import, ...]:
    """Return the imports of `module`, each name resolved to the module that it comes from."""
    return tuple(_read(module))


def _read(module: str) -> Iterator[Import]:
    path = MODULES[module]
    tree = ast.parse(path.read_bytes())
    late = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module=module, of=alias.name, line=node.lineno, relative=False, late=id(node) in late)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, path, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(
                    module=module,
                    of=inner if inner in MODULES else base,
                    line=node.lineno,
                    relative=node.level > 0,
                    late=id(node) in late,
                )


def _base(module: str, path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    up = package[: len(package) - (node.level - 1)]
    return ".".join((*up, node.module) if node.module else up)


def package_of(module: str) -> str:
    """Return the one of our four packages that `module` belongs to; "" for any other module."""
    return next((package for package in HOMES if module == package or module.startswith(f"{package}.")), "")


def room_of(module: str) -> str:
    """Return the room of a module of the engine: the first part of its name below the package."""
    return module.split(".")[1] if "." in module else ""


def all_of(package: str) -> list[Import]:
    """Return every import in `package`."""
    return [each for name in MODULES if package_of(name) == package for each in imports(name)]


def places(wrong: list[Import]) -> list[str]:
    """Return imports as file, line and imported module."""
    return list(dict.fromkeys(f"{MODULES[each.module].relative_to(ROOT)}:{each.line}: {each.of}" for each in wrong))


def is_below(module: str, *allowed: str) -> bool:
    """Return whether `module` is one of the engine's modules or folders `allowed`, or inside one."""
    return any(module == f"{ENGINE}.{name}" or module.startswith(f"{ENGINE}.{name}.") for name in allowed)


class TestReader:
    """The functions above, on which the other tests rely."""

    def test_every_package_is_found(self) -> None:
        assert {package_of(name) for name in MODULES} == set(HOMES)
        assert {"wsconform.wire.frame", "wsconform.run.runner", "wsconform.fixtures.reference.frames"} <= set(MODULES)

    def test_relative_names_are_resolved(self) -> None:
        of = {each.of for each in imports("wsconform.fixtures.reference.frames")}
        assert {"wsconform.fixtures.reference.pipe", "wsconform.wire.frame"} <= of

    def test_imports_of_type_checking_count(self) -> None:
        assert "wsconform.endpoint.connection" in {each.of for each in imports("wsconform") if not each.late}


class TestEngine:
    def test_every_room_has_a_floor(self) -> None:
        rooms = {room_of(name) for name in modules(ENGINE)} - {""}
        assert rooms <= set(FLOOR), f"add to FLOORS: {sorted(rooms - set(FLOOR))}"

    def test_rooms_import_from_floors_below_them(self) -> None:
        wrong = []
        for each in all_of(ENGINE):
            here, there = room_of(each.module), room_of(each.of)
            # The package itself only names modules that it loads later.
            if package_of(each.of) != ENGINE or not here or not there or here == there:
                continue
            if FLOOR[there] >= FLOOR[here]:
                wrong.append(each)
        assert places(wrong) == []

    def test_imports_no_case_no_report_and_no_fixture(self) -> None:
        assert places([each for each in all_of(ENGINE) if package_of(each.of) in PLUGGED_IN]) == []

    @pytest.mark.parametrize("package", HOMES)
    def test_modules_do_not_import_one_another_in_a_cycle(self, package: str) -> None:
        graph: dict[str, set[str]] = {name: set() for name in modules(package)}
        for each in all_of(package):
            # A package's own module is loaded before any inside it.
            inside = each.module == each.of or each.module.startswith(f"{each.of}.")
            if package not in (each.module, each.of) and not each.late and not inside and each.of in graph:
                graph[each.module].add(each.of)
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as problem:
            pytest.fail(f"a cycle of imports: {' -> '.join(problem.args[1])}")

    def test_importing_the_package_loads_none_of_its_modules_but_the_version(self) -> None:
        tree = ast.parse(MODULES[ENGINE].read_bytes())
        loaded = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
        assert loaded == ["__future__", "typing", "version"]

    def test_few_modules_stand_outside_folders(self) -> None:
        flat = [path.name for path in HOMES[ENGINE].glob("*.py")]
        assert len(flat) <= MOST_FLAT_MODULES, flat

    def test_imports_stand_at_the_top(self) -> None:
        inner = [each for name in MODULES for each in imports(name) if each.late]
        assert len(places(inner)) <= MOST_INNER_IMPORTS, places(inner)


class TestPluggedIn:
    def test_cases_import_the_package_and_their_neighbours(self) -> None:
        wrong = [each for each in all_of("wsconform.cases") if package_of(each.of) == ENGINE and each.of != ENGINE]
        wrong += [each for each in all_of("wsconform.cases") if package_of(each.of) in PLUGGED_IN[1:]]
        assert places(wrong) == []

    def test_cases_name_neighbours_relatively(self) -> None:
        wrong = [
            each for each in all_of("wsconform.cases") if package_of(each.of) == "wsconform.cases" and not each.relative
        ]
        assert places(wrong) == []

    def test_reports_import_results_and_their_neighbours(self) -> None:
        wrong = [
            each
            for each in all_of("wsconform.reports")
            if package_of(each.of) in (ENGINE, "wsconform.cases", "wsconform.fixtures")
            and each.of != ENGINE
            and not is_below(each.of, *REPORTS_MAY)
        ]
        assert places(wrong) == []

    def test_fixtures_import_the_wire_and_their_neighbours(self) -> None:
        wrong = [
            each
            for each in all_of("wsconform.fixtures")
            if package_of(each.of) in (ENGINE, "wsconform.cases", "wsconform.reports")
            and not is_below(each.of, *(TOOLS_MAY if each.module.startswith(FIXTURE_TOOLS) else FIXTURES_MAY))
        ]
        assert places(wrong) == []


class TestWheel:
    def test_nothing_generic_is_installed_at_top_level(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        packages = project["tool"]["setuptools"]["packages"]
        assert packages
        assert [name for name in packages if name != ENGINE and not name.startswith(f"{ENGINE}.")] == []

    def test_every_package_with_code_that_is_meant_for_users_is_installed(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        packages = set(project["tool"]["setuptools"]["packages"])
        left_out = ("wsconform.fixtures.mutants", "wsconform.fixtures.eccentrics", "wsconform.fixtures.targets.")
        needed = {
            name for name, path in MODULES.items() if path.name == "__init__.py" and not name.startswith(left_out)
        }
        assert needed - packages == set()


class TestTime:
    def test_neither_cases_nor_tests_sleep(self) -> None:
        """Silence is proven by order, or waited for under a clock that jumps."""
        paths = [*HOMES["wsconform.cases"].rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
        found = [(str(path.relative_to(ROOT)), line) for path in paths for line in sleeps(path)]
        assert [f"{name}:{line}" for name, line in found] == []


def sleeps(path: Path) -> Iterator[int]:
    """Return the lines on which a function called `sleep` is called."""
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(file.readline))
    for token, after in itertools.pairwise(tokens):
        if token.type == tokenize.NAME and token.string == "sleep" and after.string == "(":
            yield token.start[0]
