"""Kinds of sign-in by the name that `presets.toml` and `[providers.NAME] auth` use.

Besides these: `bearer`, `query:NAME` for a key in the address, and, as any other word, the name of
the header that carries the key.
"""

from __future__ import annotations

from collections.abc import Callable

from windsock.providers.auth.entra import entra
from windsock.providers.auth.facts import AuthFacts
from windsock.providers.auth.google import google
from windsock.providers.auth.sigv4 import sigv4
from windsock.providers.transport import Signer

SIGNERS: dict[str, Callable[[AuthFacts], Signer]] = {
    "entra": entra,
    "google": google,
    "sigv4": sigv4,
}
