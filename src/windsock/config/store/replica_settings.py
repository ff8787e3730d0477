"""The [replicas] table: several processes, on one or many machines, that share one PostgreSQL."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from windsock.resources.declared import Part, seconds


class ReplicaSettings(Part):
    """One of several processes that think alike.

    enabled     share store.url, which must name a PostgreSQL, with others
    name        as people see this one; its host and process if not given
    exchange    between two times that it tells what it has learnt
    lease       for which it leads without saying so again; another leads after two at most
    """

    enabled: bool = False
    name: str | None = None
    exchange: Annotated[float, BeforeValidator(seconds), Field(ge=0.05, le=60)] = 0.25
    lease: Annotated[float, BeforeValidator(seconds), Field(ge=0.5, le=600)] = 5.0
