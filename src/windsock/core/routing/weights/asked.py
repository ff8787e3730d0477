"""What a request asks that its price depends on."""

from __future__ import annotations

from typing import NamedTuple


class Asked(NamedTuple):
    """What a request asks that prices depend on.

    prompt_tokens   estimate, 0 for what the task's requests are like
    service_tier    as asked for, where a candidate has prices for it; None: as usual
    """

    prompt_tokens: int = 0
    service_tier: str | None = None


AS_USUAL = Asked()
