"""Connections that come together: all taken in at once, none lost, and none after the end."""

import asyncio
import errno
import socket

import pytest

from windsock.service.connections import acceptor
from windsock.service.connections.acceptor import Acceptor


class Greeting(asyncio.Protocol):
    """Says hello to whoever comes."""

    def connection_made(self, transport) -> None:
        transport.write(b"hello")
        transport.close()


def listener() -> socket.socket:
    made = socket.create_server(("127.0.0.1", 0), backlog=256)
    made.setblocking(False)
    return made


def connected(to: socket.socket) -> socket.socket:
    return socket.create_connection(to.getsockname())


async def test_all_that_come_together_are_greeted() -> None:
    with listener() as door:
        clients = [connected(door) for _ in range(2 * acceptor.AT_A_TURN)]
        accepting = Acceptor(door.dup(), Greeting)
        for client in clients:
            reader, writer = await asyncio.open_connection(sock=client)
            assert await asyncio.wait_for(reader.read(10), 5) == b"hello"
            writer.close()
        await accepting.close()


async def test_after_the_end_nobody_is_accepted() -> None:
    with listener() as door:
        await Acceptor(door.dup(), Greeting).close()
        with connected(door) as client:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            client.settimeout(0)
            with pytest.raises(BlockingIOError):
                client.recv(10)


async def test_who_was_accepted_is_known_when_the_door_is_shut() -> None:
    """Or a server that goes through its connections, to end them, would miss the last."""
    with listener() as door:
        clients = [connected(door) for _ in range(3)]
        made: list[Greeting] = []
        accepting = Acceptor(door.dup(), lambda: made.append(Greeting()) or made[-1])
        while not (accepting.opening or made):
            await asyncio.sleep(0)
        accepted = accepting.opening + len(made)
        await accepting.close()
        assert len(made) == accepted
        assert not accepting.opening
        for client in clients:
            client.close()


async def test_where_no_file_can_be_opened_it_waits_and_tries_again(monkeypatch) -> None:
    monkeypatch.setattr(acceptor, "PAUSE_S", 0.01)
    with listener() as door:
        full = FullAtFirst(door.dup())
        accepting = Acceptor(full, Greeting)
        reader, writer = await asyncio.open_connection(*door.getsockname())
        assert await asyncio.wait_for(reader.read(10), 5) == b"hello"
        assert full.attempts >= 2
        writer.close()
        await accepting.close()


class FullAtFirst(socket.socket):
    """A listener of a process that had too many files open."""

    def __init__(self, of: socket.socket) -> None:
        super().__init__(fileno=of.detach())
        self.attempts = 0

    def accept(self):
        self.attempts += 1
        if self.attempts == 1:
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()
