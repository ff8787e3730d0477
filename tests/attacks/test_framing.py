"""Bytes that are no request, or two: refused before anybody works on them."""

import pytest

from tests.attacks.form import SHARED, row
from tests.attacks.world import World, statuses

pytestmark = SHARED

BODY = b'{"model": "auto", "messages": [{"role": "user", "content": "hi"}]}'
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = b"content-length: %d" % len(BODY)
CHUNKS = b"transfer-encoding: chunked"
GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


def chat(*lines: bytes, body: bytes = BODY) -> bytes:
    """A chat completion with these headers; ADMIN stands for the key."""
    head = b"POST /v1/chat/completions HTTP/1.1"
    return b"\r\n".join([head, b"host: x", b"ADMIN", *lines, b"", body])


REFUSED = {
    "two lengths that differ": chat(LENGTH, b"content-length: 5"),
    "a length and chunks": chat(LENGTH, CHUNKS, body=CHUNKED),
    "chunks and a length": chat(CHUNKS, LENGTH, body=CHUNKED),
    "a length below 0": chat(b"content-length: -1"),
    "a length with a plus": chat(b"content-length: +66"),
    "a length in hex": chat(b"content-length: 0x42"),
    "a length of 30 digits": chat(b"content-length: " + b"9" * 30),
    "an unknown transfer coding": chat(b"transfer-encoding: cow", body=CHUNKED),
    "a length and an unknown coding": chat(LENGTH, b"transfer-encoding: cow"),
    "chunked is not the last coding": chat(b"transfer-encoding: chunked, gzip", body=CHUNKED),
    "a chunk size that is none": chat(CHUNKS, body=b"xyz\r\n" + BODY),
    "a chunk size below 0": chat(CHUNKS, body=b"-5\r\n" + BODY),
    "a chunk size of 20 digits": chat(CHUNKS, body=b"f" * 20 + b"\r\n" + BODY),
    "a chunk longer than it says": chat(CHUNKS, body=b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a blank before a header's colon": chat(b"content-length : 66"),
    "a header without a colon": chat(b"content-length", LENGTH),
    "a folded header": chat(b"x-a: 1\r\n content-length: 66"),
    "a NUL in a header": chat(b"x-a: \0", LENGTH),
    "a bare CR in a header": chat(b"x-a: 1\rx-b: 2", LENGTH),
    "no Host": b"POST /v1/chat/completions HTTP/1.1\r\nADMIN\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "two Hosts": chat(b"host: y", LENGTH),
    "an unknown version": b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS to a port without it": bytes.fromhex("16030100a5010000a10303") + b"\0" * 155,
    "an unknown method": b"HACK / HTTP/1.1\r\nhost: x\r\n\r\n",
    "noise": bytes(range(256)) * 8,
}


@pytest.mark.parametrize("sent", [row(name, "400", sent) for name, sent in REFUSED.items()])
async def test_no_request(world: World, sent: bytes) -> None:
    heard = await world.raw(sent, seconds=1)
    assert statuses(heard) == [400]
    assert await world.is_well()
