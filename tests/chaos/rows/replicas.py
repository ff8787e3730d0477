"""Rows about several processes on one store, which this service refuses."""

from __future__ import annotations

from tests.chaos.recorder import Finding, not_offered, row

ONE = "one process per store: a second one on the same store refuses to start"


@row("leader frozen")
async def leader_frozen() -> Finding:
    return not_offered(ONE)


@row("replicas")
async def replicas() -> Finding:
    return not_offered(ONE)
