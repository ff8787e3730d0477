"""Signatures of AWS (Signature Version 4) for Bedrock, by `botocore`.

Its default chain is asked for keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the shared files,
a web identity, the role of the container or of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.errors import ConfigError
from windsock.providers.auth.facts import AuthFacts, library
from windsock.providers.auth.lease import Lease, Renewed
from windsock.providers.transport import HEADERS

KEYS_EVERY_S = 60.0
"""Keys of a role change: botocore is asked so often; it renews them 15 minutes ahead."""

KEYS_LIVE_S = 600.0
"""If it cannot: it hands out none that end sooner."""

SENT = ("authorization", "x-amz-date", "x-amz-security-token")
"""Headers that a signature adds."""


class SignedByKeys:
    """A `Signer` that signs each request with the keys in force."""

    def __init__(self, keys: Renewed[Any], *, service: str, region: str, library: Any) -> None:
        self._keys = keys
        self._service = service
        self._region = region
        self._auth = library("botocore.auth").SigV4Auth
        self._request = library("botocore.awsrequest").AWSRequest

    @property
    def is_due(self) -> bool:
        """See `Signer`."""
        return self._keys.is_due

    @property
    def secrets(self) -> tuple[str, ...]:
        """See `Signer`: the session token stands in what AWS says of a wrong signature."""
        keys = self._keys.last
        return (keys.secret_key, keys.token or "") if keys else ()

    async def renew(self) -> None:
        """See `Signer`."""
        await self._keys.renew()

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        """Of this request at this moment; raises NoCredential."""
        keys = await self._keys.current()
        stated = {"content-type": HEADERS["content-type"]}
        request = self._request(method=method, url=url, data=body, headers=stated)
        self._auth(keys, self._service, self._region).add_auth(request)
        found = {name.lower(): value for name, value in request.headers.items()}
        return {name: found[name] for name in SENT if name in found}


def sigv4(facts: AuthFacts) -> SignedByKeys:
    """Signatures for the service `facts.scope`; raises ConfigError without library or region."""

    def part(name: str) -> Any:
        return library(name, "aws", facts.provider)

    session = part("botocore.session").get_session()
    if not facts.region:
        raise ConfigError(
            f"provider {facts.provider!r} signs its requests for a region; "
            f"add [providers.{facts.provider}] region"
        )

    def fetch() -> Lease[Any]:
        found = session.get_credentials()
        if found is None:
            raise LookupError(
                "no AWS keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            )
        return Lease(found.get_frozen_credentials(), KEYS_LIVE_S, KEYS_EVERY_S)

    keys = Renewed(f"the AWS keys of provider {facts.provider!r}", fetch, facts.clock)
    return SignedByKeys(keys, service=facts.scope, region=facts.region, library=part)
