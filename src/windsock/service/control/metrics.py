"""Prometheus text, folded from the router's own state when it is scraped."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from windsock.clock import Clock
from windsock.core.model.units import Meter, to_float
from windsock.core.routing.router import Router
from windsock.observability.background import Supervisor
from windsock.observability.loop_watch import LoopWatch
from windsock.observability.webhooks import Webhooks
from windsock.service.execution.uncalled import UncalledRequests
from windsock.service.gateway.admission import Limits
from windsock.service.gateway.caching.response_cache import CacheTally
from windsock.service.tallies import Tallies
from windsock.store.ledger import LedgerStats

SUMS = {
    "requests": ("windsock_requests", "Finished requests."),
    "failed": ("windsock_requests_failed", "Requests without a whole answer."),
    "attempts": ("windsock_attempts", "Calls made, retries and fallbacks included."),
    "cost_usd": ("windsock_cost_usd", "Dollars spent, all attempts."),
    "unknown_cost": (
        "windsock_requests_unknown_cost",
        "Finished requests whose cost is not known; it is not in windsock_cost_usd.",
    ),
    "seconds": (
        "windsock_request_seconds",
        "Seconds from decision to end, waits for slow clients left out.",
    ),
}
"""Name and help of each sum of a `Tally`."""

BELIEVED = (
    ("windsock_weight", "Probability that the next request goes here."),
    ("windsock_success_mean", "Believed probability of success."),
    ("windsock_expected_usd", "Expected dollars of one request."),
)

OF_DEPLOYMENTS = (
    ("windsock_price_usd_per_mtok", "Price in force.", ["deployment", "meter"]),
    ("windsock_price_age_seconds", "Since a feed last confirmed the price.", ["deployment"]),
    ("windsock_price_stale", "1 if nothing has confirmed the price for a day.", ["deployment"]),
    ("windsock_price_disputed_by", "Feeds that speak for another price.", ["deployment"]),
    ("windsock_deployment_up", "1 if it may be drawn.", ["deployment"]),
)

CAPS = (
    ("limit", "What may be spent in the period, with what it is raised by for now."),
    ("spent", "Spent in the period."),
    ("reserved", "Reserved by calls under way."),
)
"""Name and help of the figures of a cap."""

DOUBTED = (
    ("windsock_bills_doubted", "Bills that cannot be, and are in no sum."),
    ("windsock_usage_doubted", "Calls whose counts cannot be, and were replaced."),
)


class Metrics(Collector):
    """`text()` is the answer of GET /metrics."""

    def __init__(
        self,
        router: Router,
        clock: Clock,
        tallies: Tallies,
        limits: Limits,
        tasks: Supervisor,
        ledger: Callable[[], LedgerStats],
        uncalled: UncalledRequests,
        loop: LoopWatch,
        webhooks: Webhooks,
        cache: CacheTally | None = None,
    ) -> None:
        self._background = tasks
        self._ledger = ledger
        self._uncalled = uncalled
        self._loop = loop
        self._webhooks = webhooks
        self._router = router
        self._cache = cache
        self._limits = limits
        self._clock = clock
        self._tallies = tallies
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """In Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are not checked against other collectors."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Every family, as it stands now; changes nothing."""
        yield from self._requests()
        yield from self._weights()
        yield from self._prices()
        yield from self._doubts()
        yield from self._load()
        yield from self._events()
        yield from self._tasks()
        yield from self._store()
        yield from self._caps()

    def _requests(self) -> Iterable[Metric]:
        for field_name, (name, text) in SUMS.items():
            family = CounterMetricFamily(name, text, labels=["route", "task", "deployment"])
            for names, tally in self._tallies.by_name.items():
                family.add_metric(names, getattr(tally, field_name))
            yield family

    def _weights(self) -> Iterable[Metric]:
        """Of tasks that were asked for since the start: a look solves nothing."""
        labels = ["namespace", "route", "task", "deployment"]
        weight, success, expected = families = [
            GaugeMetricFamily(name, text, labels=labels) for name, text in BELIEVED
        ]
        for cell in self._router.tables.cells():
            table = self._router.tables.shown(cell)
            for arm in table.arms if table else ():
                names = [*cell.stored, arm.deployment]
                weight.add_metric(names, arm.weight)
                success.add_metric(names, arm.success_mean)
                expected.add_metric(names, arm.expected_usd)
        yield from families

    def _prices(self) -> Iterable[Metric]:
        price, age, stale, disputed, up = families = [
            GaugeMetricFamily(name, text, labels=labels) for name, text, labels in OF_DEPLOYMENTS
        ]
        now, router = self._clock.now(), self._router
        for name in router.catalog.deployments:
            prices = router.book.prices(name, now) or {}
            for meter in (Meter.INPUT, Meter.OUTPUT):
                if meter in prices:
                    price.add_metric([name, meter.value], to_float(prices[meter]))
            status = router.book.status(name, now)
            if status.age_s is not None:
                age.add_metric([name], status.age_s)
            stale.add_metric([name], float(status.is_stale))
            disputed.add_metric([name], len(status.disputed_by))
            up.add_metric([name], float(router.availability.is_open(name, now)))
        yield from families

    def _doubts(self) -> Iterable[Metric]:
        bills, usages = families = [
            CounterMetricFamily(name, text, labels=["deployment"]) for name, text in DOUBTED
        ]
        for name in self._router.catalog.deployments:
            doubts = self._router.doubts_of(name)
            bills.add_metric([name], doubts.bills)
            usages.add_metric([name], doubts.usages)
        yield from families

    def _events(self) -> Iterable[Metric]:
        """Every kind has its count from the start: of a counter that comes to be with its first
        event, Prometheus' `increase` does not see that event."""
        counted, standing = (
            CounterMetricFamily(
                "windsock_events",
                "What changed, as in the log: held prices, failed polls, cooldowns.",
                labels=["event"],
            ),
            GaugeMetricFamily(
                "windsock_alarms",
                "At how many deployments, routes, caps or feeds this began and has not ended.",
                labels=["event"],
            ),
        )
        for kind, count in sorted(self._tallies.events.items()):
            counted.add_metric([kind], count)
        for kind, count in sorted(self._tallies.alarms.counts().items()):
            standing.add_metric([kind], count)
        yield from (counted, standing)
        yield from self._told_elsewhere()

    def _told_elsewhere(self) -> Iterable[Metric]:
        waiting, lost = (
            GaugeMetricFamily(
                "windsock_webhook_waiting", "Events that wait for a receiver.", labels=["webhook"]
            ),
            CounterMetricFamily(
                "windsock_webhook_lost",
                "Events that a receiver did not get: refused, or too many waited.",
                labels=["webhook"],
            ),
        )
        for number, line in enumerate(self._webhooks.lines, 1):
            waiting.add_metric([str(number)], line.waiting)
            lost.add_metric([str(number)], line.lost)
        yield from (waiting, lost)

    def _tasks(self) -> Iterable[Metric]:
        age, down, restarts = (
            GaugeMetricFamily(
                "windsock_task_age_seconds",
                "Since the last turn of a background task, or its last good one.",
                labels=["task"],
            ),
            GaugeMetricFamily(
                "windsock_task_down",
                "1 if a background task failed and was not well since, or is stuck.",
                labels=["task"],
            ),
            CounterMetricFamily(
                "windsock_task_restarts",
                "Times a background task failed and was started anew.",
                labels=["task"],
            ),
        )
        now = self._clock.elapsed()
        for name, state in self._background.states.items():
            age.add_metric([name], now - state.turned_at)
            down.add_metric([name], float(state.is_down(now)))
            restarts.add_metric([name], state.restarts)
        yield from (age, down, restarts)

    def _caps(self) -> Iterable[Metric]:
        """Sums of caps, and requests that asked no provider."""
        families = [
            GaugeMetricFamily(f"windsock_cap_{name}_usd", text, labels=["cap", "of"])
            for name, text in CAPS
        ]
        now = self._clock.now()
        for account in self._router.caps.all_accounts(now):
            sums = self._router.caps.whole(account, now)
            for family, usd in zip(families, sums, strict=True):
                family.add_metric([account.cap.name, account.of], to_float(usd))
        refused = CounterMetricFamily(
            "windsock_cap_refused", "Requests refused for money.", labels=["cause"]
        )
        for cause, count in sorted(self._uncalled.refused_by.items()):
            refused.add_metric([cause], count)
        yield from (*families, refused)
        yield CounterMetricFamily(
            "windsock_cache_saved_usd",
            "What the answers had cost that were given from the cache.",
            value=self._uncalled.saved_usd,
        )

    def _store(self) -> Iterable[Metric]:
        stats = self._ledger()
        yield GaugeMetricFamily(
            "windsock_ledger_pending", "Records that wait for the store.", value=stats.pending
        )
        yield CounterMetricFamily(
            "windsock_ledger_written", "Records that the store has.", value=stats.written
        )
        yield CounterMetricFamily(
            "windsock_ledger_dropped", "Records given up, the store away.", value=stats.dropped
        )

    def _load(self) -> Iterable[Metric]:
        load, workers = self._limits.load_of_all(), 1 + len(self._limits.elsewhere)
        yield GaugeMetricFamily("windsock_workers", "Processes at this port.", value=workers)
        yield GaugeMetricFamily(
            "windsock_loop_late_seconds",
            "How late the event loop woke, at worst in the last ten seconds.",
            value=self._loop.late_s,
        )
        for name, text, value in (
            ("running", "Requests worked on.", load.running),
            ("limit", "Requests worked on at a time, at most, just now.", load.limit),
            ("waiting", "Requests that wait for their turn.", load.waiting),
        ):
            yield GaugeMetricFamily(f"windsock_requests_{name}", text, value=value)
        yield CounterMetricFamily(
            "windsock_requests_refused", "Requests refused as too many.", value=load.refused
        )
        if self._cache is not None:
            yield self._cache_looks(self._cache)

    def _cache_looks(self, cache: CacheTally) -> Metric:
        looked = CounterMetricFamily(
            "windsock_cache", "Requests whose answer was looked for.", labels=["found"]
        )
        looked.add_metric(["hit"], cache.hits)
        looked.add_metric(["miss"], cache.misses)
        return looked
