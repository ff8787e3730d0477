"""Three replicas over a real PostgreSQL, tried hard: `python -m tests.benchmarks.replicas`.

Every line is a promise of docs/replicas.md, what was measured, and whether it is kept. Exits with 1
if one is not.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.replicas.trial import Finding, cap_race, faults
from tests.store.conftest import own_postgres


async def tried(away_s: float, usd: float) -> list[Finding]:
    """All findings, told as they come."""
    found: list[Finding] = []
    with own_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        for name in ("faults", "cap"):
            (Path(folder) / name).mkdir()
        trials = (
            faults(postgres, Path(folder) / "faults", away_s=away_s, clients=2, every_s=0.05),
            cap_race(postgres, Path(folder) / "cap", usd=usd),
        )
        for trial in trials:
            async for finding in trial:
                found.append(finding)
                print(finding, flush=True)
    return found


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--away", type=float, default=4.0, help="s that the database is away")
    parser.add_argument("--usd", type=float, default=0.05, help="the cap that three race for")
    asked = parser.parse_args()
    found = asyncio.run(tried(asked.away, asked.usd))
    sys.exit(0 if all(each.is_met for each in found) else 1)


if __name__ == "__main__":
    main()
