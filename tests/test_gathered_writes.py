"""What is written in one turn of the event loop is sent at its end: whole, in order, and once."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop

from windsock.gathered_writes import GatheredTransport, Turn
from windsock.providers.http1_connections import Connection, ConnectionBroken

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@dataclass
class Line:
    """A connection of a turn, and the socket at its other end."""

    transport: GatheredTransport
    other: socket.socket

    def arrived(self) -> bytes | None:
        """What can be read there at once; None if nothing came."""
        try:
            return self.other.recv(1 << 16)
        except BlockingIOError:
            return None


@asynccontextmanager
async def lines(count: int) -> AsyncIterator[list[Line]]:
    loop, turn, made = asyncio.get_running_loop(), Turn(), []
    turn.under_way = count
    with ExitStack() as stack:
        for _ in range(count):
            ours, theirs = socket.socketpair()
            stack.enter_context(theirs)
            theirs.setblocking(False)
            ours.setblocking(False)
            transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
            made.append(Line(GatheredTransport(transport, turn), theirs))
        yield made
        for line in made:
            line.transport.abort()


def run(new_loop: Any, work: Any) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work())


@pytest.mark.parametrize("new_loop", LOOPS)
def test_all_that_is_written_in_a_turn_goes_out_at_its_end(new_loop) -> None:
    async def work() -> None:
        async with lines(2) as (one, two):
            one.transport.write(b"a")
            two.transport.write(b"b")
            one.transport.write(b"c")
            assert (one.arrived(), two.arrived()) == (None, None)
            await asyncio.sleep(0)
            assert (one.arrived(), two.arrived()) == (b"ac", b"b")
            one.transport.write(b"d")
            await asyncio.sleep(0)
            assert (one.arrived(), two.arrived()) == (b"d", None)

    run(new_loop, work)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_what_one_exchange_alone_writes_is_sent_at_once(new_loop) -> None:
    async def work() -> None:
        async with lines(1) as (line,):
            line.transport.write(b"a")
            assert line.arrived() == b"a"
            line.transport.write(b"b")
            assert line.arrived() == b"b"

    run(new_loop, work)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_what_was_written_before_a_close_is_sent(new_loop) -> None:
    async def work() -> None:
        async with lines(2) as (line, _):
            line.transport.write(b"the answer")
            line.transport.close()
            assert line.arrived() == b"the answer"
            await asyncio.sleep(0.01)
            assert line.arrived() == b"", "and nothing after it but the end"

    run(new_loop, work)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_lost_connection_takes_nothing_from_the_others_of_its_turn(new_loop) -> None:
    async def work() -> None:
        async with lines(3) as (one, lost, two):
            for line in (one, lost, two):
                line.transport.write(b"x")
            lost.transport.abort()
            await asyncio.sleep(0)
            assert (one.arrived(), two.arrived()) == (b"x", b"x")
            lost.transport.write(b"late")
            two.transport.write(b"y")
            await asyncio.sleep(0.01)
            lost.transport.write(b"later")
            one.transport.write(b"z")
            await asyncio.sleep(0)
            assert (one.arrived(), two.arrived(), lost.arrived()) == (b"z", b"y", b"")

    run(new_loop, work)


@pytest.mark.parametrize("end", ["answered", "broken", "left"])
async def test_an_exchange_is_under_way_until_its_answer_ended_however_it_did(end) -> None:
    loop, turn = asyncio.get_running_loop(), Turn()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        _, connection = await loop.create_connection(
            lambda: Connection(loop, deque(), turn), sock=ours
        )
        answer = connection.send(b"GET / HTTP/1.1\r\n\r\n")
        assert turn.under_way == 1
        if end == "answered":
            theirs.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            await answer.head()
            assert await answer.take() == b"hi"
        elif end == "broken":
            theirs.close()
            with pytest.raises(ConnectionBroken):
                await answer.head()
        else:
            answer.close()
        assert turn.under_way == 0
        connection.abort()
        assert turn.under_way == 0
