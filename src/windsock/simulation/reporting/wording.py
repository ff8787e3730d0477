"""Numbers and findings in words, for people who decide."""

from __future__ import annotations

import math
from collections.abc import Sequence

from windsock.simulation.reporting.findings import OURS, Spread, Standing
from windsock.simulation.world.scenario import Scenario

POLICY_WORDS = {
    "windsock": "windsock",
    "deaf": "windsock without price feeds",
    "flagship": "the flagship alone",
    "cheapest": "always the cheapest",
    "rules": "hand-written rules",
    "rules_weekly": "rules, tuned anew every week",
    "round_robin": "in turn",
    "litellm_cost": "lowest price on a map read at start",
    "inverse_square_price": "inverse square of the price",
    "epsilon_greedy": "epsilon-greedy",
    "plain_thompson": "plain Thompson sampling",
    "success_per_cost": "success over cost",
    "paretobandit": "ParetoBandit",
    "hindsight": "best fixed choice in hindsight",
    "oracle": "clairvoyant oracle",
}
YARDSTICKS = ("oracle", "hindsight")
"""They know what nobody can."""


def named(policy: str) -> str:
    """What the report calls a policy."""
    return POLICY_WORDS.get(policy, policy)


def dollars(usd: float) -> str:
    """Three significant digits or whole dollars: $0.00131, $4.52, $12,345."""
    if not math.isfinite(usd):
        return "no end of money"
    sign, usd = ("−" if usd < 0 else ""), abs(usd)
    if usd >= 1000:
        return f"{sign}${usd:,.0f}"
    if usd == 0:
        return "$0"
    whole, _, part = f"{usd:,.{max(2, 2 - math.floor(math.log10(usd)))}f}".partition(".")
    return f"{sign}${whole}.{part.rstrip('0'):0<2}"


def percent(share: float, digits: int = 1) -> str:
    """A share, 0..1, as a percentage with a true minus."""
    return f"{share * 100:.{digits}f} %".replace("-", "−")


def points(gain: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{abs(gain) * 100:.1f} points"


def span(hours: float) -> str:
    """Hours as days from two days on."""
    if hours >= 48:
        return f"{hours / 24:g} days"
    return f"{hours:g} hour{'s' * (hours != 1)}"


def headline(scenario: Scenario, standing: dict[str, Standing]) -> str:
    """One sentence of money and one of what it bought."""
    ours, rival = standing.get(OURS), _against(standing)
    if ours is None or rival is None or rival.saved_usd is None or rival.saved_share is None:
        return _plain(scenario, standing)
    spent, would = dollars(ours.spend_usd.mean), dollars(rival.spend_usd.mean)
    share = rival.saved_share.mean
    way = f"{percent(abs(share), 0)} {'less' if share >= 0 else 'more'}"
    first = (
        f"In {span(scenario.hours)} windsock would have spent {spent} where "
        f"{_subject(scenario, rival.policy)} spends {would}: {way}"
    )
    return f"{first}, {_success(rival)}."


def seeds_sentence(standing: dict[str, Standing]) -> str:
    """How far chance moves the headline."""
    rival = _against(standing)
    if rival is None or rival.saved_share is None or len(rival.runs) < 2:
        return "One seed: chance alone may move these figures; run more with --seeds."
    low, high = rival.saved_share.least, rival.saved_share.most
    return (
        f"Over {len(rival.runs)} seeds the saving lies between {percent(low)} and {percent(high)}."
    )


def ranged(found: Spread, scale: float = 1.0, form: str = ".4g") -> str:
    """Least to most of a spread, times `scale`; nothing where they are one."""
    if found.least == found.most:
        return ""
    return f"{found.least * scale:{form}} to {found.most * scale:{form}}"


def _against(standing: dict[str, Standing]) -> Standing | None:
    """The flagship if it was run, else the first rival that anybody could have chosen."""
    fair = [name for name in standing if name not in (OURS, *YARDSTICKS)]
    name = "flagship" if "flagship" in standing else next(iter(fair), None)
    return standing[name] if name else None


def _subject(scenario: Scenario, policy: str) -> str:
    if policy == "flagship":
        return f"{scenario.rivals.flagship} alone"
    return named(policy)


def _success(rival: Standing) -> str:
    gain = rival.success_gain.mean if rival.success_gain else 0.0
    if abs(gain) < 0.0005:
        return "with as many answers right"
    return f"with {points(gain)} {'more' if gain > 0 else 'fewer'} of the answers right"


def _plain(scenario: Scenario, standing: dict[str, Standing]) -> str:
    first: Sequence[Standing] = list(standing.values())[:1]
    if not first:
        return "Nothing was run."
    each = first[0]
    return (
        f"In {span(scenario.hours)} {named(each.policy)} would have spent "
        f"{dollars(each.spend_usd.mean)} and answered {percent(each.success.mean)} rightly."
    )
