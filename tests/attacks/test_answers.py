"""A provider that answers as none may: another one serves, and no later request pays for it."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.attacks.form import SHARED, row
from tests.attacks.world import CHAT, World, ask, strict, world_in
from tests.chaos import faults
from tests.chaos.provider import Call, Fault, provider
from tests.upstream import completion

pytestmark = SHARED

LIMITS = {
    "retry-after-ms: 1e400": "retry-after-ms: 1e400",
    "Retry-After: 99999999999": "retry-after: 99999999999",
    "Retry-After: -5": "retry-after: -5",
    "Retry-After: nan": "retry-after: nan",
    "Retry-After in the year 9999": "retry-after: Fri, 31 Dec 9999 23:59:59 GMT",
    "Retry-After of 5,000 digits": f"retry-after: {'9' * 5000}",
    "a reset of limits in 10^300 s": "x-ratelimit-reset-requests: 1e300s",
}


def whole(**facts: object) -> Fault:
    """An answer that is right but for these facts."""
    return faults.body(json.dumps(completion(**facts)).encode())


NONSENSE: dict[str, Fault] = {
    "usage below 0": whole(usage={"prompt_tokens": -5, "completion_tokens": -5}),
    "usage of 10^30 tokens": whole(usage={"prompt_tokens": 10**30, "completion_tokens": 1}),
    "usage as a text": whole(usage="many"),
    "a bill of 10^300 dollars": whole(usage={"cost": 1e300, "prompt_tokens": 1}),
    "an answer 1,000 deep": faults.body(b"[" * 1000 + b"]" * 1000),
    "an answer with NaN": faults.body(b'{"choices": NaN}'),
    "choices as a text": faults.body(b'{"choices": "none"}'),
    "a choice that is a number": faults.body(b'{"choices": [5]}'),
}


def retry(line: str) -> Fault:
    """A refusal that says when to come back."""

    async def fault(call: Call) -> None:
        await call.answer(b'{"error": {"message": "slow down"}}', status=429, extra=line)

    return fault


STREAMS: dict[str, Fault] = {
    **{f"a stream without end: {name}": fault for name, fault in faults.OVERSIZE_STREAMS.items()},
    "a stream that is a page of HTML": faults.HTML,
    "a stream of noise": faults.garbage,
}
KINDS: dict[str, Fault] = {
    **{f"an answer that is none: {name}": fault for name, fault in faults.NO_ANSWER.items()},
    **{f"an answer without end: {name}": fault for name, fault in faults.OVERSIZE.items()},
    **{name: retry(line) for name, line in LIMITS.items()},
    **NONSENSE,
}
ROWS = [*((name, fault, False) for name, fault in KINDS.items()),
        *((name, fault, True) for name, fault in STREAMS.items())]  # fmt: skip

PROVIDER = """
[providers.p{n}]
base_url = "{url}"
api_key = "sk-upstream-acme-secret"
price = {{ input = 1, output = 4 }}
[routes.p{n}]
candidates = ["p{n}/m"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def apart(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A service of these rows alone, with a deployment for each: they are blamed, rightly."""
    async with provider(strict) as faulty:
        more = "".join(PROVIDER.format(n=n, url=faulty.url) for n in range(len(ROWS)))
        async with world_in(tmp_path_factory.mktemp("answers"), more) as made:
            made.acme = faulty
            yield made


@pytest.mark.parametrize(
    ("model", "fault", "stream"),
    [row(name, "another provider serves, also later", f"p{n}", fault, stream)
     for n, (name, fault, stream) in enumerate(ROWS)],
)  # fmt: skip
async def test_an_answer(apart: World, model: str, fault: Fault, stream: bool) -> None:
    apart.acme.fault, before = fault, len(apart.acme.calls)
    body = ask(model=model, models=["bolt/m"], stream=stream)
    for _ in range(2):
        answer = await apart.http.post(CHAT, json=body)
        assert answer.status_code == 200, answer.text
        assert "[DONE]" in answer.text if stream else answer.json()["choices"]
    assert len(apart.acme.calls) > before
