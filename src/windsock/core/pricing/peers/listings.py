"""What sellers ask for models, as lists say: what a price that one list states is measured by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from windsock.core.model.units import MAIN_METERS, Meter, Prices
from windsock.core.pricing.comparison import weighted_median
from windsock.core.pricing.peers.model_keys import family_key, model_key

ListingKey = tuple[str, str]
"""(name of the listing, feed)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What one list says that a seller asks for a model.

    prices      USD per million tokens of input and output, above 0
    trust       0..1, of the list
    seen_at     unix s at which it last said so
    """

    name: str
    prices: Prices
    trust: float
    seen_at: float

    @property
    def seller(self) -> str:
        """Who asks that."""
        return seller_of(self.name)

    @property
    def output_ratio(self) -> float:
        """Output over input."""
        return float(self.prices[Meter.OUTPUT] / self.prices[Meter.INPUT])


class Listings:
    """Last statements by model, by family and by seller.

    recent_s    statements older than that say nothing any more
    version     grows with every new price
    """

    def __init__(self, recent_s: float) -> None:
        self.version = 0
        self._recent_s = recent_s
        self._by_model: defaultdict[str, dict[ListingKey, Ask]] = defaultdict(dict)
        self._by_family: defaultdict[str, dict[ListingKey, Ask]] = defaultdict(dict)
        self._by_seller: defaultdict[str, dict[ListingKey, Ask]] = defaultdict(dict)

    def note(self, feed: str, ask: Ask, *, model: str | None = None) -> bool:
        """Take over a list's last word; True if it says something new.

        model   the deployment that is the same model, where that is known otherwise than by name
        """
        if any(ask.prices.get(meter, 0) <= 0 for meter in MAIN_METERS):
            return False
        key, place = (ask.name, feed), self._by_model[_key(model or ask.name)]
        before = place.get(key)
        place[key] = self._by_seller[ask.seller][key] = ask
        family = family_key(ask.name)
        if family is not None:
            self._by_family[family][key] = ask
        is_new = before is None or before.prices != ask.prices
        self.version += is_new
        return is_new

    def drop(self, is_over: Callable[[ListingKey], bool]) -> set[str]:
        """Forget these statements; names of what was measured by them, if there were any."""
        measured: set[str] = set()
        for by_place in (self._by_model, self._by_family, self._by_seller):
            for place in by_place.values():
                if gone := [*filter(is_over, place)]:
                    measured |= {name for name, _ in place}
                    for key in gone:
                        del place[key]
        self.version += bool(measured)
        return measured

    def same_model(self, name: str, now: float) -> list[Ask]:
        """What is asked for the model elsewhere, or for another date of it at the same seller."""
        return list(self._others(self._by_model.get(_key(name), {}), name, now))

    def family(self, name: str, now: float) -> list[Ask]:
        """What is asked for its family by its own seller, else by anybody."""
        kin = list(self._others(self._by_family.get(family_key(name) or "", {}), name, now))
        return [ask for ask in kin if ask.seller == seller_of(name)] or kin

    def of_seller(self, name: str, now: float) -> list[Ask]:
        """What its seller asks for other models."""
        return list(self._others(self._by_seller.get(seller_of(name), {}), name, now))

    def related(self, name: str) -> set[str]:
        """Names of what is measured by this listing."""
        places = (
            self._by_model.get(_key(name), {}),
            self._by_family.get(family_key(name) or "", {}),
            self._by_seller.get(seller_of(name), {}),
        )
        return {other for place in places for other, _ in place}

    def _others(self, place: dict[ListingKey, Ask], name: str, now: float) -> Iterator[Ask]:
        for ask in place.values():
            if ask.name != name and now - ask.seen_at <= self._recent_s:
                yield ask


def seller_of(name: str) -> str:
    """Before the first slash of `seller/model`."""
    return name.partition("/")[0]


def _key(name: str) -> str:
    """A model's key; where its name says too little only the name itself is the same."""
    return model_key(name) or name


def usual(asks: list[Ask], meter: Meter) -> Decimal:
    """Trust-weighted median of what is asked, the dearer one on a tie; not of an empty list."""
    return weighted_median([(ask.prices[meter], ask.trust) for ask in asks])
