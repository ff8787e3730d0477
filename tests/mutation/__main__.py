"""The share of mutants that the tests notice, after `mutmut export-cicd-stats`; 1 if too few."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LEAST_KILLED = 0.9
STATS = Path("mutants/mutmut-cicd-stats.json")


def main() -> int:
    """Prints what was counted and every mutant that lives. A slow one was noticed too."""
    stats = json.loads(STATS.read_text())
    counted = stats["total"] - stats["skipped"]
    killed = stats["killed"] + stats["timeout"] + stats.get("segfault", 0)
    share = killed / counted if counted else 0.0
    sys.stdout.write(f"{killed} of {counted} mutants killed: {share:.1%}\n")
    mutmut = Path(sys.executable).with_name("mutmut")
    subprocess.run([mutmut, "results"], check=True)
    return int(share < LEAST_KILLED)


if __name__ == "__main__":
    sys.exit(main())
