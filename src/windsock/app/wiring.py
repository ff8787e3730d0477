"""The parts of a service, connected."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from windsock.app.background.beside import beside_of
from windsock.app.background.config_reload import ReloadTarget
from windsock.app.background.credential_renewal import CredentialRenewal
from windsock.app.background.health_probes import Probes, probe_rules
from windsock.app.background.housekeeping import Housekeeping
from windsock.app.background.ledger_sinks import feeders_of
from windsock.app.background.staleness_monitor import StalenessMonitor
from windsock.app.background.watches.once_a_second import is_there, watches_of
from windsock.app.core_parts import Core, restore_again
from windsock.app.group.joining import membership_of
from windsock.app.planes.control_plane import control_plane_of
from windsock.app.planes.data_plane import cache_of, calls_of, endpoints_of, executor_of, limits_of
from windsock.app.route_parts import holding_rules_of
from windsock.app.service import Service
from windsock.app.stored.history import stored_finder
from windsock.config.settings import Settings
from windsock.observability.loop_watch import LoopWatch
from windsock.observability.webhooks import Hook, Webhooks
from windsock.providers.http1_transport import DirectCaller
from windsock.providers.upstream import Upstream
from windsock.service.auth import Access
from windsock.service.checking.unit_tests import checks_of
from windsock.service.connections.cors import with_cors
from windsock.service.control.page.dashboard import Dashboard
from windsock.service.execution.executor import RequestExecutor
from windsock.service.execution.uncalled import UncalledRequests
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.gateway.admission import Limits
from windsock.service.gateway.asgi import DataPlane
from windsock.service.key_limits import KeyLimits
from windsock.service.tallies import Tallies
from windsock.service.texts.held import HeldTexts
from windsock.service.use.reader import UseReader
from windsock.store.retention import Keep


def with_edges(core: Core, settings: Settings, upstreams: Mapping[str, Upstream]) -> Service:
    """The service around the core."""
    tallies, caller = Tallies(), DirectCaller()
    feedbacks = FeedbackInbox(
        router=core.router,
        clock=core.clock,
        append=core.ledger.append,
        find=stored_finder(core.engine),
        is_one=not (core.role.is_shared or core.place.count > 1),
    )
    uncalled = UncalledRequests(core.clock, core.ledger.append)
    executor = executor_of(core, upstreams, feedbacks, tallies, uncalled, caller)
    service = _service(core, settings, executor, feedbacks, uncalled, tallies)
    limits = service.limits
    staleness = _staleness(core)
    probes = _probes(core, settings, executor)
    renewal = CredentialRenewal(upstreams=lambda: executor.calls.targets.upstreams)
    service.housekeeping.on_second |= {
        "dashboard": service.dashboard.sample,
        "uncalled": uncalled.flush,
        "credentials": renewal.check,
        "texts": service.texts.forget_old,
        "use": service.use.expire,
    }
    if core.place.is_leading:
        service.housekeeping.on_second |= {
            "staleness": staleness.check,
            "probes": probes.check,
            **watches_of(core.router, core.engine, core.clock, core.ingestion.publish),
            **feeders_of(settings.sinks, core.engine, core.role.leads),
        }
    service.on_stop += [service.background.stop, probes.stop, renewal.stop, service.webhooks.finish]
    core.events.listeners += [
        service.dashboard.on_event,
        service.webhooks.on_event,
        tallies.on_event,
    ]
    tallies.alarms.knows = partial(is_there, core.router, core.poller)
    calls = calls_of(service, settings, caller, staleness)
    plane = DataPlane(
        control_plane_of(service, tallies, limits, caller),
        endpoints_of(service, calls, limits),
        max_body_bytes=int(settings.server.max_body_mb * 1024 * 1024),
        max_upload_bytes=int(settings.server.max_upload_mb * 1024 * 1024),
        memory=limits,
        knows=service.access.knows,
        clock=core.clock,
    )
    service.paths = plane.paths
    service.app = with_cors(plane, settings.server.cors_origins)
    service.housekeeping.membership = membership_of(core, settings, service)
    return service


def _service(
    core: Core,
    settings: Settings,
    executor: RequestExecutor,
    feedbacks: FeedbackInbox,
    uncalled: UncalledRequests,
    tallies: Tallies,
) -> Service:
    """Without its application."""
    limits = limits_of(settings, core.router)
    access = Access(mode=settings.server.keys, admin_token=settings.server.admin_token)
    texts = HeldTexts(holding_rules_of(settings), core.clock)
    beside = beside_of(core.ingestion, executor, feedbacks, settings)
    use = UseReader(core.router, feedbacks, core.clock)
    executor.readers.all += [texts, beside.judges, beside.shadows, use]
    executor.readers.passing.append(checks_of(core.router, beside.background, feedbacks))
    told = settings.webhooks if core.place.is_leading else ()
    hooks = (Hook(url=h.url, secret=h.secret, style=h.format, events=h.events) for h in told)
    return Service(
        clock=core.clock,
        engine=core.engine,
        ledger=core.ledger,
        router=core.router,
        ingestion=core.ingestion,
        poller=core.poller,
        executor=executor,
        feedbacks=feedbacks,
        uncalled=uncalled,
        tallies=tallies,
        limits=limits,
        key_limits=KeyLimits(core.clock.elapsed, lambda: core.role.replicas),
        place=core.place,
        access=access,
        background=beside.background,
        judges=beside.judges,
        use=use,
        events=core.events,
        readiness=core.readiness,
        cache=cache_of(settings),
        texts=texts,
        shadows=beside.shadows,
        dashboard=Dashboard(core.router, core.clock),
        webhooks=Webhooks(hooks, core.clock),
        housekeeping=_housekeeping(core, settings, access, limits),
        tasks=core.readiness.tasks,
        reloaded=ReloadTarget(
            router=core.router,
            executor=executor,
            ingestion=core.ingestion,
            poller=core.poller,
            shadows=beside.shadows,
            caps=core.caps,
            texts=texts,
            judges=beside.judges,
            settings=settings,
            loaded_at=core.clock.now(),
        ),
    )


def _housekeeping(core: Core, settings: Settings, access: Access, limits: Limits) -> Housekeeping:
    return Housekeeping(
        clock=core.clock,
        engine=core.engine,
        ledger=core.ledger,
        router=core.router,
        events=core.events,
        access=access,
        limits=limits,
        snapshot_every_s=settings.store.snapshot_every,
        publish=core.ingestion.publish,
        restore=partial(restore_again, core),
        caps=core.caps,
        keep=Keep(**{f"{name}_s": kept for name, kept in settings.store.retention}),
        loop=LoopWatch(clock=core.clock, publish=core.ingestion.publish),
        role=core.role,
        is_restored=core.is_restored,
    )


def _staleness(core: Core) -> StalenessMonitor:
    return StalenessMonitor(
        router=core.router,
        poller=core.poller,
        clock=core.clock,
        publish=core.ingestion.publish,
        nearest=core.ingestion.nearest,
    )


def _probes(core: Core, settings: Settings, executor: RequestExecutor) -> Probes:
    return Probes(
        router=core.router,
        executor=executor,
        clock=core.clock,
        publish=core.ingestion.on_shift,
        rules=probe_rules(settings.health),
    )
