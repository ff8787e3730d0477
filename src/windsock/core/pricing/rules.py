"""The thresholds of what is believed of a price at once, and what releases the rest."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

OWN_FEED = "config"
"""The feed of the owner's own prices, which stand in the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """When a quote is believed at once, and what releases one that is not.

    Ratios are new price over old, per meter; a quote must satisfy every rule.

    least_usd_per_mtok  0.001, and a tenth of it for cached and other lesser meters: the cheapest
                        price in the archive is 0.0069; per-token and per-thousand figures in a
                        per-million field lie below
    most_usd_per_mtok   1000: the dearest in the archive is 600 (output before o3-pro)
    most_usd_per_unit   10 dollars for one image, request or search
    dear_usd_per_mtok   (200, 700) input and output; a first price above is above anything sold yet
    max_rise            5: believed from one feed at once, since a false rise only loses savings;
                        the archive's largest raise was x5
    max_fall            0.5: believed from one feed at once; deeper ones draw traffic and are held
    deepest_fall        0.02: no number of polls releases a deeper fall; the deepest real one
                        was 0.025 (qwen-long, 2024-05-21)
    highest_rise        50: the same for rises; the highest real one was x30 (gpt-4.5-preview)
    fall_window_s       a day: falls are also measured against the price before it, so that many
                        small falls are not believed where one big one would be held
    least_output_ratio  0.5: output below half of input hints at swapped or cached prices
    most_output_ratio   30: output that many times input hints at a slip in one of them
    most_apart          4.7: of two meters one of which falls below `max_fall`, the ratios of new
                        to old are at most so many times apart; of 119 such falls of public lists
                        none was further apart but those that mended a wrong price
    override_ratios     (0.1, 15): sizes and hours against the base price; real ones 0.25 to 12
    service_ratios      (0.2, 5): service tiers against the base price; real ones 0.25 to 2.5
    tier_tokens         (4000, 10 million): prompt sizes from which another price may hold
    slip_tolerance      0.05: how near to a power of ten counts as a slip of units
    fx_ratios           (6.5, 7.4): yuan or a like currency taken for dollars, both meters alike
    alone_ratios        (2, 10): a price that one list states is taken for half to twice what others
                        sell the model at; of lists that each state another, one 10 times off
                        counts last
    several_sellers     3 others that sell the model: what one list states is not taken for cheaper
                        than the cheapest of them, nor for dearer than the dearest
    family_ratio        3: versions of a family cost a third to three times what is usual in it; of
                        first listings of models.dev 90 % did that had kin at their seller; and a
                        model without kin costs at most three times the dearest of its seller, as
                        645 of 646 did
    output_ratios       (1, 10) times input costs output, where a seller's own models do not tell;
                        98 % of the first listings of models.dev lay within
    rise_polls          2 equal polls in a row release a rise beyond `max_rise`
    fall_polls          3 release a fall beyond `max_fall`
    contradicted_polls  12 do while other feeds, by trust the majority, keep restating other prices;
                        a feed that stays half as long for as many polls is read again
    contradicted_s      45 minutes at least, too, however often the feed is polled: 12 polls of five
                        minutes span more, 12 of 20 seconds only four minutes
    uncontradicted_s    45 days after which what looks like an error stands if its feed never said
                        otherwise and no other contradicts it; wrong moves of models.dev were
                        mended after 44 at most
    slip_s              7 days after which ten times both meters, or a tenth, do, on the same terms:
                        of 66 moves by a power of ten in nine public lists six were taken back
                        within a month, those of models that nobody else listed within 3 days
    agree_within        0.02: two feeds agree if input and output each differ by less
    same_within         1e-6: below it two prices are the same (float noise in feeds)
    bill_within         0.02: a bill confirms a price if it is that near
    recent_s            7 days: a price in force this recently may come back at once; a move that no
                        other list followed for longer no longer speaks for those that lag behind
    provisional_share   0.05 of a task's requests at most where one list alone knows a price and
                        others can serve it at one that is proven
    provisional_s       60 days after which its word is proven by time; wrong first listings stood
                        for 44 days in the middle
    implausible_s       180 days while what one list states is still taken for less where it is far
                        above what the model costs elsewhere, and for more where it is below
                        `deepest_fall` of that, or of its family; such errors stood for up to 166
    stale_s             1 day: a price that nothing confirmed for longer is shown as stale
    uncertainty_per_day 0.02 of the price, for every day since it was last confirmed, is shown
    dearer_per_day      0.002 it is taken for dearer, once it is stale: lists move by 0.0003 a
                        day in the mean, and a list that fell silent is trusted less
    scheduling_trust    1.0: feeds trusted this much (the owner's sheet) schedule prices as facts;
                        from all others a scheduled price is a forecast
    owner_feeds         the configuration and the price sheet: what the owner wrote there is never
                        held, and no other feed changes it
    least_share         0.5: a feed that lists less than this share of its last rows is refused
    list_rows           20 input prices above 0, of which the middle one tells a list's unit
    list_usd_per_mtok   (0.0075, 50) that lies between; of 103 sellers in four public lists it is
                        0.075 to 5: a list that is off by a thousand is refused whole
    """

    least_usd_per_mtok: Decimal = Decimal("0.001")
    most_usd_per_mtok: Decimal = Decimal(1000)
    most_usd_per_unit: Decimal = Decimal(10)
    dear_usd_per_mtok: tuple[Decimal, Decimal] = (Decimal(200), Decimal(700))
    max_rise: float = 5.0
    max_fall: float = 0.5
    deepest_fall: float = 0.02
    highest_rise: float = 50.0
    fall_window_s: float = 86400.0
    least_output_ratio: float = 0.5
    most_output_ratio: float = 30.0
    most_apart: float = 4.7
    override_ratios: tuple[float, float] = (0.1, 15.0)
    service_ratios: tuple[float, float] = (0.2, 5.0)
    tier_tokens: tuple[int, int] = (4000, 10_000_000)
    slip_tolerance: float = 0.05
    fx_ratios: tuple[float, float] = (6.5, 7.4)
    alone_ratios: tuple[float, float] = (2.0, 10.0)
    several_sellers: int = 3
    family_ratio: float = 3.0
    output_ratios: tuple[float, float] = (1.0, 10.0)
    rise_polls: int = 2
    fall_polls: int = 3
    contradicted_polls: int = 12
    contradicted_s: float = 2700.0
    uncontradicted_s: float = 45 * 86400.0
    slip_s: float = 7 * 86400.0
    agree_within: float = 0.02
    same_within: float = 1e-6
    bill_within: float = 0.02
    recent_s: float = 7 * 86400.0
    provisional_share: float = 0.05
    provisional_s: float = 60 * 86400.0
    implausible_s: float = 180 * 86400.0
    stale_s: float = 86400.0
    uncertainty_per_day: float = 0.02
    dearer_per_day: float = 0.002
    scheduling_trust: float = 1.0
    owner_feeds: tuple[str, ...] = (OWN_FEED, "price-sheet")
    least_share: float = 0.5
    list_rows: int = 20
    list_usd_per_mtok: tuple[Decimal, Decimal] = (Decimal("0.0075"), Decimal(50))


DEFAULT_RULES = GuardRules()
"""As documented above."""
