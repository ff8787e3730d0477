"""FailoverBench v0.1: sixteen faults of a primary, each judged pass, part, safe or fail.

python -m tests.benchmarks.failover_bench [--short] [--defaults] [S01 ...]

Real times (20 s first token, 30 s stall, 120 s silence, 60 s outage) unless --short; rows run side
by side, each with a router of its own. --defaults leaves out what the route states beyond its
candidates. Writes docs/reliability.md after a full run; ends with 1 if a row fails or fewer than
14 pass.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.chaos.failover import FULL, SCENARIOS, SHORT, Verdict, judged

LEAST = 14
HEAD = ("", "fault of the primary", "verdict", "", "with the defaults")


async def run(names: list[str], *, is_short: bool, is_default: bool) -> dict[str, Verdict]:
    """All these rows at once."""
    times = replace(SHORT if is_short else FULL, is_default=is_default)
    rows = [SCENARIOS[name] for name in names]
    found = await asyncio.gather(*(judged(row, times) for row in rows))
    return dict(zip(names, found, strict=True))


def told(verdict: Verdict) -> str:
    return f"{verdict.word}: {verdict.reason}" if verdict.reason else verdict.word


def main(arguments: list[str]) -> int:
    is_short, is_default = "--short" in arguments, "--defaults" in arguments
    names = [each for each in arguments if not each.startswith("--")]
    if unknown := set(names) - SCENARIOS.keys():
        print(f"no row is named {min(unknown)}; there are {', '.join(SCENARIOS)}")
        return 2
    is_whole = not (names or is_short or is_default)
    names = names or list(SCENARIOS)
    found = asyncio.run(run(names, is_short=is_short, is_default=is_default))
    for name, verdict in found.items():
        print(f"{name} {SCENARIOS[name].title:<48} {told(verdict)}", flush=True)
    words = [verdict.word for verdict in found.values()]
    print(", ".join(f"{words.count(word)} {word}" for word in ("pass", "part", "safe", "fail")))
    if is_whole:
        plain = asyncio.run(run(names, is_short=False, is_default=True))
        rows = [
            (name, SCENARIOS[name].title, each.word, each.reason, told(plain[name]))
            for name, each in found.items()
        ]
        write_between(DOCS / "reliability.md", "failover", markdown(HEAD, rows))
    return int("fail" in words or (len(names) == len(SCENARIOS) and words.count("pass") < LEAST))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
