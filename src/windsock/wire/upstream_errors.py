"""What an upstream's refusal means."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from windsock.core.model.calls import VERDICTS, CallKind
from windsock.wire.format import Refusal


def refusal_of(status: int | None, raw: bytes, headers: Mapping[str, str], now: float) -> Refusal:
    """What an error means, wherever it stood; status None: within an answer or a stream."""
    verdict = VERDICTS[kind_of_error(status or 500, raw)]
    return Refusal(verdict=verdict, body=raw, retry_after_s=retry_after_s(headers, now))


def kind_of_error(status: int, body: bytes) -> CallKind:
    """What an upstream's error status means for the router."""
    text = body[:4096].lower()
    if b"context_length_exceeded" in text or b"maximum context length" in text or status == 413:
        return CallKind.CONTEXT_EXCEEDED
    if b"content_filter" in text or b"content_policy_violation" in text:
        return CallKind.CONTENT_REFUSED
    if status == 429:
        spent = b"insufficient_quota" in text
        return CallKind.OUT_OF_CREDIT if spent else CallKind.RATE_LIMITED
    if status >= 500:
        return CallKind.SERVER_ERROR
    return {
        401: CallKind.AUTH_FAILED,
        402: CallKind.OUT_OF_CREDIT,
        403: CallKind.AUTH_FAILED,
        404: CallKind.MODEL_GONE,
        408: CallKind.TIMED_OUT,
    }.get(status, CallKind.CALLER_ERROR)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from retry-after-ms or retry-after (seconds or an HTTP date)."""
    try:
        if (ms := headers.get("retry-after-ms")) is not None:
            return max(0.0, float(ms) / 1000)
        text = headers.get("retry-after")
        if text is None:
            return None
        if text.strip().replace(".", "", 1).isdigit():
            return float(text)
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError):
        return None
