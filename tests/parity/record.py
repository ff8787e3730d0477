"""Records what an agent sends, without its sentences: `python -m tests.parity.record NAME FILE`.

The second request of a session in which the first was answered with reasoning and two calls.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.parity.agents import result_of
from tests.parity.provider.said import KEY
from tests.parity.provider.server import provider

SENTENCES = {"content": "…", "text": "…", "output": "…", "description": "what it is for",
             "pattern": ".*"}  # fmt: skip
KEPT = {"let me see", "say hi"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FOLDER = re.compile(r"/tmp/\w+")


def shrunk(value: Any, key: str = "") -> Any:
    """The same shape without what is said in it, who said it and where."""
    if isinstance(value, dict):
        return {name: shrunk(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [shrunk(each, key) for each in value]
    if not isinstance(value, str) or value in KEPT:
        return value
    if key in SENTENCES and value:
        return SENTENCES[key]
    value = UUID.sub("00000000-0000-4000-8000-000000000000", value)
    return FOLDER.sub("/work", value)


async def main(name: str, place: Path) -> None:
    async with provider() as model:
        await result_of(name, model.url, KEY)
        _, body = model.seen[-1]
    text = json.dumps({**shrunk(body), "model": "auto"}, indent=1, ensure_ascii=False)
    place.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
