"""One of several processes at a port, from its start to its end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from windsock.app import interpreter
from windsock.app.bootstrap import build_open
from windsock.app.http_server import server_of
from windsock.app.replicas.place import Place
from windsock.app.service import Service
from windsock.app.workers.delivery import Delivery
from windsock.app.workers.follower import Follower
from windsock.app.workers.leader import Leader
from windsock.app.workers.passing_on import PassingOn, TellingAll, led_paths
from windsock.app.workers.seat import Seat
from windsock.app.workers.whole import WholeMetrics
from windsock.config.settings import Settings
from windsock.errors import ConfigError, WindsockError


@dataclass(frozen=True, slots=True)
class Start:
    """What a process is started with."""

    settings: Settings
    environ: Mapping[str, str]
    config: Path | None
    host: str
    sockets: list[socket.socket]
    folder: Path

    def fork(self, number: int) -> int:
        """The id of a new process in this place."""
        gc.freeze()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            code = run_worker(self, Seat(number=number, folder=self.folder))
        except WindsockError as error:
            print(f"windsock: {error}", file=sys.stderr)
            code = 2 if isinstance(error, ConfigError) else 1
        except BaseException:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


def run_worker(start: Start, seat: Seat) -> int:
    """Serve until told to end; the exit code.

    In a process group of its own: Ctrl-C in a terminal would reach it twice, from there and from
    its parent, and a second signal ends requests under way.
    """
    os.setpgid(0, 0)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)
    begin = sharing if start.settings.replicas.enabled else led if seat.number else leading
    service, local = begin(start, seat)
    service.housekeeping.on_second["parent"] = Orphan(os.getppid()).check
    server = server_of(service, host=start.host, port=0, local=local)
    interpreter.shorten()
    server.run(sockets=[start.sockets[seat.number]])
    return 0


def leading(start: Start, seat: Seat) -> tuple[Service, socket.socket]:
    """The service that has everything, and the socket at which others reach it."""
    place = Place(count=len(start.sockets))
    service = build_open(start.settings, start.environ, start.host, start.config, place)
    leader = Leader(service, seat)
    service.app = TellingAll(service.app, service.paths, leader.tell_state)
    return service, _bound(seat.http_path())


def led(start: Start, seat: Seat) -> tuple[Service, None]:
    """A service that answers requests."""
    delivery = Delivery()
    place = Place(number=seat.number, count=len(start.sockets), writer=delivery)
    service = build_open(start.settings, start.environ, start.host, start.config, place)
    Follower(service, seat, delivery)
    service.app = PassingOn(service.app, led_paths(service.paths), seat.http_path(0))
    service.on_stop.append(service.app.close)
    return service, None


def sharing(start: Start, seat: Seat) -> tuple[Service, socket.socket]:
    """A replica of its own. What needs no provider number 0 answers: so a person at the page sees
    one and the same, and what is said twice of an answer comes to one inbox."""
    place = Place(beside=seat.number)
    service = build_open(start.settings, start.environ, start.host, start.config, place)
    if seat.number:
        service.app = PassingOn(service.app, led_paths(service.paths), seat.http_path(0))
        service.on_stop.append(service.app.close)
    else:
        others = [seat.http_path(number) for number in range(1, len(start.sockets))]
        service.app = WholeMetrics(service.app, others)
    return service, _bound(seat.http_path())


def _bound(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    return made


class Orphan:
    """Ends the process when the one that started it has ended."""

    def __init__(self, parent: int) -> None:
        self._parent = parent

    async def check(self) -> None:
        """Called once a second."""
        if os.getppid() != self._parent:
            await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGTERM)
