"""One thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was looked at, how it stands, and the mend.

    is_unsure   it works, and a person may want to look: lists disagree, or one alone says a price
    """

    subject: str
    ok: bool
    text: str
    is_unsure: bool = False
