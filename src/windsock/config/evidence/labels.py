"""What people see who label answers."""

from __future__ import annotations

from pydantic import Field

from windsock.config.value_types import Seconds
from windsock.resources.declared import Part


class LabelSettings(Part):
    """What people see who label answers.

    texts   hold the newest prompts and answers in memory, for keys with the scope label: never in
            the store or a log, and never those of private keys and requests
    max_mb  of memory they may take; the oldest go first
    ttl     for which they are held
    """

    texts: bool = False
    max_mb: float = Field(default=16.0, gt=0, allow_inf_nan=False)
    ttl: Seconds = 86_400.0
