"""The fault table: runs every row at full length (or those named) and writes docs/reliability.md.

python -m tests.benchmarks.reliability [--short] ["rate limit" ...]

--short shortens rows as `tests/chaos/short.py` says; the page then says so too.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from typing import Any

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.chaos.recorder import Finding, Measure, known_rows, page_rows, record
from tests.chaos.short import SHORT


def measured(row: Measure, facts: dict[str, Any]) -> Finding:
    """What the row found; one that breaks counts as missed, and the others go on."""
    try:
        return asyncio.run(row(**facts))
    except Exception as error:
        traceback.print_exc()
        return Finding().fact(f"the row itself broke: {type(error).__name__}")


def main(names: list[str]) -> int:
    is_short = "--short" in names
    names = [name for name in names if name != "--short"]
    rows = known_rows()
    unknown = [name for name in names if name not in rows]
    if unknown:
        print(f"no row is named {unknown[0]!r}; there are {', '.join(rows)}")
        return 2
    verdicts = []
    for name in names or rows:
        shortened = SHORT.get(name, {}) if is_short else {}
        begun = time.monotonic()
        finding = measured(rows[name], shortened)
        took_s = time.monotonic() - begun
        if shortened:
            finding.fact(f"short run: {', '.join(f'{k} {v}' for k, v in shortened.items())}")
        record(name, finding)
        verdicts.append(finding.verdict)
        print(f"{name:<18} {finding.verdict:<12} {took_s:4.0f} s  {finding}", flush=True)
    head = ("fault", "bar", "measured", "")
    write_between(DOCS / "reliability.md", "faults", markdown(head, page_rows()))
    return int("missed" in verdicts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
