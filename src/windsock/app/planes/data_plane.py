"""The data plane, from settings: who carries requests, what it admits, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from windsock.app.background.staleness_monitor import StalenessMonitor
from windsock.app.core_parts import Core
from windsock.app.service import Service
from windsock.config.settings import Settings
from windsock.core.routing.router import Router
from windsock.feeds.poller import Poller
from windsock.observability import log
from windsock.providers.prompt_embedding import Embedder
from windsock.providers.transport import Caller, Endpoint
from windsock.providers.upstream import Upstream
from windsock.service.continuing import Continuing
from windsock.service.execution.completion import Completion
from windsock.service.execution.executor import RequestExecutor
from windsock.service.execution.uncalled import UncalledRequests
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.gateway.admission import LimitRules, Limits, settled
from windsock.service.gateway.caching.redis_cache import RedisCache
from windsock.service.gateway.caching.response_cache import CacheBackend, MemoryCache, ResponseCache
from windsock.service.gateway.call import Endpoint as PathEndpoint
from windsock.service.gateway.endpoints import OpenAICalls
from windsock.service.gateway.feedback_endpoint import FeedbackEndpoint
from windsock.service.gateway.gemini_calls import gemini_calls
from windsock.service.gateway.intake import Meaning, RequestIntake
from windsock.service.gateway.scores.endpoints import REFUSED, OtlpEndpoint, ScoresEndpoint
from windsock.service.gateway.scores.taking import ScoreTaking
from windsock.service.gateway.translation import spoken
from windsock.service.tallies import Tallies
from windsock.wire.completions import Completions
from windsock.wire.formats.messages.messages import Messages, TokenCount
from windsock.wire.formats.responses.responses import Responses, ResponseTokenCount
from windsock.wire.formats.tasks.kinds import TASKS
from windsock.wire.request import Operation
from windsock.wire.scores.formats import FORMATS
from windsock.wire.scores.score import Scale


def executor_of(
    core: Core,
    upstreams: Mapping[str, Upstream],
    feedbacks: FeedbackInbox,
    tallies: Tallies,
    uncalled: UncalledRequests,
    caller: Caller,
) -> RequestExecutor:
    """Runs requests; what is over is recorded, counted and may be judged."""
    completion = Completion(
        router=core.router,
        ledger=core.ledger,
        events=core.events,
        feedbacks=feedbacks,
        on_shift=core.ingestion.on_shift,
        count=tallies.count,
        uncalled=uncalled,
    )
    return RequestExecutor(
        router=core.router,
        upstreams=upstreams,
        caller=caller,
        clock=core.clock,
        finished=completion.finish,
    )


def calls_of(
    service: Service, settings: Settings, caller: Caller, staleness: StalenessMonitor
) -> OpenAICalls:
    """The calls of the data plane, before admission."""
    intake = RequestIntake(
        router=service.router,
        clock=service.clock,
        access=service.access,
        key_limits=service.key_limits,
        uncalled=service.uncalled,
        continuing=Continuing(service.router, service.feedbacks),
        words_of=service.executor.calls.words_of,
        on_unpriced=lambda: _refresh(staleness, service.poller),
        pass_headers=settings.server.pass_headers,
        with_features=any(route.segments or route.classify for route in settings.routes.values()),
        meaning=_meaning(settings, caller),
    )
    return OpenAICalls(
        intake=intake,
        executor=service.executor,
        router=service.router,
        clock=service.clock,
        feedbacks=service.feedbacks,
        uncalled=service.uncalled,
        keep_decision=service.ledger.append,
        cache=service.cache,
    )


def endpoints_of(service: Service, calls: OpenAICalls, limits: Limits) -> dict[str, PathEndpoint]:
    """The data plane's calls; those that call providers pass the door."""
    chat = limits.guarded(calls.chat)
    embed, count = limits.guarded(calls.embed), settled(calls.count)

    def is_own() -> bool:
        return service.settings.server.judges == "own"

    return {
        "/v1/chat/completions": chat,
        "/chat/completions": chat,
        "/v1/messages": spoken(chat, lambda _: Messages()),
        "/v1/messages/count_tokens": spoken(count, lambda _: TokenCount()),
        "/v1/responses/input_tokens": spoken(count, lambda _: ResponseTokenCount()),
        "/v1/responses": spoken(chat, lambda _: Responses()),
        "/v1/completions": spoken(chat, lambda _: Completions()),
        "/v1/embeddings": embed,
        "/v1/route": settled(calls.route),
        "/v1/feedback": FeedbackEndpoint(
            access=service.access,
            feedbacks=service.feedbacks,
            clock=service.clock,
            only_own=is_own,
            kept=service.use.kept_share,
        ),
        **_scores_of(service, is_own),
        **{
            f"/v1{task.path}": limits.guarded(partial(calls.ask, operation=operation))
            for operation, task in TASKS.items()
        },
        "/v2/rerank": limits.guarded(partial(calls.ask, operation=Operation.RERANK)),
        **gemini_calls(chat, embed, count),
    }


def _scores_of(service: Service, only_own: Callable[[], bool]) -> dict[str, PathEndpoint]:
    """Where other tools send what they have scored."""

    def scales() -> dict[str, Scale]:
        return {name: each.as_scale() for name, each in service.settings.scores.items()}

    taking = ScoreTaking(service.feedbacks, scales, only_own, service.use.kept_share)
    known = partial(ScoresEndpoint, access=service.access, taking=taking, clock=service.clock)
    return {
        **{f"/v1/feedback/{name}": known(name) for name in FORMATS},
        **{f"/v1/{kind}": OtlpEndpoint(kind, known("otel")) for kind in REFUSED},
    }


def limits_of(settings: Settings, router: Router) -> Limits:
    """The door of the data plane, which providers' own limits narrow."""
    server = settings.server
    rules = LimitRules(
        max_concurrent=server.max_concurrent,
        max_waiting=server.max_waiting,
        wait_s=server.queue_timeout,
        max_bytes=int(server.max_inflight_mb * 1024 * 1024),
    )
    return Limits(rules, capacity=router.availability.capacity)


def cache_of(settings: Settings) -> ResponseCache | None:
    """Where answers are kept, in memory or in Redis; None if none are."""
    cache = settings.cache
    if not cache.enabled:
        return None
    backend: CacheBackend = MemoryCache(max_bytes=int(cache.max_mb * 1024 * 1024))
    if cache.url is not None:
        backend = RedisCache(cache.url, on_trouble=_cache_trouble)
    return ResponseCache(backend, ttl_s=cache.ttl)


def _meaning(settings: Settings, caller: Caller) -> Meaning | None:
    asked = settings.embeddings
    if asked is None:
        return None
    headers = {"authorization": f"Bearer {asked.api_key}"} if asked.api_key else {}
    endpoint = Endpoint(base_url=asked.base_url.rstrip("/"), headers=headers)
    embedder = Embedder(
        caller=caller,
        endpoint=endpoint,
        model=asked.model,
        timeout_s=asked.timeout,
        on_trouble=_embeddings_trouble,
    )
    return embedder.numbers


def _embeddings_trouble(error: str) -> None:
    log.event_log().warning("embeddings.failed", error=error)


def _cache_trouble(error: str) -> None:
    log.event_log().warning("cache.failed", error=error)


def _refresh(staleness: StalenessMonitor, poller: Poller) -> None:
    """Somebody asked for what has no price: look at the price feeds again, once a minute."""
    if staleness.wants_refresh():
        for definition in poller.definitions():
            if definition.kind == "price":
                poller.poll_soon(definition.id)
