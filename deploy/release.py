"""A release: wheel, source archive and bill of materials, from a clean tree, and its tag.

    make release            # builds into dist/ and says what to tag
    make release TAG=1      # and tags

Raises SystemExit with one sentence where the tree, the version or the changelog do not fit.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"


def main() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    check(version)
    DIST.mkdir(exist_ok=True)
    made = [*built(), bill_of_materials(version)]
    lines = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}" for each in made]
    (DIST / f"windsock-{version}.sha256").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    if os.environ.get("TAG"):
        run("git", "tag", "-a", f"v{version}", "-m", notes(version))
        print(f"tagged v{version}; push it with: git push origin v{version}")
    else:
        print(f"not tagged: make release TAG=1 tags v{version}")


def check(version: str) -> None:
    """The tree is clean, the changelog has the version, and nobody has tagged it."""
    if run("git", "status", "--porcelain"):
        sys.exit("the tree is not clean; commit or drop what is there")
    if not notes(version):
        sys.exit(f"CHANGELOG.md has no '## {version}' with anything below it; write it")
    if run("git", "tag", "--list", f"v{version}"):
        sys.exit(f"v{version} is tagged already; raise the version in pyproject.toml")


def notes(version: str) -> str:
    """What the changelog says of a version."""
    text = (ROOT / "CHANGELOG.md").read_text()
    found = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found[1].strip() if found else ""


def built() -> list[Path]:
    """The wheel and the source archive."""
    from hatchling import build

    os.chdir(ROOT)
    return [DIST / build.build_wheel(str(DIST)), DIST / build.build_sdist(str(DIST))]


def bill_of_materials(version: str) -> Path:
    """CycloneDX, of all that the service is installed with."""
    to = DIST / f"windsock-{version}.cdx.json"
    made = (sys.executable, "-m", "cyclonedx_py", "requirements", "deploy/locks/serve.txt")
    how = ("--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON")
    run(*made, *how, "-o", str(to))
    return to


def run(*words: str) -> str:
    done = subprocess.run(  # noqa: S603 - words of this file
        words, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
