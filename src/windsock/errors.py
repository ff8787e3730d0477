"""Every exception of windsock, grouped by who must act.

WindsockError
├── CallerError            the client must change its request
│   ├── BadRequest
│   │   └── UnknownDeployment
│   ├── UnknownRoute       carries the nearest name
│   ├── BudgetSpent        the route's money of today is used up
│   │   └── CapReached     a hard cap leaves no room for another call
│   ├── LimitReached       the key used its minute up
│   └── NoCandidate        carries each deployment's reason
├── ProviderError          a provider must recover
├── FeedError              a feed's owner, or its declaration, must be mended
├── ConfigError            the operator must mend a file, key or value
└── StoreError             the database must be mended
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SECRET_TEXT = re.compile(
    r"\b(?:sk|pk|rk|ak|gsk|xai|csk|nvapi|pplx|sess)-[\w-]{8,}"
    r"|\b(?:hf|gsk|fw|r8)_\w{16,}|\bAIza[\w-]{30,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?i:bearer)\s+[\w.~+/=-]{8,}"
)
"""Keys as providers write them, tokens, passwords in an address: whoever says them, logs, callers
and terminals never get to see them."""


def masked(text: str) -> str:
    """The text without what looks like a secret."""
    return SECRET_TEXT.sub("[key]", text)


class WindsockError(Exception):
    """Root of the tree; its text is one sentence fit for a person, and repeats no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(masked(message))


class CallerError(WindsockError):
    """The request cannot be served as it stands."""


class BadRequest(CallerError):
    """The body is malformed; `param` names the field."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class UnknownDeployment(BadRequest):
    """No deployment has this name; `nearest` is one that looks like it, None if none does."""

    def __init__(self, name: str, *, nearest: str | None, param: str = "deployment") -> None:
        hint = f"did you mean {nearest!r}?" if nearest else "GET /v1/deployments lists all"
        super().__init__(f"no deployment is named {name!r}; {hint}", param=param)
        self.nearest = nearest


class UnknownRoute(CallerError):
    """No route, deployment or model has this name."""

    def __init__(self, name: str, *, nearest: str | None) -> None:
        hint = f"did you mean {nearest!r}?" if nearest else "GET /v1/models lists all"
        super().__init__(f"no route, deployment or model is named {name!r}; {hint}")
        self.name = name
        self.nearest = nearest


class BudgetSpent(CallerError):
    """The budget of a route is used up until tomorrow."""

    def __init__(self, route: str) -> None:
        super().__init__(f"the budget of {route!r} for today is spent; raise it in [budgets]")
        self.route = route


class CapReached(BudgetSpent):
    """A cap of [caps], of a budget or of a key leaves no room for the call.

    is_spent        False if it is only reserved by calls under way
    until           when the next period begins, as people write it; None: never
    retry_after_s   until a call may have room again; None: not by waiting
    """

    def __init__(
        self,
        cap: str,
        route: str,
        *,
        until: str | None,
        retry_after_s: float | None,
        is_spent: bool,
    ) -> None:
        self.cap = cap
        self.route = route
        self.is_spent = is_spent
        self.retry_after_s = retry_after_s
        if is_spent:
            end = f" until {until}" if until else ""
            text = f"the cap {cap!r} is spent{end}; an admin can raise it: windsock caps raise"
        else:
            text = (
                f"what is left of the cap {cap!r} is reserved by calls under way; try again in a "
                f"second, or ask for a shorter answer (max_tokens)"
            )
        CallerError.__init__(self, text)


class LimitReached(CallerError):
    """A key used up what it may use within a minute.

    retry_after_s   until this request may come again; None: it never may as it stands
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NoCandidate(CallerError):
    """Every deployment is ruled out; `reasons` tells why, per deployment id.

    is_lasting      True if no deployment could ever serve the request as it stands,
                    False if waiting may help (cooldown, missing price)
    retry_after_s   until the first cooldown ends, if cooldowns alone stand in the way
    cause           how the call ended that began a cooldown, one that passes by itself if any does
    words           what providers said then, by deployment; set by who remembers it
    """

    def __init__(
        self,
        route: str,
        reasons: Mapping[str, str],
        *,
        is_lasting: bool,
        retry_after_s: float | None = None,
        cause: str | None = None,
    ) -> None:
        super().__init__(route)
        self.route = route
        self.reasons = dict(reasons)
        self.cause = cause
        self.words: Mapping[str, str] = {}
        self.is_lasting = is_lasting
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        listed = "; ".join(
            f"{name}: {reason}" + (f": {self.words[name]}" if name in self.words else "")
            for name, reason in self.reasons.items()
        )
        return f"no deployment of {self.route!r} can serve this request ({listed})"


class ProviderError(WindsockError):
    """A provider failed."""


class FeedError(WindsockError):
    """A feed could not be fetched, read or believed."""

    def __init__(self, message: str, *, feed: str) -> None:
        super().__init__(f"feed {feed!r}: {message}")
        self.feed = feed


class ConfigError(WindsockError):
    """A file, key or value of the configuration is wrong; the text names it and the mend."""


class StoreError(WindsockError):
    """The database cannot be read or written.

    is_refusal  it is there and refuses us: waiting does not help, a person must mend it
    """

    def __init__(self, message: str, *, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal
