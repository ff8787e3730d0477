"""Bodies of another shape are a 400 in the caller's format, never a 500."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream

HERE = Path(__file__).parent / "agents"
PATHS = {"codex": "/v1/responses", "claude_code": "/v1/messages"}
NONSENSE: tuple[Any, ...] = (5, "x", [], {}, ["x"], [5], {"a": 1}, True, None, [[{}]])


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands: of each list only the ends, of schemas nothing."""
    if at:
        yield at
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in ("parameters", "input_schema"):
                yield from places(each, (*at, name))
    elif isinstance(value, list):
        for number in sorted({0, len(value) // 2, len(value) - 1} & {*range(len(value))}):
            yield from places(value[number], (*at, number))


def with_nonsense(body: dict[str, Any], at: tuple[Any, ...], what: Any) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    place: Any = changed
    for each in at[:-1]:
        place = place[each]
    place[at[-1]] = what
    return changed


@pytest.mark.parametrize("agent", PATHS)
async def test_nothing_that_a_client_sends_is_a_500(tmp_path, agent) -> None:
    body = json.loads((HERE / f"{agent}.json").read_text()) | {"stream": False}
    async with upstream(lambda _: Answer(completion("yes"))) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            for number, at in enumerate(places(body)):
                for what in (NONSENSE[number % 10], NONSENSE[(number + 3) % 10]):
                    asked = with_nonsense(body, at, what)
                    answer = await it.http.post(PATHS[agent], json=asked)
                    assert answer.status_code < 500, (at, what, answer.text)
