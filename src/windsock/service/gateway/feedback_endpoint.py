"""The value of an answer, as clients report it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import orjson

from windsock.clock import Clock
from windsock.core.evidence.judgements import Credit
from windsock.core.model.rewards import Reward
from windsock.errors import BadRequest
from windsock.service.auth import Access, Principal
from windsock.service.error_responses import Problem
from windsock.service.feedback_inbox import FeedbackInbox, FindNamed, UnknownDecision
from windsock.service.gateway.call import Call
from windsock.service.use.reader import EDIT
from windsock.wire.caller_fields.complaints import no_json
from windsock.wire.caller_fields.names import check_length, check_name
from windsock.wire.scores.words import plain

NAMES = ("decision_id", "response_id", "id", "inference_id", "request_id", "trace_id")
"""Under which clients name what they judge."""

VALUES = ("value", "score", "thumb")
"""Fields that say what an answer was worth; the first that is not null counts."""

THUMBS = {"up": 1.0, "thumbs up": 1.0, "👍": 1.0, "down": 0.0, "thumbs down": 0.0, "👎": 0.0}
"""What buttons send."""

THUMB = "use:thumbs"
"""The source of thumbs: people's, of whom some press one."""

Kept = Callable[[str, str], float | None]
"""(id of a decision, what was used) -> 0..1."""

MAX_NAME_CHARS = 255
"""Of a metric, a source or an idempotency key: they are kept as long as their decision is."""


class FeedbackEndpoint:
    """POST /v1/feedback: the value of an answer, late, partial or twice.

    only_own    True where keys may judge their own decisions alone
    kept        of a decision's answer in what was used of it, 0..1; None where it is not held
    """

    def __init__(
        self,
        *,
        access: Access,
        feedbacks: FeedbackInbox,
        clock: Clock,
        only_own: Callable[[], bool],
        kept: Kept,
    ) -> None:
        self._only_own = only_own
        self._kept = kept
        self._access = access
        self._feedbacks = feedbacks
        self._clock = clock

    async def __call__(self, call: Call) -> None:
        """Answers 404 where no such decision is known to the key; raises BadRequest."""
        principal = admitted(call, self._access, "feedback", self._clock.now())
        asked = _asked(call.body)
        name = decision_name(asked)
        try:
            reward = await self._reward(asked, name, principal)
            credit, is_duplicate = await self._feedbacks.observe(
                name,
                reward,
                principal.namespace,
                _idempotency_key(call),
                only_own=self._only_own() and principal.key_id is not None,
            )
        except UnknownDecision as error:
            await call.refuse(Problem.of(404, str(error), param="decision_id"))
            return
        body = credit_view(name, credit, is_duplicate=is_duplicate)
        if reward.source == "confidence":
            rate, to = self._feedbacks.advice(name, principal.namespace, reward.value)
            body["confidence"] = {"measured_success": rate, "escalate_to": to}
        await call.answer(200, orjson.dumps(body))

    async def _reward(self, asked: dict[str, Any], name: str, principal: Principal) -> Reward:
        """What is said, or how much of the answer was used; raises BadRequest, UnknownDecision."""
        used = asked.get("final_text")
        if used is None or any(asked.get(name) is not None for name in VALUES):
            return reward_of(asked, principal)
        if not isinstance(used, str):
            raise BadRequest("final_text must be a text", param="final_text")
        find = self._feedbacks.finder(principal.namespace)
        value = await share_kept(find, self._kept, (name,), used)
        return reward_of({"source": EDIT, **asked, "value": value}, principal)


async def share_kept(find: FindNamed, kept: Kept, names: Collection[str], used: str) -> float:
    """0..1, how much of an answer was left in what was used.

    raises  UnknownDecision, and BadRequest where the answer's text is not held
    """
    decision_id = await find(names)
    if decision_id is None:
        raise UnknownDecision(f"no decision {next(iter(names), '')!r} is known to this key")
    share = await asyncio.to_thread(kept, decision_id, used)
    if share is None:
        raise BadRequest(
            "the answer is not held in memory, so nothing tells how much of it was used; set "
            "learn_from_use = true in its route, or send a value",
            param="final_text",
        )
    return share


def admitted(call: Call, access: Access, scope: str, now: float) -> Principal:
    """Who calls, by the key in the headers; raises what `Access.admit` does."""
    return access.admit(call.presented, scope, now)


def credit_view(name: str, credit: Credit, *, is_duplicate: bool) -> dict[str, Any]:
    """What was made of a reward, as it is answered."""
    belief = credit.belief
    return {
        "decision_id": name,
        "deployment": credit.deployment,
        "route": credit.cell.route,
        "task": credit.cell.name,
        "is_duplicate": is_duplicate,
        "counted": {"weight": credit.weight * credit.part, "value": credit.value},
        "posterior": {
            "success_mean": belief.mean,
            "success_interval": [belief.low, belief.high],
            "effective_samples": belief.effective_samples,
        },
    }


def decision_name(asked: dict[str, Any]) -> str:
    """The decision's or the answer's id, under any of the names that clients use."""
    for name in NAMES:
        if isinstance(asked.get(name), str) and asked[name]:
            return check_length(str(asked[name]), name, most=MAX_NAME_CHARS)
    raise BadRequest(
        "decision_id is missing; send the x-windsock-decision-id of the answer", param="decision_id"
    )


def reward_of(asked: dict[str, Any], principal: Principal) -> Reward:
    """The reported value as a reward; raises BadRequest, also on names that are too long."""
    value = next((asked[name] for name in VALUES if asked.get(name) is not None), None)
    source = "explicit"
    if isinstance(value, str) and plain(value) in THUMBS:
        value, source = THUMBS[plain(value)], THUMB
    if isinstance(value, bool):
        value = float(value)
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRequest(
            "value must be true, false or a number from 0 to 1; other scales are told by "
            "POST /v1/feedback/rows with scale = [WORST, BEST]",
            param="value",
        )
    return Reward(
        value=float(value),
        source=_name(asked.get("source"), "source") or source,
        metric=_name(asked.get("metric") or asked.get("metric_name"), "metric"),
        key_id=principal.key_id,
    )


def _name(stated: Any, param: str) -> str:
    """A text that is kept as a name, empty where none is stated; raises BadRequest."""
    if not isinstance(stated, str | None):
        raise BadRequest(f"{param} must be a text", param=param)
    return check_name((stated or "").strip(), param, most=MAX_NAME_CHARS)


def _idempotency_key(call: Call) -> str | None:
    key = call.header(b"idempotency-key")
    return None if key is None else check_length(key, "idempotency-key", most=MAX_NAME_CHARS)


def _asked(raw: bytes) -> dict[str, Any]:
    try:
        asked = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise no_json(raw, error) from error
    if not isinstance(asked, dict):
        raise BadRequest("the body must be an object with decision_id and value")
    return asked
