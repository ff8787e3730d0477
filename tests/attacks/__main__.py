"""Writes the attack table of docs/reliability.md from the tests here; --check compares it."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

from tests.attacks.form import rows_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- begin attacks -->\n", "<!-- end attacks -->"
HEAD = "\n| attack | what happens | test |\n| --- | --- | --- |\n"


def main() -> int:
    """0, or 1 with a sentence on what does not agree."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = rows_of(["tests/attacks"])
    if found.without:
        print(f"tests without a row: {', '.join(found.without)}")
        return 1
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    wanted = before + BEGIN + HEAD + "\n".join(found.lines) + "\n\n" + END + rest.partition(END)[2]
    if "--check" not in sys.argv:
        PAGE.write_text(wanted)
    elif text != wanted:
        print("the table of attacks is not that of the tests; write it: python -m tests.attacks")
        return 1
    print(f"{len(found.lines)} attacks")
    return 0


sys.exit(main())
