"""The layout is a promise: what no import linter sees of it. Who may import whom: `make check`."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "windsock"

# fmt: off
STDLIB_IN_CORE = {
    "__future__", "ast", "bisect", "collections", "contextlib", "dataclasses", "datetime",
    "decimal", "difflib", "enum", "functools", "hashlib", "heapq", "itertools", "json", "math",
    "operator", "re", "sqlite3", "statistics", "struct", "string", "types", "typing", "warnings",
    "unicodedata", "zlib", "zoneinfo",
}
# fmt: on

NEVER = {
    "feeds": {"sqlmodel", "fastapi"},
    "wire": {"httpx", "httptools", "asyncio", "sqlmodel", "fastapi", "apscheduler"},
    "providers": {"sqlmodel", "fastapi", "apscheduler"},
    "store": {"httpx", "fastapi", "apscheduler"},
    "service": {"httpx", "sqlmodel", "sqlalchemy", "apscheduler"},
    "simulation": {"httpx", "apscheduler", "asyncio", "fastapi", "sqlmodel"},
    "evaluation": {"httpx", "apscheduler", "asyncio", "fastapi", "sqlmodel"},
}
# fmt: off
TOP = {
    "__init__", "__main__", "app", "cli", "clock", "config", "core", "demo", "errors", "evaluation",
    "feeds", "gathered_writes", "observability", "providers", "rehearsal", "resources", "service",
    "simulation", "store", "wire",
}
# fmt: on
MAX_MODULES = 12
MAX_LINES = 300
LONGER: dict[str, str] = {}
"""Modules that may have more lines, each with its reason."""
MAX_UNDOCUMENTED = 20
MEDIAN_FUNCTION, LONG_FUNCTION = 8, 20
"""Lines of the median function and of the 90th percentile, without docstrings."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def imports(path: Path) -> set[str]:
    """Dotted names a file imports at any depth, `windsock.x.y` included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files(package: str) -> list[Path]:
    return sorted((SRC / package).rglob("*.py"))


@pytest.mark.parametrize("package", NEVER)
def test_a_package_never_reaches_for_another_ones_library(package: str) -> None:
    for path in files(package):
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & NEVER[package], path.relative_to(ROOT)


def test_core_is_the_standard_library_numpy_and_scipy_only() -> None:
    for path in files("core"):
        for name in imports(path):
            root = name.split(".")[0]
            assert root in STDLIB_IN_CORE | {"windsock", "numpy", "scipy"}, f"{path.name}: {name}"


def test_core_never_asks_for_the_time_or_for_chance() -> None:
    forbidden = {"now", "utcnow", "today", "time", "monotonic", "random", "default_rng", "urandom"}
    for path in files("core"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                is_module = isinstance(owner, ast.Name) and owner.id in {
                    "datetime",
                    "time",
                    "date",
                    "random",
                    "os",
                }
                assert not (is_module and node.func.attr in forbidden), f"{path.name}:{node.lineno}"


def test_only_the_clock_reads_the_wall_clock() -> None:
    for path in SRC.rglob("*.py"):
        if path.name != "clock.py":
            text = path.read_text()
            assert "datetime.now(" not in text and "time.time(" not in text, path.relative_to(ROOT)


def test_environment_is_read_at_the_border_only() -> None:
    for path in SRC.rglob("*.py"):
        if path.parent.name not in {"cli", "app", "demo"}:
            assert "os.environ[" not in path.read_text(), path.relative_to(ROOT)
            assert "os.environ.get" not in path.read_text(), path.relative_to(ROOT)


@pytest.mark.parametrize("room", ["pricefeeds", "simulations"])
def test_rooms_hold_no_python(room: str) -> None:
    folder = ROOT / room
    assert list(folder.iterdir()), f"{room} is empty"
    assert not list(folder.rglob("*.py"))


def test_scipy_stats_stays_out_of_the_serving_path() -> None:
    for package in ("core", "wire", "feeds", "providers", "store", "service"):
        for path in files(package):
            assert not any(name.startswith("scipy.stats") for name in imports(path)), path


def test_the_top_of_the_package_names_the_parts_and_nothing_else() -> None:
    entries = {path.relative_to(SRC).parts[0] for path in SRC.rglob("*.py")}
    assert {entry.removesuffix(".py") for entry in entries} == TOP


def test_a_package_holds_so_many_modules_as_one_can_keep_in_mind() -> None:
    for folder in {path.parent for path in SRC.rglob("*.py")}:
        modules = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
        assert len(modules) <= MAX_MODULES, f"{folder.relative_to(ROOT)}: {sorted(modules)}"


def test_a_module_is_short_or_has_a_reason() -> None:
    found = {
        str(path.relative_to(SRC)): lines
        for path in SRC.rglob("*.py")
        if (lines := path.read_text().count("\n")) > MAX_LINES
    }
    assert found.keys() == LONGER.keys(), found


def public(body: list[ast.stmt], place: str) -> Iterator[tuple[str, bool]]:
    """Every public class, function and method below `place`, and whether it is documented."""
    for node in body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            name = f"{place}.{node.name}"
            yield name, ast.get_docstring(node) is not None
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, name)


def test_public_names_state_their_facts() -> None:
    names = [
        each
        for path in SRC.rglob("*.py")
        for each in public(ast.parse(path.read_text()).body, str(path.relative_to(SRC)))
    ]
    assert len(names) > 1000
    silent = [name for name, is_documented in names if not is_documented]
    assert len(silent) <= MAX_UNDOCUMENTED, silent


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1


def test_functions_are_small() -> None:
    sizes = [
        lines_of(node)
        for path in SRC.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, Function)
    ]
    assert median(sizes) <= MEDIAN_FUNCTION
    assert quantiles(sizes, n=10)[-1] <= LONG_FUNCTION


def test_what_is_mutated_by_night_is_there() -> None:
    mutation = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    named = mutation["only_mutate"]
    assert named == sorted(set(named), key=named.index)
    assert [name for name in named if not (ROOT / name).is_file()] == []
    tested = mutation["pytest_add_cli_args_test_selection"]
    assert [name for name in tested if not (ROOT / name).exists()] == []
