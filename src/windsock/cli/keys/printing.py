"""What `windsock keys` prints. The secret of a key is shown once, when it is made."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from windsock.cli.keys.key_book import MadeKey
from windsock.cli.layout import Entry, lines, show, terminal, usd, wrapped
from windsock.store.keys import VirtualKey


def show_made(made: MadeKey, *, as_json: bool) -> None:
    """The key alone, so that a script can take it as it is."""
    print(json.dumps({"key": made.secret, "id": made.key.id}) if as_json else made.secret)


def show_keys(keys: Iterable[VirtualKey], now: float, *, as_json: bool) -> None:
    """One line each, and a second for what it is bound to."""
    if as_json:
        print(json.dumps([key_view(key, now) for key in keys], indent=2))
        return
    head = Entry("id", ("state",), "name, namespace, scopes and limits")
    entries = [Entry(key.id, (key.state(now),), "; ".join(_facts(key))) for key in keys]
    show(terminal(), lines([head, *entries], width=terminal().width))


def show_key(key: VirtualKey, now: float, *, as_json: bool) -> None:
    """One key whole."""
    if as_json:
        print(json.dumps(key_view(key, now), indent=2))
        return
    show(terminal(), [f"{key.id}: {key.state(now)}, made {_day(key.created_at)}"])
    for fact in (*_facts(key), *_history(key)):
        show(terminal(), wrapped(fact, width=terminal().width))


def key_view(key: VirtualKey, now: float) -> dict[str, Any]:
    """As JSON, without the hash of its secret."""
    facts = {name: value for name, value in asdict(key).items() if name != "sha256"}
    budget = None if key.budget_usd is None else float(key.budget_usd)
    return {**facts, "budget_usd": budget, "state": key.state(now)}


def _facts(key: VirtualKey) -> Iterator[str]:
    yield key.name or "without a name"
    if key.namespace != "default":
        yield f"namespace {key.namespace}"
    yield f"may {' '.join(key.scopes) or 'nothing'}"
    if key.models:
        yield f"only {', '.join(key.models)}"
    if key.rpm is not None:
        yield f"{key.rpm:,} requests a minute"
    if key.tpm is not None:
        yield f"{key.tpm:,} tokens a minute"
    if key.budget_usd is not None:
        period = "in total" if key.budget_period == "total" else f"a {key.budget_period}"
        yield f"${usd(float(key.budget_usd))} {period}"
    if key.is_private:
        yield "private: its texts are held nowhere"
    if key.expires_at is not None and key.revoked_at is None:
        yield f"until {_day(key.expires_at)}"


def _history(key: VirtualKey) -> Iterator[str]:
    if key.continues is not None:
        yield f"took the place of {key.continues}, as which it is counted"
    if key.revoked_at is not None:
        yield f"revoked {_day(key.revoked_at)}"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
