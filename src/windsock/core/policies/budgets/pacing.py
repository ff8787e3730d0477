"""Money over time: what one request may cost now, so that the budget is met and not passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

HORIZON = 100.0
"""Requests over which over- and underspending is made up."""

MOST_CREDIT = 0.5
MOST_DEBT = 10.0
"""Limits of what is carried forward, as multiples of what the budget pays for over the horizon.

Savings from a price that is gone must not be spent at once; overspending must be made up, even
where one request to a dear model costs what hundreds to a cheap one do.
"""

DAY_S = 86_400.0
HOURS = 24
"""Of a day, by which traffic is counted."""

PROFILE_KEEP = 0.9
"""What a day's profile keeps when the next day is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """usd a request may cost now; is_spent when the day's cap is reached.

    left_usd    of the day; inf where there is no cap
    """

    usd: float
    is_spent: bool = False
    left_usd: float = inf


class RequestPacer:
    """A mean cost per request. Credit carries what was left over to the next requests."""

    def __init__(self, usd_per_request: float) -> None:
        self.usd_per_request = usd_per_request
        self.credit_usd = 0.0

    def spend(self, usd: float, now: float, requests: float = 1.0) -> None:
        """So many requests have cost `usd` together."""
        unit = HORIZON * self.usd_per_request
        credit = self.credit_usd + requests * self.usd_per_request - usd
        self.credit_usd = min(MOST_CREDIT * unit, max(-MOST_DEBT * unit, credit))

    def allowance(self, now: float) -> Allowance:
        """Dollars of the next request, with its part of what is carried forward."""
        return Allowance(usd=max(0.0, self.usd_per_request + self.credit_usd / HORIZON))

    def to_state(self) -> dict[str, Any]:
        """What is carried forward, in dollars."""
        return {"credit_usd": self.credit_usd}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        self.credit_usd = float(state["credit_usd"])


class DayPacer:
    """A cap per UTC day, spread over the traffic still expected, with a hard stop at the cap.

    Traffic is expected as on past days: requests by hour, discounted by the day.
    """

    def __init__(self, usd_per_day: float) -> None:
        self.usd_per_day = usd_per_day
        self.spent_usd = 0.0
        self._day = -1
        self._today = [0.0] * HOURS
        self._profile = [0.0] * HOURS
        self._days = 0.0

    def spend(self, usd: float, now: float, requests: float = 1.0) -> None:
        """So many requests have cost `usd` together."""
        self._turn(now)
        self.spent_usd += usd
        self._today[_hour(now)] += requests

    def allowance(self, now: float) -> Allowance:
        """An even part of what is left of the day; spent once the cap is reached."""
        spent = self.spent_usd if _day(now) == self._day else 0.0
        left = self.usd_per_day - spent
        if left <= 0:
            return Allowance(usd=0.0, is_spent=True, left_usd=0.0)
        return Allowance(usd=left / max(1.0, self.expected_requests(now)), left_usd=left)

    def expected_requests(self, now: float) -> float:
        """Requests still to come today, by the profile of past days and the pace of this one."""
        gone_s = now % DAY_S
        seen = sum(self._today) if _day(now) == self._day else 0.0
        profile, days = self._past(now)
        if days == 0.0:
            return seen * (DAY_S - gone_s) / max(gone_s, 60.0)
        usual = [count / days for count in profile]
        hour, into = _hour(now), (gone_s % 3600.0) / 3600.0
        past = sum(usual[:hour]) + usual[hour] * into
        pace = (seen + 0.1 * sum(usual)) / (past + 0.1 * sum(usual)) if sum(usual) else 1.0
        return (sum(usual) - past) * pace

    def to_state(self) -> dict[str, Any]:
        """The day so far and the profile of those before."""
        return {
            "spent_usd": self.spent_usd,
            "day": self._day,
            "today": list(self._today),
            "profile": list(self._profile),
            "days": self._days,
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        self.spent_usd = float(state["spent_usd"])
        self._day = int(state["day"])
        self._today = list(state["today"])
        self._profile = list(state["profile"])
        self._days = float(state["days"])

    def _turn(self, now: float) -> None:
        day = _day(now)
        if day <= self._day:
            return
        self._profile, self._days = self._past(now)
        self._day, self.spent_usd, self._today = day, 0.0, [0.0] * HOURS

    def _past(self, now: float) -> tuple[list[float], float]:
        """The profile of the days before the one of `now`, and how many days it stands for."""
        if self._day < 0 or _day(now) <= self._day:
            return self._profile, self._days
        pairs = zip(self._profile, self._today, strict=True)
        return [PROFILE_KEEP * old + new for old, new in pairs], PROFILE_KEEP * self._days + 1.0


Pacer = RequestPacer | DayPacer


def _day(now: float) -> int:
    return int(now // DAY_S)


def _hour(now: float) -> int:
    return int(now % DAY_S // 3600.0)
