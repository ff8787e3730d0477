"""What the machine must have: room, a port, the right time."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Collection
from statistics import median
from urllib.parse import urlsplit

import httpx

from windsock.app.http_server import refuse_taken
from windsock.cli.doctor.diagnosis import Diagnosis
from windsock.config.settings import Settings
from windsock.errors import ConfigError, WindsockError
from windsock.store.engine import sqlite_path

FULL_BYTES, LITTLE_BYTES = 100e6, 1e9
"""Free room in which a store cannot work for long, and that somebody may want to look at."""

SKEW_S = 60.0
"""By which the clock may be wrong: prices that change by the hour, expiry and sign-in go by it."""

HEALTH_S = 2.0

REDIS_PORT = 6379


def diagnose_room(settings: Settings) -> list[Diagnosis]:
    """Whether the store's file can be written, and has room to grow; nothing of PostgreSQL."""
    try:
        path = sqlite_path(settings.store.url)
    except ConfigError:
        return []
    if path is None:
        return []
    folder = path.absolute().parent
    if not os.access(path if path.exists() else folder, os.W_OK):
        text = f"{path} cannot be written by this user; change its owner, or name another store.url"
        return [Diagnosis(subject="disk", ok=False, text=text)]
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free at {folder}"
    if free >= LITTLE_BYTES:
        return [Diagnosis(subject="disk", ok=True, text=text)]
    mend = "the store grows with every request: make room, or name another store.url"
    is_full = free < FULL_BYTES
    return [Diagnosis(subject="disk", ok=not is_full, is_unsure=True, text=f"{text}; {mend}")]


def diagnose_port(settings: Settings) -> Diagnosis:
    """Whether the service could listen where it is told to, or does already."""
    host, port = settings.server.host, settings.server.port
    place = f"{host}:{port}"
    try:
        refuse_taken(host, port)
    except WindsockError as error:
        version = _windsock_at(host, port)
        if version is not None:
            return Diagnosis(subject="port", ok=True, text=f"windsock {version} runs at {place}")
        mend = f"{error}; or change [server] host and port"
        return Diagnosis(subject="port", ok=False, text=mend)
    return Diagnosis(subject="port", ok=True, text=f"{place} is free")


def diagnose_cache(settings: Settings) -> list[Diagnosis]:
    """Whether somebody listens where answers are to be kept; nothing where that is in memory."""
    if not settings.cache.enabled or settings.cache.url is None:
        return []
    parts = urlsplit(settings.cache.url)
    place = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or REDIS_PORT}"
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(HEALTH_S)
                link.connect(parts.path)
        else:
            at = (parts.hostname or "", parts.port or REDIS_PORT)
            socket.create_connection(at, HEALTH_S).close()
    except OSError as error:
        mend = (
            f"nobody answers at {place} ({error}); until then no answer is kept: check [cache] url"
        )
        return [Diagnosis(subject="cache", ok=False, text=mend)]
    return [Diagnosis(subject="cache", ok=True, text=f"answers at {place}")]


def _windsock_at(host: str, port: int) -> str | None:
    """The version of the windsock that listens there, None if there is none."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 (compared)
    try:
        answer = httpx.get(f"http://{name}:{port}/healthz", timeout=HEALTH_S, trust_env=False)
        return str(answer.json()["version"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError):
        return None


def diagnose_clock(ahead_s: Collection[float]) -> list[Diagnosis]:
    """By the moments that providers told; the middle of them, so that one odd server says nothing.

    ahead_s     seconds that this machine was ahead of each
    """
    if not ahead_s:
        return []
    skew = median(ahead_s)
    if abs(skew) <= SKEW_S:
        return [Diagnosis(subject="clock", ok=True, text="agrees with the providers'")]
    way = "ahead of" if skew > 0 else "behind"
    text = f"{abs(skew):,.0f} s {way} the providers'; set it, by NTP best"
    return [Diagnosis(subject="clock", ok=False, text=text)]
