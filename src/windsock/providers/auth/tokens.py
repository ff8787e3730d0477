"""A bearer token that expires."""

from __future__ import annotations

from collections.abc import Mapping

from windsock.providers.auth.lease import Renewed


class BearerToken:
    """A `Signer` that shows a token."""

    def __init__(self, token: Renewed[str]) -> None:
        self._token = token

    @property
    def is_due(self) -> bool:
        """See `Signer`."""
        return self._token.is_due

    @property
    def secrets(self) -> tuple[str, ...]:
        """See `Signer`."""
        return (self._token.last or "",)

    async def renew(self) -> None:
        """See `Signer`."""
        await self._token.renew()

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        """The same for every request; raises NoCredential."""
        return {"authorization": f"Bearer {await self._token.current()}"}
