"""schemathesis over windsock's own /openapi.json: no answer may be a 5xx of its own.

`python -m tests.parity.fuzzed PROGRAM`, the schemathesis of its environment.
"""

from __future__ import annotations

import asyncio
import logging
import sys

import structlog

from tests.parity.__main__ import windsock
from tests.parity.provider.server import provider

EXAMPLES = 12
"""Made for each call of the description."""


async def main(program: str) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    async with provider() as model, windsock(model.url, "chat", "admin") as (url, key):
        process = await asyncio.create_subprocess_exec(
            program, "run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {key}",
            "--checks", "not_a_server_error", "--max-examples", str(EXAMPLES), "--seed", "7",
            "--request-timeout", "20", "--continue-on-failure",
        )  # fmt: skip
        return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
