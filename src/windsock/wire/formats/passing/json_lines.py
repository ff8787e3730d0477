"""A stream whose chunks are lines of JSON, where events were asked for."""

from __future__ import annotations

from windsock.wire.json_codec import parsed

OPEN = b"{"


class JsonLines:
    """Tells lines as events; all else passes as it is.

    is_known    whether the stream is one of lines, None until enough of it came
    """

    __slots__ = ("_held", "is_known")

    def __init__(self) -> None:
        self._held = b""
        self.is_known: bool | None = None

    def events(self, data: bytes) -> bytes:
        """The whole lines of what came so far, each as an event; b"" until it is known."""
        held = self._held + data
        begun = held.lstrip()
        if not begun:
            self._held = held
            return b""
        until = begun.rfind(b"\n") + 1
        if self.is_known is None:
            if begun.startswith(OPEN) and not until:
                self._held = begun
                return b""
            self.is_known = _is_chunk(begun[: begun.find(b"\n")]) if until else False
        if not self.is_known:
            self._held = b""
            return held
        self._held = begun[until:]
        return b"".join(
            b"data: %b\n\n" % line for each in begun[:until].split(b"\n") if (line := each.strip())
        )

    def rest(self) -> bytes:
        """What is left at the end: a last line, as an event, or what never was one."""
        held, self._held = self._held, b""
        return b"data: %b\n\n" % held.strip() if self.is_known and held.strip() else held


def _is_chunk(line: bytes) -> bool:
    """Whether a line is a chunk by itself: a part of an answer, and no whole one."""
    body = parsed(line) if line.startswith(OPEN) else None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list):
        return False
    return all(isinstance(each, dict) and "message" not in each for each in choices)
