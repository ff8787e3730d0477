"""Replicas over HTTP: who is there, who leads, and which configuration each has."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.base import Answer


class ConfigurationView(Answer):
    """What a replica goes by."""

    digest: str = Field(
        description="of its settings, without secrets and what is a replica's own (its name, its "
        "address, its way to the store): alike where they are"
    )
    loaded_at: float | None = Field(description="unix s by its own clock; null: not told")
    loads: int | None = Field(description="how many it has loaded since its start; null: not told")
    is_newest: bool = Field(description="as the one that any replica there has loaded last of all")


class ReplicaView(Answer):
    """A replica, as it last said that it is there; moments are unix s of the database's clock."""

    id: str
    name: str
    version: str | None = Field(description="of windsock; null: not told")
    started_at: float
    seen_at: float = Field(description="when it last said that it is there")
    is_there: bool = Field(description="it has said so within two leases, and not left")
    leads: bool = Field(description="it polls feeds, judges changes and tells what all see alike")
    behind: int | None = Field(
        description="deltas of others that it had not learnt when it was last seen; null: not told"
    )
    requests: int | None = Field(description="that it has finished; null: not told")
    configuration: ConfigurationView


class ReplicasAnswer(Answer):
    """In the order in which they started; none where one process has the store for itself."""

    says: str = Field(description="what there is, in a sentence")
    this: str | None = Field(description="the id of the replica that answers; null: it is none")
    is_away: bool = Field(description="the database is away: the rest is of when it was there")
    data: list[ReplicaView]


def replica_routes(insight: Insight, replicas: Callable[[], ReplicasAnswer]) -> APIRouter:
    """GET /v1/replicas."""
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/replicas", summary="Who serves together over one database")
    async def all_replicas(caller: Caller) -> ReplicasAnswer:
        return replicas()

    return routes
