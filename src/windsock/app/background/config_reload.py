"""windsock.toml is watched: a good edit acts at once, a bad one changes nothing and says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from windsock.app.background.cap_keeping import CapKeeper
from windsock.app.background.intake.ingestion import FeedIngestion
from windsock.app.background.judging.judges import Judges
from windsock.app.background.judging.rules import judge_rules_of
from windsock.app.background.shadowing.rules import shadow_rules_of
from windsock.app.background.shadowing.shadows import Shadows
from windsock.app.catalog_parts import catalog_of, upstreams_of
from windsock.app.default_settings import with_defaults
from windsock.app.feed_parts import aliases_of, contracts_of, feeds_of, own_quotes, rates_of
from windsock.app.route_parts import holding_rules_of, load_rules_of, routes_of
from windsock.config.file import load
from windsock.config.settings import Settings
from windsock.core.model.catalog import Deployment
from windsock.core.model.events import Event, EventKind
from windsock.core.model.model_names import Identity
from windsock.core.routing.router import Router
from windsock.errors import ConfigError
from windsock.feeds.poller import Poller
from windsock.providers.presets import presets, provider_names
from windsock.service.execution.executor import RequestExecutor
from windsock.service.texts.held import HeldTexts

AT_START = (
    "server",
    "store",
    "replicas",
    "sinks",
    "cache",
    "guard",
    "learning",
    "health",
    "webhooks",
)
"""Tables that are read at the start only."""


@dataclass(slots=True, kw_only=True)
class ReloadTarget:
    """What an edit changes.

    settings    as they are now; loaded_at: since then, unix s
    loads       how many there were since the start, the first among them
    """

    router: Router
    executor: RequestExecutor
    ingestion: FeedIngestion
    poller: Poller
    shadows: Shadows
    caps: CapKeeper
    texts: HeldTexts
    judges: Judges
    settings: Settings
    loaded_at: float
    loads: int = 1


@dataclass(slots=True, kw_only=True)
class Reloader:
    """Looks at the file's time and size; call `check` now and then.

    path        of windsock.toml
    """

    target: ReloadTarget
    path: Path
    environ: Mapping[str, str]
    _seen: tuple[int, int] | None = field(init=False)
    _started: Settings = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self._stamp()
        self._started = self._stated() or self.target.settings

    def check(self) -> None:
        """Take over the file if it was written since the last check; publishes what came of it."""
        stamp = self._stamp()
        if stamp is None or stamp == self._seen:
            return
        self._seen = stamp
        try:
            facts = self._adopt(load(self.path, self.environ))
        except ConfigError as error:
            self._publish(EventKind.CONFIG_REJECTED, {"error": str(error)})
        else:
            self._publish(EventKind.CONFIG_RELOADED, facts)

    def _adopt(self, settings: Settings) -> dict[str, object]:
        """Everything that can fail comes before anything that changes."""
        target, known = self.target, presets()
        router, ingestion, old = target.router, target.ingestion, target.settings
        settings = with_defaults(settings, known, self.environ)
        catalog = catalog_of(settings, known)
        upstreams = upstreams_of(settings, known, self.environ, catalog, ingestion.clock)
        judges = judge_rules_of(settings)
        feeds, routes = feeds_of(settings), routes_of(settings, router.beliefs)
        own = own_quotes(settings, catalog, ingestion.clock.now())

        deployments = list(catalog.deployments.values())
        if ingestion.feeds <= {each.id for each in feeds}:  # else what is read tells them anew
            deployments = _with_learnt_facts(router, old, settings, deployments)
        router.adopt(deployments, routes)
        router.limits.adopt(load_rules_of(settings))
        target.executor.calls.targets.upstreams = upstreams
        names = Identity(router.catalog, provider_names(), dated=aliases_of(settings))
        router.book.adjust(contracts_of(settings, router.catalog))
        ingestion.rates = rates_of(settings)
        ingestion.adopt(names, own, (each.id for each in feeds))
        target.poller.adopt(feeds)
        target.shadows.adopt(shadow_rules_of(settings))
        target.caps.adopt(settings)
        target.judges.adopt(judges)
        target.texts.adopt(holding_rules_of(settings))
        target.settings, target.loaded_at = settings, ingestion.clock.now()
        target.loads += 1
        waiting = [n for n in AT_START if getattr(self._started, n) != getattr(settings, n)]
        return {
            "routes": list(routes),
            "deployments": len(catalog.deployments),
            "at_start": waiting,
        }

    def _stated(self) -> Settings | None:
        """What the file says, without what the command line and the parent process add to it."""
        try:
            return with_defaults(load(self.path, self.environ), presets(), self.environ)
        except ConfigError:
            return None

    def _stamp(self) -> tuple[int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size

    def _publish(self, kind: EventKind, facts: dict[str, object]) -> None:
        ingestion = self.target.ingestion
        at = ingestion.clock.now()
        ingestion.publish(Event(kind=kind, deployment="", at=at, facts=facts))


def _with_learnt_facts(
    router: Router, old: Settings, new: Settings, stated: Iterable[Deployment]
) -> list[Deployment]:
    """Deployments that the edit left alone keep what feeds told of them."""
    known = router.catalog.deployments
    return [
        known[each.id] if each.id in known and _same(old, new, each.id, each.provider) else each
        for each in stated
    ]


def _same(old: Settings, new: Settings, name: str, provider: str) -> bool:
    return old.deployments.get(name) == new.deployments.get(name) and old.providers.get(
        provider
    ) == new.providers.get(provider)
