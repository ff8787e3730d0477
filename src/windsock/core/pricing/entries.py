"""The timelines of all deployments, and which of them bills which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any

from windsock.core.model.ticks import Quote
from windsock.core.pricing.consensus.late_ticks import Entry
from windsock.core.pricing.consensus.standing import next_aging
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.facets.voices import Said, Voices, heard_again
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import next_of
from windsock.core.pricing.state import timeline_of_state, timeline_state
from windsock.core.pricing.validation import Held


class Entries:
    """
    by_name     each deployment's own
    redirects   the deployments that are billed as another
    """

    def __init__(self, rules: GuardRules) -> None:
        self._rules = rules
        self.by_name: dict[str, Entry] = {}
        self._voices = Voices()
        self.redirects: dict[str, str] = {}

    def __getitem__(self, deployment: str) -> Entry:
        return self.by_name[deployment]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.by_name.values())

    def made(self, deployment: str) -> Entry:
        """The same, made if need be."""
        entry = self.by_name.get(deployment)
        if entry is None:
            entry = self.by_name[deployment] = Entry(PriceTimeline(self._rules))
        return entry

    def name_of(self, deployment: str) -> str:
        """Which deployment's prices bill this one."""
        return self.redirects.get(deployment, deployment)

    def billed(self, deployment: str) -> Entry | None:
        """The entry whose prices bill a deployment, its own or that of a redirect."""
        if self.redirects:
            deployment = self.name_of(deployment)
        return self.by_name.get(deployment)

    def next_change_at(self, deployment: str, after: float) -> float:
        """When its price changes next by the clock alone, unix s; inf if never."""
        entry = self.billed(deployment)
        return inf if entry is None else next_of(entry.timeline.accepted, after)

    def next_aging_at(self, deployment: str, after: float) -> float:
        """When its price is next taken for dearer since nothing confirmed it; inf if never."""
        entry = self.billed(deployment)
        return inf if entry is None else next_aging(entry.timeline, after)

    def held(self) -> list[Held]:
        """Every quote that is not believed yet."""
        return [held for entry in self for held in entry.timeline.held.values()]

    def timelines(self) -> list[PriceTimeline]:
        """Of every deployment."""
        return [entry.timeline for entry in self]

    def forget(self, deployment: str) -> None:
        """Know nothing of this deployment any more."""
        self.by_name.pop(deployment, None)

    def restore(self, accepted: Iterable[Quote], held: Iterable[Held], said: Said) -> None:
        """Take over what a store kept, without judging it anew; `said` as of `moment`."""
        history = defaultdict[str, list[Quote]](list)
        for quote in accepted:
            history[quote.deployment].append(quote)
        for name in said:
            self.by_name[name] = Entry(heard_again(said[name], history.pop(name, ()), self._rules))
        for name, quotes in history.items():
            for quote in quotes:
                self.made(name).timeline.restore(quote)
        for each in held:
            self.made(each.quote.deployment).timeline.put_on_hold(each)
        for entry in self:
            entry.rest()

    def moment(self) -> Callable[[], dict[str, Any]]:
        """What feeds said and people ruled until now, by deployment, as of `Voices`."""
        return self._voices.moment({name: e.timeline for name, e in self.by_name.items()})

    def rewind(self, now: float) -> None:
        """The clock was set back to `now`."""
        for entry in self:
            entry.rewind(now)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        pages = {name: timeline_state(entry.timeline) for name, entry in self.by_name.items()}
        return {"pages": pages, "redirects": dict(self.redirects)}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state` in place of what was known."""
        pages = state["pages"].items()
        self.by_name = {name: Entry(timeline_of_state(body, self._rules)) for name, body in pages}
        self.redirects = dict(state["redirects"])
