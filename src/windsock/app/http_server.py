"""The uvicorn server: sockets, protocol and drain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial
from math import ceil
from types import FrameType
from typing import Any

import uvicorn

from windsock.app.service import Service
from windsock.config.serving.server_settings import ServerSettings
from windsock.errors import WindsockError
from windsock.service.connections.acceptor import Acceptor
from windsock.service.connections.limits import Connections
from windsock.service.gateway.uvicorn_protocol import protocol_for

OTHER_FILES = 1024
"""Open beside the connections of clients: those to providers, the store, feeds."""

LEAST_CONNECTIONS = 64
"""However few files may be open."""


class Server(uvicorn.Server):
    """uvicorn, leaving with exit code 0 after a clean shutdown.

    on_signal       called first: readiness turns
    delay_s         then requests are still taken for so long
    on_shutdown     called when the listener closes: open event streams must end, or the drain
                    would wait for them
    on_second       called about once a second, with the event loop's clock
    local           a bound Unix socket at which the same is answered
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_signal: Callable[[], None] = lambda: None,
        delay_s: float = 0.0,
        on_shutdown: Callable[[], None] = lambda: None,
        on_second: Callable[[float], None] = lambda now: None,
        local: socket.socket | None = None,
    ) -> None:
        super().__init__(config)
        self._on_signal = on_signal
        self._delay_s = delay_s
        self._on_shutdown = on_shutdown
        self._on_second = on_second
        self._local = local
        self._acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; what comes together is accepted together."""
        await super().startup(sockets=sockets)
        self._acceptors = [
            Acceptor(listener.dup(), self._connected())
            for server in self.servers
            for listener in server.sockets
        ]
        if self._local is not None:
            loop = asyncio.get_running_loop()
            server = await loop.create_unix_server(self._connected(), sock=self._local)
            self.servers.append(server)

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second."""
        if counter % 10 == 0:
            self._on_second(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def _connected(self) -> Callable[[], asyncio.Protocol]:
        """Makes the protocol of a connection."""
        protocol: Any = self.config.http_protocol_class
        return partial(
            protocol,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Turn away, serve on for the delay, then drain."""
        self._on_signal()
        await self._wait()
        self._on_shutdown()
        for each in self._acceptors:
            await each.close()
        await super().shutdown(sockets=sockets)

    async def _wait(self) -> None:
        """Serve on for the delay; a second signal ends it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._delay_s
        while loop.time() < until and not self.force_exit:
            await self.on_tick(0)
            await asyncio.sleep(min(0.1, self._delay_s))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once."""
        self.force_exit = self.should_exit
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals that end the server are not raised again after it."""
        before = hear_end(self.handle_exit)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def hear_end(handler: Callable[[int, FrameType | None], object]) -> dict[int, Any]:
    """Have it called by SIGINT and SIGTERM; who heard them before.

    SIGHUP ends a process whose terminal was closed. Who sends it without one wants the
    configuration read anew, which every edit does by itself.
    """
    before: dict[int, Any] = {
        each: signal.signal(each, handler) for each in (signal.SIGINT, signal.SIGTERM)
    }
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        heard = handler if os.isatty(0) else signal.SIG_IGN
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, heard)
    return before


def bounds_of(server: ServerSettings) -> Connections:
    """Of the connections, as far as this process may open files at all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = server.max_connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        wanted = min(wanted, soft)
    most = max(LEAST_CONNECTIONS, wanted - OTHER_FILES)
    return Connections(most=most, most_of_a_peer=min(most, server.max_connections_per_peer))


def refuse_taken(host: str, port: int) -> None:
    """Raises WindsockError in one sentence if nothing can listen there; port 0 always can."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise WindsockError(
            f"port {port} on {host} cannot be listened at ({why}): it may be taken; name another "
            "with --port, or an address of this machine with --host"
        ) from error


def server_of(
    service: Service, *, host: str, port: int, local: socket.socket | None = None
) -> Server:
    """uvicorn around a service; port 0 is any that is free, local see `Server`."""
    bounds = bounds_of(service.settings.server)
    return Server(
        uvicorn.Config(
            service.app,
            http=protocol_for(service.paths, bounds),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=ceil(service.settings.server.drain),
        ),
        on_second=bounds.check,
        on_signal=service.turn_away,
        delay_s=service.settings.server.drain_delay,
        on_shutdown=service.end_streams,
        local=local,
    )
