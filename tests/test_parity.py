"""Live and replay are one: the same requests, results, ticks and rewards, the same decisions."""

import heapq
import json

from windsock.clock import ManualClock
from windsock.core.model.calls import Attempt, AttemptReason
from windsock.core.model.rewards import Reward
from windsock.core.routing.router import Router
from windsock.providers.transport import Endpoint
from windsock.providers.upstream import upstream_of
from windsock.resources import room
from windsock.service.execution.executor import RequestExecutor
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import ExactEngine, request_of
from windsock.simulation.world.scenario import load_scenario
from windsock.simulation.world.world import World
from windsock.wire.format import ProviderTraits
from windsock.wire.registry import formats_of
from windsock.wire.request import NO_HEADERS, RequestHeaders, UpstreamRequest

DECISIONS = 500
SEED = 5


def weather() -> World:
    """Prices rise fourfold and fall back within the five hundred requests."""
    scenario = load_scenario(room("simulations") / "price-hike")
    shocks = tuple(
        shock.model_copy(update={"at_hour": 0.3 + 0.3 * i})
        for i, shock in enumerate(scenario.shocks)
    )
    world = World(scenario.model_copy(update={"hours": 2, "shocks": shocks}), SEED)
    world.asks = world.asks[:DECISIONS]
    return world


class FakeTransport:
    """The caller's seam: answers as the world does, and takes as long on the manual clock."""

    def __init__(self, world: World, clock: ManualClock) -> None:
        self.world = world
        self.clock = clock
        self.ask = world.asks[0]

    async def post(
        self, endpoint: Endpoint, path: str, body: bytes, headers: RequestHeaders = NO_HEADERS
    ) -> "FakeReply":
        model = json.loads(body)["model"]
        name = next(n for n in self.world.names if n.endswith(f"/{model}"))
        attempt = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST)
        return FakeReply(self.clock, self.world.call(attempt, self.ask, self.ask.at))

    async def close(self) -> None:
        """Nothing is open."""


class FakeReply:
    def __init__(self, clock: ManualClock, result) -> None:
        self.status = result.status
        self.headers: dict[str, str] = {}
        self._clock = clock
        self._result = result

    async def body(self) -> bytes:
        self._clock.advance_to(self._clock.now() + self._result.latency_s)
        used = self._result.usage
        usage = {"prompt_tokens": used.input_tokens, "completion_tokens": used.output_tokens}
        choices = [{"message": {"content": "yes"}, "finish_reason": "stop"}]
        return json.dumps({"id": "x", "choices": choices, "usage": usage}).encode()

    async def close(self) -> None:
        """Nothing is open."""


async def live(world: World) -> list[tuple[int, str, float]]:
    """The decisions of the service's own driver, stepped by a manual clock."""
    twin = ExactEngine(world, "windsock", chosen(world, ["windsock"])["windsock"], SEED)
    router: Router = twin.router
    clock = ManualClock(world.starts_at)
    transport = FakeTransport(world, clock)
    finished = []
    upstream = upstream_of(Endpoint(base_url=""), formats_of("openai_chat", ProviderTraits()))
    driver = RequestExecutor(
        router=router,
        upstreams={name.partition("/")[0]: upstream for name in world.names},
        caller=transport,
        clock=clock,
        finished=lambda _, outcome: finished.append(outcome),
    )
    quotes, judgements, made = world.quotes(), [], []
    for ask in world.asks:
        while quotes and quotes[0].seen_at <= ask.at:
            quote = quotes.pop(0)
            judge(router, judgements, quote.seen_at)
            router.absorb(quote, quote.seen_at)
        judge(router, judgements, ask.at)
        driver.calls.clock = transport.clock = ManualClock(ask.at)
        transport.ask = ask
        exchange = router.open(request_of(ask), ask.at)
        body = b'{"model": "auto", "messages": []}'
        await driver.answer(
            exchange, UpstreamRequest(raw=body, request=request_of(ask), wants_usage=True)
        )
        decision, outcome = exchange.decision, finished[-1]
        made.append((decision.number, decision.deployment, decision.propensity))
        if ask.is_judged:
            is_right = world.is_right(outcome.served, ask, ask.at)
            due = outcome.finished_at + ask.judged_after_s
            heapq.heappush(judgements, (due, ask.number, decision, outcome.served, is_right))
    return made


def judge(router: Router, judgements: list[tuple], until: float) -> None:
    while judgements and judgements[0][0] <= until:
        at, _, decision, deployment, is_right = heapq.heappop(judgements)
        router.learn(decision, deployment, Reward(value=float(is_right)), at)


async def test_both_drivers_make_the_same_five_hundred_decisions() -> None:
    world = weather()
    assert len(world.asks) == DECISIONS
    make = chosen(world, ["windsock"])["windsock"]
    replay = ExactEngine(world, "windsock", make, SEED)
    replay._feeding._shock_by_quote.clear()
    decisions = replay.run().decisions
    expected = [(each.number, each.deployment, each.propensity) for each in decisions]
    assert await live(world) == expected
    assert len({deployment for _, deployment, _ in expected}) >= 3
