"""The layout is a promise: who may import whom, and rooms that hold declarations only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "windsock"

# fmt: off
STDLIB_IN_CORE = {
    "__future__", "bisect", "collections", "contextlib", "dataclasses", "datetime", "decimal",
    "difflib", "enum", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator",
    "re", "statistics", "struct", "string", "types", "typing", "zlib", "zoneinfo",
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
MAX_MODULES = 12
MAX_LINES = 300


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
