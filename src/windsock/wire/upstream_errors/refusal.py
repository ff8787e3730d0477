"""What came of reading an error."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.core.model.calls import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an error means, wherever it stood: a whole answer, one of status 200, or a stream.

    retry_after_s   seconds to leave the provider alone, if it says so
    body            the error as a client may be told it, in OpenAI's shape
    """

    verdict: Verdict
    body: bytes
    retry_after_s: float | None = None
