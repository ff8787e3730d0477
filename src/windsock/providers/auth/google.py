"""Tokens of Google Cloud for Vertex AI, by `google-auth`.

Application default credentials are asked: the file in GOOGLE_APPLICATION_CREDENTIALS, the login of
gcloud, the service account of the machine.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from windsock.clock import Clock
from windsock.providers.auth.facts import AuthFacts, library
from windsock.providers.auth.lease import Lease, Renewed
from windsock.providers.auth.tokens import BearerToken

LIVES_S = 3600.0
"""Of a token that does not say when it ends: Google's last an hour."""


def google(facts: AuthFacts) -> BearerToken:
    """Tokens for `facts.scope`; raises ConfigError without the library."""
    auth = library("google.auth", "gcp", facts.provider)
    transport = library("google.auth.transport.requests", "gcp", facts.provider)

    def fetch() -> Lease[str]:
        found, _ = auth.default(scopes=[facts.scope])
        found.refresh(transport.Request())
        return Lease(found.token, _lives_s(found, facts.clock))

    what = f"the Google token of provider {facts.provider!r}"
    return BearerToken(Renewed(what, fetch, facts.clock))


def _lives_s(found: Any, clock: Clock) -> float:
    """The library states its ends in UTC, without saying so."""
    if found.expiry is None:
        return LIVES_S
    return float(found.expiry.replace(tzinfo=UTC).timestamp() - clock.now())
