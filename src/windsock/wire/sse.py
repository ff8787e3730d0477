"""Server-sent events: where they end and what they carry."""

from __future__ import annotations

import re

DATA = re.compile(rb"(?:^|[\r\n])data:")


BOUNDARY = re.compile(rb"\r?\n\r?\n")


def data_of(event: bytes) -> bytes:
    """The payload of an event: its data lines, joined."""
    lines = event.replace(b"\r\n", b"\n").split(b"\n")
    return b"\n".join(line[5:].lstrip() for line in lines if line.startswith(b"data:"))
