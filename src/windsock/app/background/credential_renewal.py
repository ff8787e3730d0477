"""Tokens and keys that expire are renewed beside the requests, before they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from windsock.errors import ProviderError
from windsock.observability import background, log
from windsock.providers.transport import Signer
from windsock.providers.upstream import Upstream


@dataclass(slots=True, kw_only=True)
class CredentialRenewal:
    """Called once a second; at most one renewal of a provider is under way.

    upstreams   as they are now
    """

    upstreams: Callable[[], Mapping[str, Upstream]]
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def check(self) -> None:
        """Start what is due."""
        for name, upstream in self.upstreams().items():
            signer = upstream.endpoint.signer
            if signer is not None and signer.is_due and name not in self._tasks:
                self._start(name, signer)

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _start(self, name: str, signer: Signer) -> None:
        task = self._tasks[name] = background.start(f"sign-in at {name}", _renew(name, signer))
        task.add_done_callback(lambda _: self._tasks.pop(name, None))


async def _renew(name: str, signer: Signer) -> None:
    try:
        await signer.renew()
    except ProviderError as error:
        log.event_log().warning("credential.failed", provider=name, error=str(error))
    else:
        log.event_log().info("credential.renewed", provider=name)
