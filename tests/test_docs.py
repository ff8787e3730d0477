"""The documentation for developers names files and functions that are there."""

import ast
import re
from pathlib import Path

import pytest

from windsock.core.model.events import EventKind

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "windsock"
PLACE = re.compile(r"`((?:[\w]+/)*\w+\.py)(?::([\w.]+))?`")
TEXT = (ROOT / "docs" / "architecture.md").read_text()
PLACES = sorted(set(PLACE.findall(TEXT)))


def defined(body: list[ast.stmt], name: str) -> bool:
    """True if `Class.method`, a function, a class or a constant of this name is defined there."""
    head, _, rest = name.partition(".")
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name == head:
                return not rest or defined(node.body, rest)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if not rest and any(isinstance(t, ast.Name) and t.id == head for t in targets):
                return True
    return False


def test_the_page_names_places() -> None:
    assert len(PLACES) > 40


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_a_place_that_the_page_names_is_there(file: str, name: str) -> None:
    path = ROOT / file if file.startswith("tests/") else SRC / file
    assert path.is_file(), file
    if name:
        assert defined(ast.parse(path.read_text()).body, name), f"{file} defines no {name}"


def test_every_package_is_in_the_tree() -> None:
    for package in SRC.iterdir():
        if package.is_dir() and any(package.glob("*.py")):
            assert re.search(rf"^  {package.name}/", TEXT, re.MULTILINE), package.name


@pytest.mark.parametrize("kind", EventKind)
def test_every_event_is_in_the_list_of_events(kind: EventKind) -> None:
    text = (ROOT / "docs" / "events.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("|")]
    (when,) = [row[2] for row in rows if f"`{kind}`" in row[1]]
    assert when.strip()
