"""Which rows of a list say something of the deployments in use."""

from __future__ import annotations

from collections.abc import Iterable

from windsock.core.pricing.peers.listings import seller_of
from windsock.core.pricing.peers.model_keys import family_key, model_key


class Relevance:
    """Names of the same models, of their families, and of their sellers.

    deployments     ids in use
    """

    def __init__(self, deployments: Iterable[str]) -> None:
        names = list(deployments)
        self._models = {model_key(name) for name in names} - {None}
        self._families = {family_key(name) for name in names} - {None}
        self._sellers = {seller_of(name) for name in names}

    def __contains__(self, listing: str) -> bool:
        """True if a deployment may be measured by `seller/model`."""
        return (
            seller_of(listing) in self._sellers
            or model_key(listing) in self._models
            or family_key(listing) in self._families
        )
