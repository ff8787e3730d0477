"""Virtual keys: who calls, on whose behalf, and what they may do."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.errors import CallerError, StoreError

SCOPES = ("infer", "feedback", "read", "label", "metrics", "admin")
"""What keys may be allowed: calls, feedback, inspection of their namespace, reading and judging of
the texts that are held of it, /metrics of the whole service where it needs a key, everything."""

PLAIN = (b"x-api-key", b"api-key", b"x-goog-api-key")
"""Headers in which Anthropic's, Azure's and Google's SDKs send the key as it is."""

PREFIX = "sk-ws-"
PUBLIC_CHARS = 12
"""Of the public id, which follows the prefix and by which people name a key."""


class KeyRecord(Protocol):
    """A key as the store keeps it: only the hash of the secret."""

    @property
    def id(self) -> str:
        """The public part."""

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

    @property
    def continues(self) -> str | None:
        """The key whose place it took."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names it may ask for, or globs; empty: all."""

    @property
    def rpm(self) -> int | None:
        """Requests a minute."""

    @property
    def tpm(self) -> int | None:
        """Tokens a minute."""

    @property
    def is_private(self) -> bool:
        """Texts of its requests are held nowhere."""


NO_KEY = "no key given; send it as 'Authorization: Bearer KEY'"

NO_KEY_LEFT = (
    "a key is needed and none is valid; make one with 'windsock keys create NAME', or write "
    'keys = "open" under [server]'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls, and what of: see `KeyRecord`.

    key_id      None without a key; of a rotated key that of the first, whose limits and rewards go
                on
    is_limited  in requests or in tokens a minute
    """

    key_id: str | None = None
    namespace: str = DEFAULT_NAMESPACE
    scopes: frozenset[str] = frozenset(SCOPES)
    models: tuple[str, ...] = ()
    rpm: int | None = None
    tpm: int | None = None
    is_private: bool = False
    is_limited: bool = False


class AccessDenied(CallerError):
    """No valid key (status 401), or one without the scope (status 403)."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


ANYONE = Principal()


class Access:
    """Checks keys against an in-memory copy of the store's, found by the digest of the whole key:
    no text of a key outlives the reading of the headers that present it.

    mode    open: no key needed; required: always; auto: as soon as a key was ever made
    is_exposed  other machines reach it: auto is closed then, key or no key
    """

    def __init__(self, *, mode: str, admin_token: str | None = None) -> None:
        self._mode = mode
        self._admin = digest_of(admin_token) if admin_token else None
        self._keys: Mapping[str, tuple[KeyRecord, Principal]] = {}
        self.are_keys_known = mode == "open"
        self.is_exposed = False
        self._was_keyed = False

    def replace_keys(self, keys: Iterable[KeyRecord], was_keyed: bool = False) -> None:
        """All keys of the store; those that were known and are missing are known no more.

        was_keyed   there is a trace of keys that are in the store no more
        """
        rows = list(keys)
        self._keys = {key.sha256: (key, _holder_of(key)) for key in rows if key.revoked_at is None}
        self._was_keyed = self._was_keyed or was_keyed or bool(rows)
        self.are_keys_known = True

    @property
    def needs_key(self) -> bool:
        """Whether a call without a key is refused; also as long as no key was read.

        What was closed once opens by `keys = "open"` only: not when its last key is revoked or
        lost.
        """
        if self._mode != "auto":
            return self._mode == "required"
        return self._was_keyed or self.is_exposed or not self.are_keys_known

    def admit(self, presented: bytes | None, scope: str | tuple[str, ...], now: float) -> Principal:
        """Who presents the key of this digest; raises AccessDenied, or StoreError if no key is
        known yet.

        scope   the one that is needed, or several of which one is
        Keys that were never read are no reason to let everybody in.
        """
        holder = self._holder(presented, now)
        if holder is None:
            raise self._denied(presented)
        wanted = (scope,) if isinstance(scope, str) else scope
        if "admin" not in holder.scopes and holder.scopes.isdisjoint(wanted):
            words = " or ".join(map(repr, wanted))
            raise AccessDenied(f"this key lacks the scope {words}", status=403)
        return holder

    def knows(self, presented: bytes | None, now: float) -> bool:
        """Whether anything is heard at all from who presents the key of this digest."""
        return self._holder(presented, now) is not None

    def _holder(self, presented: bytes | None, now: float) -> Principal | None:
        """None of who is not known (see `_denied`)."""
        if not self.needs_key or (presented is not None and presented == self._admin):
            return ANYONE
        known = None if presented is None else self._keys.get(presented.hex())
        if known is None:
            return None
        key, holder = known
        return holder if key.expires_at is None or now < key.expires_at else None

    def _denied(self, presented: bytes | None) -> AccessDenied | StoreError:
        """Why who presents this is not known."""
        if not self.are_keys_known:
            return StoreError("the keys cannot be read: the store is away")
        if presented is None:
            return AccessDenied(NO_KEY if self._keys else NO_KEY_LEFT, status=401)
        if presented.hex() in self._keys:
            return AccessDenied("this key has expired", status=401)
        return AccessDenied("this key is not known, or was revoked", status=401)


def _holder_of(key: KeyRecord) -> Principal:
    return Principal(
        key_id=key.continues or key.id,
        namespace=key.namespace,
        scopes=frozenset(key.scopes),
        models=key.models,
        rpm=key.rpm,
        tpm=key.tpm,
        is_private=key.is_private,
        is_limited=key.rpm is not None or key.tpm is not None,
    )


def presented_in(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The digest of the key in the headers of a request, their names in lower case."""
    bearer = headers.get(b"authorization", b"").decode("latin-1")
    if bearer[:7].lower() == "bearer ":
        key = bearer[7:].strip()
    else:
        key = next(filter(None, map(headers.get, PLAIN)), b"").decode("latin-1")
    return digest_of(key) if key else None


def new_key() -> tuple[str, str, str]:
    """(key to show once, public id, sha256 to keep). The secret has 256 random bits and more."""
    public = secrets.token_hex(PUBLIC_CHARS // 2)
    key = f"{PREFIX}{public}-{secrets.token_urlsafe(36)}"
    return key, public, digest_of(key).hex()


def digest_of(key: str) -> bytes:
    """SHA-256 of a key, kept in hex."""
    return hashlib.sha256(key.encode()).digest()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it; a name other than localhost may be anything."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def open_door(mode: str, host: str, *, had_keys: bool) -> str | None:
    """Why everybody could come in though nobody said so, with the mend; None: they could not.

    mode    as of `Access`
    host    where the service listens
    """
    if mode != "auto" or is_loopback(host) or had_keys:
        return None
    return (
        f"server.host {host} can be reached from other machines, and no key exists: make one "
        "with 'windsock keys create NAME', or write keys = \"open\" under [server] to let "
        "everybody in"
    )
