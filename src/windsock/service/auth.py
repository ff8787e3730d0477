"""Virtual keys: who calls, on whose behalf, and what they may do."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.errors import CallerError, StoreError

SCOPES = ("infer", "feedback", "read", "admin")
"""What keys may be allowed: calls, feedback, inspection, everything."""

PREFIX = "sk-ws-"
PUBLIC_CHARS = 12
"""Of the public id, which follows the prefix."""


class KeyRecord(Protocol):
    """A key as the store keeps it: only the hash of the secret."""

    @property
    def id(self) -> str:
        """The public part, by which a presented key is found."""

    @property
    def sha256(self) -> str:
        """Of the whole key, in hex."""

    @property
    def namespace(self) -> str:
        """Whose beliefs and decisions its calls share."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """Of SCOPES; admin includes the others."""

    @property
    def expires_at(self) -> float | None:
        """Unix s."""

    @property
    def revoked_at(self) -> float | None:
        """Unix s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls. key_id is None without a key."""

    key_id: str | None = None
    namespace: str = DEFAULT_NAMESPACE
    scopes: frozenset[str] = frozenset(SCOPES)


class AccessDenied(CallerError):
    """No valid key (status 401), or one without the scope (status 403)."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


ANYONE = Principal()


class Access:
    """Checks keys against an in-memory copy of the store's.

    mode    open: no key needed; required: always; auto: as soon as one key exists
    """

    def __init__(self, *, mode: str, admin_token: str | None = None) -> None:
        self._mode = mode
        self._admin_sha256 = sha256(admin_token) if admin_token else None
        self._keys: Mapping[str, tuple[KeyRecord, Principal]] = {}
        self._are_known = False

    def replace_keys(self, keys: Iterable[KeyRecord]) -> None:
        """All keys of the store; those that were known and are missing are known no more."""
        self._keys = {key.id: (key, _holder_of(key)) for key in keys if key.revoked_at is None}
        self._are_known = True

    @property
    def needs_key(self) -> bool:
        """Whether a call without a key is refused; also as long as no key was read."""
        has_keys = bool(self._keys) or not self._are_known
        return self._mode == "required" or (self._mode == "auto" and has_keys)

    def admit(self, credential: str | None, scope: str, now: float) -> Principal:
        """Who presents this credential; raises AccessDenied, or StoreError if no key is known yet.

        Keys that were never read are no reason to let everybody in.
        """
        if not self.needs_key:
            return ANYONE
        if credential and self._is_admin(credential):
            return ANYONE
        if not self._are_known:
            raise StoreError("the keys cannot be read: the store is away")
        if not credential:
            raise AccessDenied(
                "no key given; send it as 'Authorization: Bearer sk-ws-...'", status=401
            )
        presented = sha256(credential)
        known = self._keys.get(public_id(credential))
        if known is None or not hmac.compare_digest(presented, known[0].sha256):
            raise AccessDenied("this key is not known, or was revoked", status=401)
        key, holder = known
        if key.expires_at is not None and now >= key.expires_at:
            raise AccessDenied("this key has expired", status=401)
        if scope not in holder.scopes and "admin" not in holder.scopes:
            raise AccessDenied(f"this key lacks the scope {scope!r}", status=403)
        return holder

    def _is_admin(self, credential: str) -> bool:
        known = self._admin_sha256
        return known is not None and hmac.compare_digest(sha256(credential), known)


def _holder_of(key: KeyRecord) -> Principal:
    return Principal(key_id=key.id, namespace=key.namespace, scopes=frozenset(key.scopes))


def credential_of(authorization: str | None, x_api_key: str | None) -> str | None:
    """The key in the two headers that SDKs use."""
    if authorization and authorization[:7].lower() == "bearer ":
        return authorization[7:].strip()
    return x_api_key or None


def new_key() -> tuple[str, str, str]:
    """(key to show once, public id, sha256 to keep). The secret has 256 random bits and more."""
    public = secrets.token_hex(PUBLIC_CHARS // 2)
    key = f"{PREFIX}{public}-{secrets.token_urlsafe(36)}"
    return key, public, sha256(key)


def public_id(credential: str) -> str:
    """Of a key as presented; any text has one."""
    return credential[len(PREFIX) : len(PREFIX) + PUBLIC_CHARS]


@lru_cache(maxsize=256)
def sha256(text: str) -> str:
    """Remembered for the keys that call all the time."""
    return hashlib.sha256(text.encode()).hexdigest()
