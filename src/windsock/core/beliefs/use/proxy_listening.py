"""Beliefs that ask what proxies have said whenever their priors are fitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from windsock.core.beliefs.proxies.hearing import Proxy, Word
from windsock.core.beliefs.use.token_use import TokenUse
from windsock.core.model.requests import Cell


class ProxyListening(TokenUse):
    """Where proxies are heard; what they have said is kept by whom they told it."""

    def listen(self, hear: Callable[[str, str, float], Sequence[Proxy]]) -> None:
        """Ask there what proxies have said: of a namespace and route, as of a moment."""
        self._ask = hear

    def note_proxy(self, cell: Cell, deployment: str, now: float) -> None:
        """A proxy has scored an answer, or takes that back: priors are fitted anew."""
        group = self._open(cell)
        group.open(cell.name, deployment)
        group.fitting.note(cell.name, deployment)
        group.touch(now)

    def words(self, cell: Cell, deployment: str) -> Mapping[str, Word]:
        """What each proxy says of a deployment at a task as of now, by its name."""
        group = self._groups.get(cell[:2])
        if group is None:
            return {}
        group.refresh_pool()
        return group.words(cell.name, deployment)
