"""Tables of sums. All columns but the first three are sums, so that rows can be added up.

span_s      60, 3600 or 86400
at          unix s at which it begins, a multiple of `span_s` (UTC)
series      whose, see `SeriesRow`

Dollars are in two parts: `high` of millionths of a dollar, `low` of millionths of those.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel


def _key() -> Any:
    return Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


def _sum() -> Any:
    return Field(sa_column=Column(BigInteger, nullable=False))


class RequestSumsRow(SQLModel, table=True):
    """Requests that were finished, by the moment of their decision.

    attempts            calls made for them
    unknown_cost        requests whose cost is not known, and in no sum
    judged, success_nano    those judged so far, and what they came to in billionths
    latency_us          of those answered
    prompt_tokens, cached_tokens, completion_tokens     of the answers that were given; cached ones
                        are among the prompt's
    refused, cache_hits requests that no provider was asked for, and are in no other sum
    saved_high, saved_low   what the cached answers had cost
    """

    __tablename__ = "request_sums"
    __table_args__ = ({"sqlite_with_rowid": False},)

    span_s: int = _key()
    at: int = _key()
    series: int = _key()
    requests: int = _sum()
    answered: int = _sum()
    attempts: int = _sum()
    unknown_cost: int = _sum()
    cost_high: int = _sum()
    cost_low: int = _sum()
    judged: int = _sum()
    success_nano: int = _sum()
    latency_us: int = _sum()
    prompt_tokens: int = _sum()
    cached_tokens: int = _sum()
    completion_tokens: int = _sum()
    refused: int = _sum()
    cache_hits: int = _sum()
    saved_high: int = _sum()
    saved_low: int = _sum()


class CallSumsRow(SQLModel, table=True):
    """Calls of those requests, by the deployment that was called and how they ended.

    bills           those believed whose use has a price here: what was billed and counted of them
    doubted_bills   those that are in no sum of dollars, and what they said
    """

    __tablename__ = "call_sums"
    __table_args__ = ({"sqlite_with_rowid": False},)

    span_s: int = _key()
    at: int = _key()
    series: int = _key()
    calls: int = _sum()
    latency_us: int = _sum()
    cost_high: int = _sum()
    cost_low: int = _sum()
    prompt_tokens: int = _sum()
    cached_tokens: int = _sum()
    completion_tokens: int = _sum()
    bills: int = _sum()
    billed_high: int = _sum()
    billed_low: int = _sum()
    counted_high: int = _sum()
    counted_low: int = _sum()
    doubted_bills: int = _sum()
    doubted_high: int = _sum()
    doubted_low: int = _sum()


class DelaySumsRow(SQLModel, table=True):
    """Answered requests of hours and days by how long they took: milliseconds of two digits, half
    up. By the minute nearly every request would have a row of its own, and by all that other sums
    are kept by there would be ten times the rows: the series names the deployment alone. Rows of
    earlier versions name more."""

    __tablename__ = "delay_sums"
    __table_args__ = ({"sqlite_with_rowid": False},)

    span_s: int = _key()
    at: int = _key()
    series: int = _key()
    ms: int = _key()
    requests: int = _sum()
