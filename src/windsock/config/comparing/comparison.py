"""How two answers are compared, in windsock.toml."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from windsock.config.value_types import Tables
from windsock.core.evidence.agreement.canonical import Canonical, Form
from windsock.resources.declared import Part

COMPARISON = frozenset({"canonical", "field", "tables"})
"""The settings below."""


class ComparisonSettings(Part):
    """
    canonical       a short text, a number, JSON, or SQL by its result
    field           of answers that are JSON objects, which alone is compared
    tables          SQL that makes and fills the tables on which queries are tried
    """

    canonical: Form = Form.TEXT
    field: str = ""
    tables: Tables | None = None

    @model_validator(mode="after")
    def _has_tables_for_sql(self) -> Self:
        if (self.canonical is Form.SQL) != (self.tables is not None):
            raise ValueError('canonical = "sql" needs `tables`, and nothing else has them')
        return self

    @property
    def comparison(self) -> Canonical:
        """How two answers are compared."""
        return Canonical(form=self.canonical, field=self.field, tables=self.tables or "")
