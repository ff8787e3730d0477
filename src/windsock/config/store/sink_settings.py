"""The [sinks] tables: where the ledger goes beside the database."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from windsock.resources.declared import Part


class SinkSettings(Part):
    """A place that gets decisions and feedback, in order, at least once.

    kind    parquet: files in the folder `url` (file:, s3:, gs:); clickhouse: two tables, over HTTP
    url     of the folder, or http(s)://USER:PASSWORD@HOST:8123/DATABASE
    """

    kind: Literal["parquet", "clickhouse"]
    url: str = Field(repr=False)
