"""The site of the documentation: its reference is of the code, its menu and its links are whole."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from windsock.cli import app
from windsock.config.settings import Settings
from windsock.core.model.events import EventKind

ROOT = Path(__file__).parents[2]
SITE = ROOT / "deploy" / "site"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:|mailto:)([^)\s]+)\)")
MADE = {"index.md", "changelog.md", "contributing.md", "security.md"}
"""From pages at the top of the repository."""


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    found: dict[str, str] = module("reference").pages()
    return found


def words_of(group: Any, path: str = "windsock") -> list[str]:
    found = []
    for name, each in group.commands.items():
        below = f"{path} {name}"
        found += words_of(each, below) if hasattr(each, "commands") else [below]
    return found


def test_the_reference_has_every_command_key_call_event_and_metric(reference) -> None:
    for words in words_of(typer.main.get_command(app)):
        assert f"## {words}\n" in reference["commands"]
    for key in Settings.model_fields:
        assert f"`{key}`" in reference["settings"] or f"`[{key}" in reference["settings"], key
    for option in ("`quality_floor`", "`[routes.NAME.cascade]`", "`max_latency_ms`"):
        assert option in reference["settings"]
    for call in ("`POST /v1/chat/completions`", "`GET /v1/weights`", "`GET /v1/rehearsal`"):
        assert call in reference["http"]
    for kind in EventKind:
        assert f"`{kind}`" in reference["events"]
    assert "`windsock_requests_total` | counter" in reference["metrics"]


def test_no_value_of_the_reference_is_a_python_object(reference) -> None:
    for name, text in reference.items():
        assert not re.search(r"<\w+ (object|at)|Annotated|PydanticUndefined|Sentinel", text), name


def test_the_menu_has_every_page_once() -> None:
    named = re.findall(r": (\S+\.md)$", (SITE / "mkdocs.yml").read_text(), re.MULTILINE)
    reference_pages = [name for name in named if name.startswith("reference/")]
    own = {page.name for page in (ROOT / "docs").glob("*.md")}
    notebooks = {f"notebooks/{page.stem}.md" for page in (ROOT / "docs/notebooks").glob("*.py")}
    assert sorted(named) == sorted([*own, *notebooks, *MADE, *reference_pages])
    assert {name.removeprefix("reference/").removesuffix(".md") for name in reference_pages} == {
        "commands", "settings", "http", "events", "metrics",
    }  # fmt: skip


def headings(text: str) -> set[str]:
    """As GitHub and the site name them."""
    plain = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    names = re.findall(r"^#+ (.+?)\s*$", plain, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", name.lower()).strip().replace(" ", "-") for name in names}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        place, _, anchor = link.partition("#")
        target = (page.parent / place) if place else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in headings(target.read_text()), f"{page.name}: {link}"


def test_a_script_becomes_a_page() -> None:
    script = "# %% [markdown]\n# # Title\n#\n# Words.\n\n# %%\nx = 1\n\n# %%\n"
    made = module("notebooks").as_markdown(script)
    assert made == "# Title\n\nWords.\n\n```python\nx = 1\n```\n"
