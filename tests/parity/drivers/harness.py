"""What every driver in Python needs: where to call, what to ask, how to tell what came back.

Each public function of a driver is a case. It returns what its client gave, or raises; `run` prints
both as one JSON object by case. Drivers run in environments of their own: no import from here.
"""

import asyncio
import inspect
import json
import os
from pathlib import Path
from typing import Any

URL = os.environ["PARITY_URL"]
"""Of the provider or of windsock, without a path."""

KEY = os.environ["PARITY_KEY"]
MODEL = os.environ["PARITY_MODEL"]
LIMITED = os.environ["PARITY_LIMITED"]
UNKNOWN = "no-such-model"
SHARED = json.loads((Path(__file__).parent.parent / "cases.json").read_text(encoding="utf-8"))
TOOL, SCHEMA, IMAGE = SHARED["tool"], SHARED["schema"], SHARED["image"]


def ask(case: str) -> str:
    """The prompt of a case: the provider answers by its name."""
    return f"[[{case}]] {SHARED['question']}"


def told(**facts: Any) -> dict[str, Any]:
    """What a client gave, without what it did not give."""
    return {name: value for name, value in facts.items() if value is not None}


def parsed(text: Any) -> Any:
    """Arguments of a call, however a client tells them."""
    return json.loads(text) if isinstance(text, str) else text


def fault(error: BaseException) -> dict[str, Any]:
    """The class and the status of an exception: what a program branches on."""
    status = None
    for name in ("status_code", "code", "status"):
        value = getattr(error, name, None)
        if isinstance(value, int):
            status = value
            break
    kind = f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}"
    words = str(error)[:300] if os.environ.get("PARITY_WORDS") else None
    return told(error=kind, status=status, words=words)


def run(driver: dict[str, Any]) -> None:
    """Every case of a driver, given its globals()."""
    results = {}
    only = os.environ.get("PARITY_CASES", "").split()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for name, case in list(driver.items()):
        is_case = inspect.isfunction(case) and case.__module__ == "__main__" and name[0] != "_"
        if not is_case or (only and name not in only):
            continue
        try:
            result = case()
            results[name] = (
                loop.run_until_complete(result) if inspect.isawaitable(result) else result
            )
        except Exception as error:
            results[name] = fault(error)
    print("PARITY " + json.dumps(results, ensure_ascii=False, default=str), flush=True)
    os._exit(0)
