"""What people see who label answers."""

from __future__ import annotations

from windsock.config.value_types import Megabytes, Seconds
from windsock.resources.declared import Part


class LabelSettings(Part):
    """What people see who label answers.

    texts   hold the newest prompts and answers in memory, for keys with the scope label: never in
            the store or a log, and never those of private keys and requests
    max_mb  of memory they may take; the oldest go first
    ttl     for which they are held
    """

    texts: bool = False
    max_mb: Megabytes = 16.0
    ttl: Seconds = 86_400.0
