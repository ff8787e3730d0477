"""The composition root: the only file that knows every adapter."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from windsock.app import interpreter
from windsock.app.background.config_reload import Reloader
from windsock.app.catalog_parts import catalog_of, upstreams_of
from windsock.app.core_parts import core_of
from windsock.app.default_settings import with_defaults
from windsock.app.http_server import refuse_taken, server_of
from windsock.app.replicas.place import ALONE, MARKS, Place
from windsock.app.service import Service
from windsock.app.state_recovery import may_have_had_keys
from windsock.app.wiring import with_edges
from windsock.clock import Clock, SystemClock
from windsock.config.settings import Settings
from windsock.errors import ConfigError
from windsock.observability import log
from windsock.observability.otel.wanted import wanted
from windsock.observability.telemetry import Telemetry
from windsock.providers.presets import known_providers, presets
from windsock.service.auth import is_loopback, open_door
from windsock.store.writing.writer_lock import WriterLock


def build(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    is_alone: bool = False,
    place: Place = ALONE,
) -> Service:
    """The whole service from settings; raises ConfigError with one sentence.

    is_alone    keep other processes from writing to the same store
    place       of this process among several at one port

    The ledger's writer runs from here on: end it with `Service.stop`, or `ledger.close`.
    """
    settings = with_defaults(settings, presets(), environ)
    catalog = catalog_of(settings, presets())
    clock = clock or SystemClock()
    upstreams = upstreams_of(settings, presets(), environ, catalog, clock)
    is_shared = settings.replicas.enabled
    if is_shared:
        place = replace(place, mark=secrets.randbelow(MARKS))
    lock = WriterLock(settings.store.url, is_shared=is_shared) if is_alone else None
    core = core_of(settings, environ, catalog, clock, lock, place)
    service = with_edges(core, settings, upstreams)
    telemetry = _telemetry(environ, settings)
    if telemetry is not None:
        service.app = telemetry.traced(service.app, service.paths)
        service.on_stop.append(telemetry.close)
    return service


def serve_forever(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    config: Path | None = None,
    host: str | None = None,
    port: int | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_log(settings)
    host = host or settings.server.host
    port = settings.server.port if port is None else port
    refuse_taken(host, port)
    service = build_open(settings, environ, host, config)
    server = server_of(service, host=host, port=port)
    interpreter.shorten()
    server.run()


def build_open(
    settings: Settings,
    environ: Mapping[str, str],
    host: str,
    config: Path | None,
    place: Place = ALONE,
) -> Service:
    """A service that others may reach at `host`, and that reads `config` anew when it changes.

    raises  ConfigError, also where everybody could come in though nobody said so
    """
    service = build(settings, environ, is_alone=place.is_leading, place=place)
    had_keys = may_have_had_keys(service.engine)
    fault = open_door(settings.server.keys, host, had_keys=had_keys)
    if fault is not None:
        service.ledger.close()
        raise ConfigError(fault)
    service.access.is_exposed = not is_loopback(host)
    if config is not None:
        reloader = Reloader(target=service.reloaded, path=config, environ=environ)
        service.housekeeping.on_second["configuration"] = reloader.check
    return service


def _telemetry(environ: Mapping[str, str], settings: Settings) -> Telemetry | None:
    """Traces and metrics where OTEL_* variables ask for them; OpenTelemetry is imported only then.

    What they ask for and is not to be had is told in the log: they may be those of a whole host.
    """
    try:
        asked = wanted(environ)
        if not asked.is_any:
            return None
        from windsock.observability.otel.setup import otel_telemetry

        names = {name: each.otel for name, each in known_providers().items() if each.otel}
        return otel_telemetry(asked, names, settings.server.pass_headers)
    except (ConfigError, ValueError) as error:
        log.event_log().error("telemetry.unavailable", error=str(error))
        return None
    except ImportError:
        mend = "pip install 'windsock[otel]', or OTEL_SDK_DISABLED=true"
        log.event_log().error("telemetry.unavailable", error="it is not installed", mend=mend)
        return None


def configure_log(settings: Settings) -> None:
    """The log's level and form, as the server's settings have them."""
    kind = settings.server.log_format
    log.configure(level=settings.server.log_level, is_json=kind != "console")
