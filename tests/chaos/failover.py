"""FailoverBench v0.1: sixteen faults of a primary before a healthy fallback, and their verdicts.

Written from its public description (scenario catalogue and methodology v0.1,
github.com/failoverbench/failoverbench): what the caller got is judged together with what the
providers saw. Every healthy answer is the same sixty words, also where only its rest was asked for.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.chaos.provider import Call, Fault, Provider, provider
from tests.running import running
from tests.upstream import chunk, event
from windsock.clock import SystemClock

WORDS = [f"word{n}{'.' if n % 12 == 0 else ''}" for n in range(1, 61)]
ANSWER = " ".join(WORDS)
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 24, "completion_tokens": 60, "total_tokens": 84}
PROMPT = "Explain in exactly sixty words why a gateway earns trust."


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds of the faults and of the limits they are judged by; `full` is the published profile.

    health      how many times faster than real the router's clock runs, for cooldowns
    is_default  the route states its candidates and nothing else
    """

    silence: float = 120.0
    first_token: float = 20.0
    stall: float = 30.0
    outage: float = 60.0
    between_requests: float = 4.0
    between_words: float = 0.015
    first_byte_timeout: float = 12.0
    budget: float = 100.0
    first_token_limit: float = 15.0
    stall_limit: float = 45.0
    recovery: float = 30.0
    health: float = 1.0
    is_default: bool = False


FULL = Times()
SHORT = Times(silence=8.0, first_token=5.0, stall=1.5, outage=4.0, between_requests=4 / 15,
              between_words=0.0, first_byte_timeout=1.0, budget=6.0, first_token_limit=4.0,
              stall_limit=10.0, recovery=2.0, health=15.0)  # fmt: skip
"""Of the test suite: a quarter to a twentieth of the waits, limits with room for slow machines."""


@dataclass
class Got:
    """What the caller got of one request."""

    status: int = 0
    text: str = ""
    model: str = ""
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    is_done: bool = False
    is_readable: bool = True
    seconds: float = 0.0
    deployment: str = ""

    @property
    def is_whole(self) -> bool:
        """The canonical answer, and nothing wrong with it."""
        return self.error is None and self.is_done and " ".join(self.text.split()) == ANSWER

    @property
    def is_clean_error(self) -> bool:
        """An error that says so, and no end mark after it."""
        return bool(self.error) and not self.is_done and self.is_readable


@dataclass
class Bench:
    """A running router before a primary and a fallback."""

    http: httpx.AsyncClient
    primary: Provider
    fallback: Provider
    times: Times

    async def ask(self) -> Got:
        """One streamed request."""
        body = {
            "model": "auto",
            "messages": [{"role": "user", "content": PROMPT}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "provider": {"order": ["primary", "fallback"]},
        }
        begun = time.monotonic()
        answer = await self.http.post("/v1/chat/completions", json=body)
        got = read(answer)
        got.seconds = time.monotonic() - begun
        return got

    def gap_s(self) -> float:
        """Between the primary's first two calls; 0 without a second."""
        return self.primary.calls[1] - self.primary.calls[0] if self.attempts > 1 else 0.0

    @property
    def attempts(self) -> int:
        """Calls that the primary saw."""
        return len(self.primary.calls)


def read(answer: httpx.Response) -> Got:
    """A stream, or an error in its place, as a strict client reads it."""
    got = Got(status=answer.status_code, deployment=answer.headers.get("x-windsock-deployment", ""))
    if answer.status_code != 200:
        got.error = answer.json()["error"]
        return got
    for line in answer.text.splitlines():
        if line == "data: [DONE]":
            got.is_done = True
        elif line.startswith("data:"):
            _read_event(got, line[5:])
    return got


def _read_event(got: Got, payload: str) -> None:
    try:
        body = json.loads(payload)
    except ValueError:
        got.is_readable = False
        return
    got.error = body.get("error") or got.error
    got.model = body.get("model") or got.model
    got.usage = body.get("usage") or got.usage
    for choice in body.get("choices") or ():
        got.text += choice["delta"].get("content") or ""


@dataclass
class Verdict:
    """On one row.

    missed      checks that must hold and did not; advisory: those that only should
    """

    got: Got
    missed: list[str] = field(default_factory=list)
    advisory: list[str] = field(default_factory=list)
    wants_error: bool = False
    note: str = ""

    def must(self, holds: bool, what: str) -> None:
        """A check that must hold."""
        self.missed += [] if holds else [what]

    def should(self, holds: bool, what: str) -> None:
        """An advisory check."""
        self.advisory += [] if holds else [what]

    @property
    def word(self) -> str:
        """pass, part, safe or fail."""
        got = self.got
        is_rescued = got.is_clean_error if self.wants_error else got.is_whole
        if self.missed or not (is_rescued or got.is_whole or got.is_clean_error):
            return "fail"
        if not is_rescued:
            return "part" if self.wants_error else "safe"
        return "part" if self.advisory else "pass"

    @property
    def reason(self) -> str:
        """Why it is no pass."""
        if self.word == "pass":
            return self.note
        found = [*self.missed, *self.advisory]
        if self.word == "fail" and not self.missed:
            found.append(f"neither the answer nor a clean error: {self.got}")
        if self.word == "safe":
            found.append(f"ends with: {(self.got.error or {}).get('message')}")
        return "; ".join(found)


Judge = Callable[[Bench], Awaitable[Verdict]]


@dataclass(frozen=True)
class Scenario:
    """One row.

    fault       of the primary, by the times of the profile; `fallback` of the other, if any
    """

    id: str
    title: str
    fault: Callable[[Times], Fault]
    judge: Judge
    fallback: Callable[[Times], Fault] | None = None


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str,
    title: str,
    fault: Callable[[Times], Fault],
    fallback: Callable[[Times], Fault] | None = None,
) -> Callable[[Judge], Judge]:
    """Lists a row under its id."""

    def listed(judge: Judge) -> Judge:
        SCENARIOS[name] = Scenario(name, title, fault, judge, fallback)
        return judge

    return listed


def healthy(times: Times) -> Fault:
    """The canonical answer, whatever was asked."""

    async def fault(call: Call) -> None:
        await call.begin_stream()
        for each in events(call.ask["model"]):
            await call.part(each)
            await asyncio.sleep(times.between_words)
        await call.end_stream()

    return fault


def events(model: str) -> list[bytes]:
    """Of the canonical answer, one word each, with usage and the end mark."""
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word if n == 0 else f" {word}"} for n, word in enumerate(WORDS)]
    found = [event(chunk(delta, model=model)) for delta in deltas]
    last = {**chunk({}, model=model), "choices": [], "usage": USAGE}
    return [*found, event(chunk({}, "stop", model=model)), event(last), DONE]


def refusing(status: int, code: str, message: str, *, times: int = 10**9, **headers: str) -> Any:
    """An error status, the first so many times; after them the answer."""

    def made(profile: Times) -> Fault:
        error = {"message": message, "type": "error", "param": None, "code": code}
        body = json.dumps({"error": error}).encode()
        lines = "\r\n".join(f"{name.replace('_', '-')}: {text}" for name, text in headers.items())

        async def fault(call: Call) -> None:
            if len(call.provider.calls) > times:
                await healthy(profile)(call)
            else:
                await call.answer(body, status=status, extra=lines)

        return fault

    return made


def reset_once(times: Times) -> Fault:
    """A connection reset before a byte of the first answer."""

    async def fault(call: Call) -> None:
        if len(call.provider.calls) > 1:
            await healthy(times)(call)
        else:
            call.reset()

    return fault


def silent(times: Times) -> Fault:
    """No byte at all."""

    async def fault(_: Call) -> None:
        await asyncio.sleep(times.silence)

    return fault


def late(times: Times) -> Fault:
    """Headers at once, the first word much later."""

    async def fault(call: Call) -> None:
        await call.begin_stream()
        await asyncio.sleep(times.first_token)
        for each in events(call.ask["model"]):
            await call.part(each)
        await call.end_stream()

    return fault


def torn(words: int, wait: Callable[[Times], float] = lambda _: 0.0) -> Callable[[Times], Fault]:
    """A stream that stops after so many words; closed at once, or after a silence."""

    def made(times: Times) -> Fault:
        async def fault(call: Call) -> None:
            await call.begin_stream()
            for each in events(call.ask["model"])[: words + 1]:
                await call.part(each)
                await asyncio.sleep(times.between_words)
            await asyncio.sleep(wait(times) or 0.05)
            raise ConnectionResetError

        return fault

    return made


def malformed(times: Times) -> Fault:
    """The tenth event is no JSON; the others are right."""

    async def fault(call: Call) -> None:
        await call.begin_stream()
        told = events(call.ask["model"])
        told[9] = told[9][:-12] + b"\n\n"
        for each in told:
            await call.part(each)
            await asyncio.sleep(max(times.between_words, 0.002))
        await call.end_stream()

    return fault


def no_end_mark(_: Times) -> Fault:
    """A whole stream without its last event."""

    async def fault(call: Call) -> None:
        await call.begin_stream()
        for each in events(call.ask["model"])[:-1]:
            await call.part(each)
        await call.end_stream()

    return fault


def no_prefill(times: Times) -> Fault:
    """Refuses a conversation whose last turn is the assistant's."""

    async def fault(call: Call) -> None:
        if call.ask["messages"][-1]["role"] == "assistant":
            await refusing(400, "invalid_request_error", "prefill is not supported")(times)(call)
        else:
            await healthy(times)(call)

    return fault


def flapping(times: Times) -> Fault:
    """503 for the length of the outage from the first call on, then well."""

    async def fault(call: Call) -> None:
        is_down = call.provider.calls[-1] - call.provider.calls[0] < times.outage
        down = refusing(503, "overloaded", "The server is overloaded")(times)
        await (down if is_down else healthy(times))(call)

    return fault


@scenario("S01", "429 with Retry-After, once",
          refusing(429, "rate_limit_exceeded", "slow down", times=1, retry_after="2"))  # fmt: skip
async def retry_after(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.should(bench.attempts >= 2, "answered by the other at once instead of waiting")
    verdict.should(bench.gap_s() >= 1.8, "the primary was not asked again after Retry-After")
    verdict.must(bench.attempts < 3 or bench.gap_s() > 1.5, "hammered")
    return verdict


@scenario("S02", "429 without Retry-After, for ever",
          refusing(429, "rate_limit_exceeded", "slow down"))  # fmt: skip
async def endless_429(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.must(bench.attempts <= 4, f"{bench.attempts} attempts at a provider that limits")
    return verdict


@scenario("S03", "500 once", refusing(500, "server_error", "oops", times=1))
async def single_500(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.should(bench.attempts >= 2, "went elsewhere though asking again was cheaper")
    return verdict


@scenario("S04", "503 for ever", refusing(503, "overloaded", "overloaded"))
async def endless_503(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.must(bench.attempts <= 6, f"{bench.attempts} attempts")
    return verdict


@scenario("S05", "connection reset before headers, once", reset_once)
async def single_reset(bench: Bench) -> Verdict:
    return Verdict(await bench.ask())


@scenario("S06", "silence", silent)
async def no_response(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.must(verdict.got.seconds <= bench.times.budget, f"took {verdict.got.seconds:.0f} s")
    verdict.should(bench.attempts <= 1, "the silent provider was asked again")
    return verdict


@scenario("S07", "first token late", late)
async def slow_first_token(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    seconds = verdict.got.seconds
    verdict.should(seconds <= bench.times.first_token_limit, f"waited {seconds:.0f} s for it")
    return verdict


@scenario("S08", "stream cut after 40 of 60 words", torn(40))
async def cut(bench: Bench) -> Verdict:
    return Verdict(await bench.ask())


@scenario("S09", "stream stalls after 20 words", torn(20, lambda times: times.stall))
async def stalled(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.must(verdict.got.seconds <= bench.times.stall_limit, "the stall was not noticed")
    await _is_alive(bench, verdict)
    return verdict


@scenario("S10", "broken event", malformed)
async def broken_event(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.must(verdict.got.is_readable, "the broken event reached the caller")
    await _is_alive(bench, verdict)
    return verdict


@scenario("S11", "no [DONE]", no_end_mark)
async def no_done(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.must(verdict.got.seconds <= 8, "waited for a mark that never came")
    verdict.should(bool(verdict.got.usage), "no usage")
    return verdict


@scenario("S12", "context length exceeded",
          refusing(400, "context_length_exceeded", "maximum context length is 8"))  # fmt: skip
async def context_length(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    verdict.must(bench.attempts == 1, f"{bench.attempts} attempts with a prompt that cannot fit")
    return verdict


@scenario("S13", "content filter",
          refusing(400, "content_policy_violation", "Your request was rejected"))  # fmt: skip
async def content_filter(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask(), wants_error=True)
    verdict.must(bench.attempts == 1, f"{bench.attempts} attempts at what was refused")
    words = str((verdict.got.error or {}).get("message"))
    verdict.must(verdict.got.is_whole or "rejected" in words, f"the reason is lost: {words}")
    return verdict


@scenario("S14", "stream cut, and the fallback takes no prefill", torn(40), no_prefill)
async def cut_without_prefill(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    words = str((verdict.got.error or {}).get("message"))
    verdict.must("prefill" not in words, "the prefill's refusal hides the failure")
    return verdict


@scenario("S15", "primary down, then well; twenty requests", flapping)
async def flap(bench: Bench) -> Verdict:
    begun, found, times = time.monotonic(), [], bench.times
    for place in range(20):
        await asyncio.sleep(max(0.0, begun + place * times.between_requests - time.monotonic()))
        found.append((time.monotonic() - begun, await bench.ask()))
    verdict = Verdict(next((got for _, got in found if not got.is_whole), found[-1][1]))
    back = [at for at, got in found if got.deployment.startswith("primary") and got.is_whole]
    recovered_s = min(back, default=times.outage + 10**6) - times.outage
    verdict.must(recovered_s <= times.recovery, f"back at the primary {recovered_s:.0f} s late")
    asked = sum(at - bench.primary.calls[0] < times.outage for at in bench.primary.calls)
    verdict.note = f"{asked} calls to the primary while it was down, back after {recovered_s:.1f} s"
    return verdict


@scenario("S16", "accounting of a failover", refusing(503, "overloaded", "overloaded"))
async def accounting(bench: Bench) -> Verdict:
    verdict = Verdict(await bench.ask())
    got = verdict.got
    verdict.must(got.model == "fallback-model", f"told as {got.model}")
    verdict.should(bool(got.usage), "no usage")
    cost = (got.usage or {}).get("cost")
    verdict.must(cost == (24 * 2.0 + 60 * 8.0) / 1e6, f"failed attempts were billed: {cost}")
    verdict.must(bench.attempts <= 6, f"{bench.attempts} attempts")
    return verdict


async def _is_alive(bench: Bench, verdict: Verdict) -> None:
    """After the fault a healthy request must be answered as before."""
    bench.primary.fault = healthy(replace(bench.times, between_words=0.0))
    after = await bench.ask()
    verdict.must(after.is_whole and after.seconds < 10, "not well afterwards")


class FastClock(SystemClock):
    """Wall time that runs several times as fast from now on; seconds elapsed are real ones."""

    def __init__(self, speed: float) -> None:
        self._begun, self._at, self._speed = time.monotonic(), time.time(), speed

    def now(self) -> float:  # type: ignore[override]
        """Unix seconds."""
        return self._at + (time.monotonic() - self._begun) * self._speed


@asynccontextmanager
async def bench_of(row: Scenario, times: Times) -> AsyncIterator[Bench]:
    """A router as the baseline has it: two retries, one fallback, which is dearer."""
    other = (row.fallback or healthy)(times)
    async with (
        provider(row.fault(times)) as primary,
        provider(other) as fallback,
    ):
        with TemporaryDirectory(prefix="windsock-failover-") as folder:
            config = config_of(primary.url, fallback.url, times)
            async with running(config, Path(folder), clock=FastClock(times.health)) as it:
                it.http.timeout = httpx.Timeout(300.0)
                yield Bench(it.http, primary, fallback, times)


def config_of(primary: str, fallback: str, times: Times) -> str:
    """windsock.toml; what departs from the defaults is stated in the route."""
    stated = f"""
rescue_streams = true
patience = "3s"
first_byte_timeout = {times.first_byte_timeout}
"""
    return f"""
[providers.primary]
base_url = "{primary}"
api_key = "sk-primary-0123456789"
price = {{ input = 1.0, output = 4.0 }}
[providers.fallback]
base_url = "{fallback}"
api_key = "sk-fallback-0123456789"
price = {{ input = 2.0, output = 8.0 }}
[routes.auto]
candidates = ["primary/primary-model", "fallback/fallback-model"]
{"" if times.is_default else stated}
"""


async def judged(row: Scenario, times: Times) -> Verdict:
    """Run one row."""
    async with bench_of(row, times) as bench:
        return await row.judge(bench)
