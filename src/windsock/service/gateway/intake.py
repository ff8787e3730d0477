"""What is asked, whether the key may ask it, and where the request goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from windsock.clock import Clock
from windsock.core.model.calls import LASTING
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.core.routing.timing import MAX_BACKOFF_S
from windsock.errors import BudgetSpent, NoCandidate, UnknownRoute
from windsock.service.auth import Access
from windsock.service.continuing import Continuing
from windsock.service.execution.uncalled import UncalledRequests
from windsock.service.gateway.call import Call
from windsock.service.key_limits import NO_LIMITS, KeyLimits, check_names
from windsock.service.texts.private import is_private
from windsock.wire.caller_fields.own_headers import wishes_in
from windsock.wire.caller_fields.own_names import no_header
from windsock.wire.formats.chat.reading import NAMING_HEADERS, read_chat
from windsock.wire.request import UpstreamRequest, as_reserved, with_native

Read = Callable[..., UpstreamRequest]
"""A body and the facts from its headers -> what routing needs; raises BadRequest."""

Meaning = Callable[[bytes], Awaitable[tuple[float, ...]]]
"""A chat body -> a few numbers, always as many."""

Words = Callable[[Iterable[str]], Mapping[str, str]]
"""Deployments -> what their providers said when they last refused for a reason that lasts."""


class RequestIntake:
    """Takes requests in. Of what stands in the way of one it raises, and others are told.

    has_meanings    what an embedding says of a prompt is among the features of its request
    """

    def __init__(
        self,
        *,
        router: Router,
        clock: Clock,
        access: Access,
        key_limits: KeyLimits,
        uncalled: UncalledRequests,
        continuing: Continuing,
        words_of: Words,
        on_unpriced: Callable[[], None],
        pass_headers: Iterable[str] = (),
        with_features: bool = False,
        meaning: Meaning | None = None,
    ) -> None:
        self._router = router
        self._clock = clock
        self._access = access
        self._key_limits = key_limits
        self._uncalled = uncalled
        self._continuing = continuing
        self._words_of = words_of
        self._on_unpriced = on_unpriced
        self._passed = frozenset(name.encode() for name in pass_headers)
        self._read_chat = partial(read_chat, with_features=with_features)
        self._meaning = meaning if with_features else None
        self.has_meanings = self._meaning is not None

    def read(self, call: Call, read: Read | None = None) -> UpstreamRequest:
        """What is asked, of a key that may; raises what stands in the way.

        read    of a chat, if none is given
        """
        principal = self._access.admit(call.presented, "infer", self._clock.now())
        call.allowance = self._key_limits.enter(principal)
        wishes = wishes_in(call.headers)
        header = no_header if NAMING_HEADERS.isdisjoint(call.headers) else call.header
        asked = (read or partial(self._read_chat, header=header))(
            call.body,
            task=wishes.task,
            namespace=principal.namespace,
            key_id=principal.key_id,
            deadline_s=wishes.deadline_s,
        )
        request = asked.request
        if principal.models:
            check_names(principal, (request.model, *request.models), self._router.resolve)
        if call.allowance is not NO_LIMITS:
            call.allowance.reserve(request.prompt_tokens, request.max_output_tokens)
        if passed := self._passed.intersection(call.headers):
            asked.headers += tuple((name, call.headers[name]) for name in passed)
        asked.is_private = is_private(principal, asked, wishes)
        native = call.native
        return asked if native is None else with_native(asked, native)

    async def understood(self, asked: UpstreamRequest) -> UpstreamRequest:
        """With what an embedding says of the prompt, where one is asked for, and a known home."""
        if asked.request.continues is not None:
            await self._continuing.find(asked)
        if self._meaning is None:
            return asked
        known = (*asked.request.features, *await self._meaning(asked.raw))
        return replace(asked, request=replace(asked.request, features=known))

    async def opened(self, asked: UpstreamRequest) -> Exchange:
        """`open`, once a candidate is back where all are left alone for a moment: each wait within
        the route's patience, all together MAX_BACKOFF_S at most, and before the caller's deadline.
        """
        waited_s, deadline_s = 0.0, asked.request.deadline_s
        while True:
            try:
                return self.open(asked)
            except NoCandidate as error:
                wait_s, left_s = error.retry_after_s, MAX_BACKOFF_S - waited_s
                if deadline_s is not None:
                    left_s = min(left_s, deadline_s - waited_s)
                if wait_s is None or wait_s > left_s or wait_s > self._patience_s(asked):
                    raise
            await asyncio.sleep(wait_s)
            waited_s += wait_s
            if deadline_s is not None:
                left = replace(asked.request, deadline_s=deadline_s - waited_s)
                asked = replace(asked, request=left)

    def _patience_s(self, asked: UpstreamRequest) -> float:
        return self._router.resolve(asked.request).patience_s

    def open(self, asked: UpstreamRequest) -> Exchange:
        """Decide where it goes first; raises what `Router.open` does, or BadRequest."""
        request = asked.request if self._router.caps.is_idle else as_reserved(asked)
        try:
            exchange = self._router.open(request, self._clock.now())
        except UnknownRoute:
            self._on_unpriced()
            raise
        except BudgetSpent as error:
            self._uncalled.refuse(asked.request, error)
            raise
        except NoCandidate as error:
            self._refuse_language(asked)
            if error.cause in LASTING:
                error.words = self._words_of(error.reasons)
            if not error.is_lasting and error.retry_after_s is None:
                self._on_unpriced()
            raise
        exchange.calls.body = asked.raw
        return exchange

    def _refuse_language(self, asked: UpstreamRequest) -> None:
        """Raises BadRequest if it can be said in one language only, and no candidate speaks it."""
        native = asked.native
        if native is not None and native.refusal is not None:
            known = self._router.catalog.deployments
            names = self._router.resolve(asked.request).candidates
            if not any(native.language in known[name].keeps_marks for name in names):
                raise native.refusal
