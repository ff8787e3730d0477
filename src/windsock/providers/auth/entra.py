"""Tokens of Microsoft Entra for Azure, by `azure-identity`.

Its default chain is asked: a service principal in AZURE_TENANT_ID, AZURE_CLIENT_ID and
AZURE_CLIENT_SECRET, a workload or managed identity, the Azure CLI.
"""

from __future__ import annotations

from windsock.providers.auth.facts import AuthFacts, library
from windsock.providers.auth.lease import Lease, Renewed
from windsock.providers.auth.tokens import BearerToken


def entra(facts: AuthFacts) -> BearerToken:
    """Tokens for `facts.scope`; raises ConfigError without the library."""
    identity = library("azure.identity", "azure", facts.provider)
    chain = identity.DefaultAzureCredential()

    def fetch() -> Lease[str]:
        found = chain.get_token(facts.scope)
        return Lease(found.token, found.expires_on - facts.clock.now())

    return BearerToken(
        Renewed(f"the Entra token of provider {facts.provider!r}", fetch, facts.clock)
    )
