"""The virtual keys of a store: made, looked up, replaced and ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches

from sqlalchemy import Engine

from windsock.app.state_recovery import prepared_engine
from windsock.cli.stores import existing_store
from windsock.clock import Clock
from windsock.config.settings import Settings
from windsock.errors import ConfigError, WindsockError
from windsock.resources.declared import moment, seconds
from windsock.service.auth import SCOPES, new_key
from windsock.store import queries
from windsock.store.keys import PERIODS, VirtualKey, rotate_key

USUAL_SCOPES = ("infer", "feedback", "read")

CENTURY_S = 100 * 365.25 * 86400.0

MOST_CHARS = 128
"""Of a key's name and namespace."""


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key with its secret, which is shown once and kept nowhere."""

    secret: str = field(repr=False)
    key: VirtualKey


@dataclass(frozen=True, slots=True)
class KeyBook:
    """The keys in the store of these settings. Looking there makes none."""

    settings: Settings
    clock: Clock

    def now(self) -> float:
        """Unix s."""
        return self.clock.now()

    def create(
        self,
        name: str,
        *,
        namespace: str = "default",
        scopes: Sequence[str] | None = None,
        models: Sequence[str] = (),
        rpm: int | None = None,
        tpm: int | None = None,
        budget_usd: Decimal | None = None,
        budget_period: str | None = None,
        expires: str | None = None,
        is_private: bool = False,
    ) -> MadeKey:
        """A new key, in a new store if there is none; raises ConfigError or StoreError.

        expires     a duration from now, or a date
        """
        secret, public, digest = new_key()
        key = VirtualKey(
            id=public,
            name=_named(name),
            sha256=digest,
            namespace=_word(namespace, "--namespace"),
            scopes=_scopes(scopes or USUAL_SCOPES),
            created_at=self.now(),
            expires_at=None if expires is None else self._end(expires),
            budget_usd=budget_usd,
            budget_period=_period(budget_usd, budget_period),
            models=tuple(_word(each, "--model") for each in models),
            rpm=rpm,
            tpm=tpm,
            is_private=is_private,
        )
        queries.add_key(prepared_engine(self.settings, self.clock), key)
        return MadeKey(secret, key)

    def keys(self) -> list[VirtualKey]:
        """All of the store, oldest first; raises ConfigError or StoreError."""
        with existing_store(self.settings) as engine:
            return queries.keys(engine)

    def key(self, key_id: str) -> VirtualKey:
        """By its id; raises WindsockError if there is none."""
        with existing_store(self.settings) as engine:
            return _found(engine, key_id)

    def rotate(self, key_id: str, overlap: str) -> MadeKey:
        """A key in place of an active one, which ends after the overlap if it does not before."""
        until = self.now() + _duration(overlap, "--overlap")
        with existing_store(self.settings) as engine:
            old = _found(engine, key_id)
            if old.state(self.now()) != "active":
                raise WindsockError(f"the key {key_id} is {old.state(self.now())}; make a new one")
            secret, public, digest = new_key()
            new = replace(
                old,
                id=public,
                sha256=digest,
                created_at=self.now(),
                continues=old.continues or old.id,
            )
            ends = until if old.expires_at is None else min(until, old.expires_at)
            rotate_key(engine, replace(old, expires_at=ends), new)
        return MadeKey(secret, new)

    def revoke(self, key_id: str) -> VirtualKey:
        """End an active key, and tell how it stands; raises WindsockError if there is none."""
        with existing_store(self.settings) as engine:
            if not queries.revoke_key(engine, key_id, self.now()):
                raise _unknown(key_id)
            return _found(engine, key_id)

    def _end(self, text: str) -> float:
        """Unix s, of a duration from now or a date; raises ConfigError."""
        try:
            at = self.now() + seconds(text)
        except ValueError:
            try:
                at = moment(text)
            except ValueError:
                raise ConfigError(
                    f"--expires: {text!r} is no duration such as 90d and no date such as 2027-01-31"
                ) from None
        if at > self.now() + CENTURY_S:
            raise ConfigError(f"--expires: {text!r} is more than a century from now; leave it out")
        if at <= self.now():
            raise ConfigError(f"--expires: {text!r} is over already")
        return at


def _found(engine: Engine, key_id: str) -> VirtualKey:
    found = next((key for key in queries.keys(engine) if key.id == key_id), None)
    if found is None:
        raise _unknown(key_id)
    return found


def _unknown(key_id: str) -> WindsockError:
    return WindsockError(f"no active key has the id {key_id!r}; see 'windsock keys list'")


def _scopes(asked: Sequence[str]) -> tuple[str, ...]:
    for scope in asked:
        if scope not in SCOPES:
            near = get_close_matches(scope, SCOPES, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"--scope: {scope!r} is none of {', '.join(SCOPES)}{hint}")
    return tuple(dict.fromkeys(asked))


def _period(budget_usd: Decimal | None, period: str | None) -> str | None:
    """A month where none is named; raises ConfigError."""
    if period is not None and period not in PERIODS:
        raise ConfigError(f"--budget-period: {period!r} is none of {', '.join(PERIODS)}")
    if period is not None and budget_usd is None:
        raise ConfigError("--budget-period needs --budget-usd, the dollars of such a period")
    return None if budget_usd is None else period or "month"


def _duration(text: str, option: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None


def _word(text: str, option: str) -> str:
    """Without a blank, for the store keeps words with blanks between; raises ConfigError."""
    if not text or text.split() != [text]:
        raise ConfigError(f"{option}: {text!r} must be one word without blanks")
    return _short(text, option)


def _named(text: str) -> str:
    if not text.strip():
        raise ConfigError("NAME is empty; say what the key is for")
    return _short(text, "NAME")


def _short(text: str, option: str) -> str:
    if len(text) > MOST_CHARS or not text.isprintable():
        raise ConfigError(f"{option}: at most {MOST_CHARS} characters, all of them printable")
    return text
