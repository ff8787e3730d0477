"""Answers of a canonical form: two of them agree or do not, whoever wrote them."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from windsock.core.evidence.agreement.numbers import Number, number_in
from windsock.core.evidence.agreement.sql import Rows, result_of
from windsock.core.evidence.agreement.texts import text_in
from windsock.core.evidence.agreement.values import json_of, value_of
from windsock.core.evidence.checks.texts import MOST_CHARS


class Form(StrEnum):
    """What an answer is: a short text, one number, JSON, or SQL by its result."""

    TEXT = "text"
    NUMBER = "number"
    JSON = "json"
    SQL = "sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """How answers are compared.

    field       of an answer that is a JSON object, which alone is compared; dotted where it stands
                deeper, empty: the whole answer
    tables      SQL that makes and fills the tables that queries are tried on
    """

    form: Form
    field: str = ""
    tables: str = ""

    def agree(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> bool | None:
        """Whether two assistant's messages say the same; None if one of them cannot be read so."""
        one = self.of(first)
        other = None if one is None else self.of(second)
        if one is None or other is None:
            return None
        if isinstance(one, Number | Rows):
            return one.same(other)  # type: ignore[arg-type]
        return one == other

    def of(self, message: Mapping[str, Any]) -> Number | Rows | Hashable | None:
        """What a message says in this form; None if it does not, or calls a tool."""
        text = message.get("content")
        if not isinstance(text, str) or len(text) > MOST_CHARS or message.get("tool_calls"):
            return None
        within = _field_of(text, self.field) if self.field else text
        return None if within is None else self._read(within)

    def _read(self, text: str) -> Number | Rows | Hashable | None:
        match self.form:
            case Form.NUMBER:
                return number_in(text)
            case Form.JSON:
                return value_of(text)
            case Form.SQL:
                return result_of(text, self.tables)
        return text_in(text)


def _field_of(text: str, field: str) -> str | None:
    """The text of a field, or its JSON where it is no text."""
    value = json_of(text)
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str)
