"""`windsock serve --workers N`: the process that starts the others, and replaces those that die."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from types import FrameType

from windsock.app.bootstrap import configure_log
from windsock.app.http_server import hear_end, refuse_taken
from windsock.app.workers.seat import Seat
from windsock.app.workers.worker import Start
from windsock.config.settings import Settings
from windsock.errors import ConfigError
from windsock.observability import log

SHORT_S, SHORT_LIVES = 5.0, 5
"""After so many processes in a row that lived no longer, all end."""

LAST_WORDS_S = 15.0
"""That processes have to end beyond their drain."""

LEADER_FIRST_S = 60.0
"""For which the leader may bring the store up to date before others read it."""


def serve_together(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    config: Path | None,
    host: str | None,
    port: int | None,
    workers: int,
) -> None:
    """Serve with so many processes at one port until SIGTERM or SIGINT.

    One of them leads, or where there are replicas each is one.

    raises  ConfigError; WindsockError where processes die as soon as they start
    """
    if not hasattr(os, "fork"):
        raise ConfigError("--workers needs a system that can fork, such as Linux; leave it out")
    configure_log(settings)
    host = host or settings.server.host
    port = settings.server.port if port is None else port
    refuse_taken(host, port)
    is_one_store = not settings.replicas.enabled  # else they have the database's
    if is_one_store and settings.learning.seed is None:  # one for all, where the store has none yet
        learning = settings.learning.model_copy(update={"seed": secrets.randbits(63)})
        settings = settings.model_copy(update={"learning": learning})
    folder = Path(tempfile.mkdtemp(prefix="windsock-"))
    try:
        sockets = listeners(host, port, workers)
        start = Start(settings, environ, config, host, sockets, folder)
        code = Parent(start).watch(workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if code:
        sys.exit(code)


def listeners(host: str, port: int, count: int) -> list[socket.socket]:
    """Bound, one each; the same one for all where a port cannot be shared otherwise."""
    made = [_bound(host, port)]
    while len(made) < count:
        is_shared = hasattr(socket, "SO_REUSEPORT")
        made.append(_bound(host, made[0].getsockname()[1]) if is_shared else made[0])
    return made


def _bound(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((address[0], port, *address[2:]))
    made.set_inheritable(True)
    return made


@dataclass(slots=True)
class Parent:
    """Keeps one process in every place."""

    start: Start
    _places: dict[int, int] = field(default_factory=dict)
    _born: dict[int, float] = field(default_factory=dict)
    _short: int = 0
    _is_ending: bool = False
    _code: int = 0

    def watch(self, count: int) -> int:
        """Until all have ended; the exit code."""
        hear_end(self._pass_on)
        self._fork(0)
        self._await_leader()
        for number in range(1, count):
            self._fork(number)
        while self._places:
            pid, status = os.wait()
            self._ended(pid, os.waitstatus_to_exitcode(status))
        return self._code

    def _fork(self, number: int) -> None:
        if self._is_ending:
            return
        pid = self.start.fork(number)
        self._places[pid], self._born[pid] = number, time.monotonic()

    def _await_leader(self) -> None:
        """It brings the store up to date before others read it; one that cannot ends all."""
        path, until = Seat(number=0, folder=self.start.folder).http_path(), time.monotonic()
        while not path.exists() and time.monotonic() < until + LEADER_FIRST_S:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                self._is_ending = True
                self._ended(pid, os.waitstatus_to_exitcode(status))
                return
            time.sleep(0.02)

    def _ended(self, pid: int, code: int) -> None:
        number, lived_s = self._places.pop(pid), time.monotonic() - self._born.pop(pid)
        if self._is_ending:
            self._code = self._code or max(code, 0)
            return
        log.event_log().error("worker.replaced", worker=number, pid=pid, code=code)
        self._short = self._short + 1 if lived_s < SHORT_S else 0
        if self._short < SHORT_LIVES:
            self._fork(number)
            return
        self._code = 1
        self._pass_on(signal.SIGTERM, None)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """Every process hears what this one is told."""
        self._is_ending = True
        server = self.start.settings.server
        signal.signal(signal.SIGALRM, self._give_up)
        signal.alarm(ceil(server.drain_delay + server.drain + LAST_WORDS_S))
        for pid in self._places:
            os.kill(pid, number)

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        """Some would never end."""
        for pid in self._places:
            os.kill(pid, signal.SIGKILL)
