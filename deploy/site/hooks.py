"""What mkdocs shows beside docs/: README, the changelog, notebooks, and a reference of the code."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
from notebooks import as_markdown
from reference import pages

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
SHIM, SHIM_ELSEWHERE = "iframe-worker.js", "https://unpkg.com/iframe-worker/shim"
TOP = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md",
        "CHANGELOG.md": "changelog.md"}  # fmt: skip
"""Pages that stand at the top of the repository."""

OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?:src|tests|deploy)/[^)]*\)")
"""Links to the source, which the site does not hold: their words stay."""

BLOCK = re.compile(r"^\$\$(.+?)\$\$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<![\w$`])\$([A-Za-z\\][^$`\n]*?)\$(?!\w)")
"""Formulas; a sum in dollars begins with a digit and is none."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    for name in [each.src_uri for each in files if each.src_uri.endswith(".py")]:
        source = files.get_file_from_path(name)
        files.remove(source)
        if name.startswith("notebooks/"):
            made = as_markdown((ROOT / "docs" / name).read_text(encoding="utf-8"))
            files.append(File.generated(config, name.replace(".py", ".md"), content=made))
    for source, page in TOP.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_moved(text)))
    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links out of the site are words; formulas are MathML, which needs no script."""
    inside = OUTSIDE.sub(r"\1", markdown)
    inside = re.sub(r"\]\((notebooks/\w+)\.py\)", r"](\1.md)", inside)
    shown = BLOCK.sub(lambda found: convert(found[1].strip(), display="block"), inside)
    return INLINE.sub(lambda found: convert(found[1]), shown)


def on_post_build(config: Any) -> None:
    """What makes the search work without a server comes from here, not from elsewhere."""
    site = Path(config["site_dir"])
    shutil.copy(HERE / SHIM, site / "assets" / SHIM)
    for page in site.rglob("*.html"):
        up = "../" * (len(page.relative_to(site).parts) - 1)
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(SHIM_ELSEWHERE, f"{up}assets/{SHIM}"), encoding="utf-8")


def _moved(text: str) -> str:
    """Links as they are seen from docs/."""
    for source, page in TOP.items():
        text = text.replace(f"]({source}", f"]({page}")
    text = re.sub(r"\[([^\]]+)\]\((?:src|tests|deploy|pricefeeds|LICENSE)[^)]*\)", r"\1", text)
    return text.replace("](docs/", "](")
