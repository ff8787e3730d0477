"""Runs benchmarks by name: `make bench BENCH_ARGS="prices_guard restart"`; lists them without."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def known() -> dict[str, str]:
    """Every module here that can be run, with its first line."""
    found = {}
    for path in sorted(HERE.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name != "__main__.py" and '__name__ == "__main__"' in text:
            doc = ast.get_docstring(ast.parse(text)) or ""
            found[path.stem] = doc.partition("\n")[0]
    return found


def main(names: list[str]) -> int:
    listed = known()
    if not names:
        for name, doc in listed.items():
            print(f"{name:<20} {doc}")
        return 0
    unknown = [name for name in names if name not in listed]
    if unknown:
        print(f"no benchmark is named {unknown[0]!r}; there are {', '.join(listed)}")
        return 2
    return max(
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode
        for name in names
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
