"""The direction of imports, read from the sources: what may know what, and that nothing knows itself in a circle."""

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

#: Where each package lies in the checkout.
HOMES = {
    "wsconform.cases": ROOT / "cases",
    "wsconform.reports": ROOT / "reports",
    "wsconform.fixtures": ROOT / "fixtures",
    "wsconform": ROOT / "suite" / "wsconform",
}
ENGINE = "wsconform"
PLUGGED_IN = ("wsconform.cases", "wsconform.reports", "wsconform.fixtures")

#: What renderers may know of the engine: results and how they are kept, counted and written; and the wire, which
#: knows nothing itself, to tell the frames in the octets of an entry; and how the older suite names and orders cases.
REPORTS_MAY = ("result", "requirement", "registry", "journal", "escape", "tally", "changes", "wire", "aliases", "older")
#: What endpoints to test against may know of it.
FIXTURES_MAY = ("wire", "handshake", "transport", "requirement")


@dataclass(frozen=True)
class Import:
    """One import of one module: the absolute name, its line, and whether it stands inside a function."""

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
    """Return what `module` imports, each name resolved to the module that it comes from."""
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
                yield Import(module, alias.name, node.lineno, False, id(node) in late)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, path, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(module, inner if inner in MODULES else base, node.lineno, node.level > 0, id(node) in late)


def _base(module: str, path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    up = package[: len(package) - (node.level - 1)]
    return ".".join((*up, node.module) if node.module else up)


def package_of(module: str) -> str:
    """Return the one of our four packages that `module` belongs to; "" for others'."""
    return next((package for package in HOMES if module == package or module.startswith(f"{package}.")), "")


def all_of(package: str) -> list[Import]:
    """Return every import in `package`."""
    return [each for name in MODULES if package_of(name) == package for each in imports(name)]


def told(wrong: list[Import]) -> list[str]:
    """Return imports as a person looks for them."""
    return list(dict.fromkeys(f"{MODULES[each.module].relative_to(ROOT)}:{each.line}: {each.of}" for each in wrong))


def is_below(module: str, *allowed: str) -> bool:
    """Return whether `module` is one of the engine's modules `allowed`, or inside one."""
    return any(module == f"{ENGINE}.{name}" or module.startswith(f"{ENGINE}.{name}.") for name in allowed)


class TestReader:
    """What these tests rely on."""

    def test_every_package_is_found(self) -> None:
        assert {package_of(name) for name in MODULES} == set(HOMES)
        assert {"wsconform.wire.frame", "wsconform.run.runner", "wsconform.fixtures.reference.frames"} <= set(MODULES)

    def test_relative_names_are_resolved(self) -> None:
        of = {each.of for each in imports("wsconform.fixtures.reference.frames")}
        assert {"wsconform.fixtures.reference.pipe", "wsconform.wire.frame"} <= of

    def test_imports_of_type_checking_count(self) -> None:
        assert "wsconform.endpoint.connection" in {each.of for each in imports("wsconform") if not each.late}


class TestWire:
    def test_imports_nothing_of_ours_beyond_itself(self) -> None:
        wire = [each for each in all_of(ENGINE) if each.module.startswith("wsconform.wire")]
        assert wire
        wrong = [each for each in wire if package_of(each.of) and not each.of.startswith("wsconform.wire")]
        assert told(wrong) == []


class TestEngine:
    def test_knows_no_case_no_report_and_no_fixture(self) -> None:
        assert told([each for each in all_of(ENGINE) if package_of(each.of) in PLUGGED_IN]) == []

    def test_no_module_knows_itself_in_a_circle(self) -> None:
        graph: dict[str, set[str]] = {name: set() for name in modules(ENGINE)}
        for each in all_of(ENGINE):
            # The package itself only names what is loaded later, and everybody is inside it.
            if ENGINE not in (each.module, each.of) and not each.late and each.of in graph and each.of != each.module:
                graph[each.module].add(each.of)
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as problem:
            pytest.fail(f"a circle of imports: {' -> '.join(problem.args[1])}")
        assert (
            order.index("wsconform.wire.frame")
            < order.index("wsconform.endpoint.connection")
            < order.index("wsconform.run.judge")
        )

    def test_importing_the_package_loads_none_of_its_modules(self) -> None:
        tree = ast.parse(MODULES[ENGINE].read_bytes())
        at_once = [
            node
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
            and not (isinstance(node, ast.ImportFrom) and node.module in ("__future__", "typing"))
        ]
        assert at_once == []


class TestPluggedIn:
    def test_cases_know_the_engine_and_their_neighbours(self) -> None:
        wrong = [
            each
            for each in all_of("wsconform.cases")
            if package_of(each.of) in ("wsconform.fixtures", "wsconform.reports")
        ]
        assert told(wrong) == []

    def test_cases_name_neighbours_relatively(self) -> None:
        wrong = [
            each for each in all_of("wsconform.cases") if package_of(each.of) == "wsconform.cases" and not each.relative
        ]
        assert told(wrong) == []

    def test_cases_leave_running_and_reporting_to_the_engine(self) -> None:
        never = ("runner", "judge", "watch", "journal", "cli", "commands", "execute", "reach", "selection", "probe")
        assert told([each for each in all_of("wsconform.cases") if is_below(each.of, *never)]) == []

    def test_reports_know_results_and_their_neighbours(self) -> None:
        wrong = [
            each
            for each in all_of("wsconform.reports")
            if package_of(each.of) in (ENGINE, "wsconform.cases", "wsconform.fixtures")
            and each.of != ENGINE
            and not is_below(each.of, *REPORTS_MAY)
        ]
        assert told(wrong) == []

    def test_fixtures_know_the_wire_and_their_neighbours(self) -> None:
        wrong = [
            each
            for each in all_of("wsconform.fixtures")
            if package_of(each.of) in (ENGINE, "wsconform.cases", "wsconform.reports")
            and not is_below(each.of, *FIXTURES_MAY)
        ]
        assert told(wrong) == []


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
    """Return the lines on which something called `sleep` is called."""
    with tokenize.open(path) as file:
        tokens = list(tokenize.generate_tokens(file.readline))
    for token, after in itertools.pairwise(tokens):
        if token.type == tokenize.NAME and token.string == "sleep" and after.string == "(":
            yield token.start[0]
