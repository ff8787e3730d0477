"""What people do to a running router: teach it, take that back, overrule an alarm or a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.evidence.how_known import HowKnown
from windsock.core.evidence.keys.key_watch import Dissent
from windsock.core.evidence.learner import Learner
from windsock.core.evidence.response_audit import ResponseAudit
from windsock.core.evidence.warm_start import PastResult, WarmStarts
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.routing.routes import RouteTable
from windsock.core.routing.weights.tables import WeightTables
from windsock.errors import BadRequest


class Operator:
    """Each verb acts on the next request."""

    def __init__(
        self,
        *,
        routes: RouteTable,
        beliefs: Beliefs,
        learner: Learner,
        warm_starts: WarmStarts,
        audit: ResponseAudit,
        tables: WeightTables,
    ) -> None:
        self._routes = routes
        self._beliefs = beliefs
        self._learner = learner
        self._warm_starts = warm_starts
        self._audit = audit
        self._tables = tables

    def teach(
        self,
        namespace: str,
        route: str,
        results: Sequence[PastResult],
        *,
        strength: float,
        now: float,
    ) -> int:
        """Start beliefs from past evaluations; the number takes them back.

        They are judgements: where they are more than a few, mere answers count no more, and the
        first feedback drops what answers had taught, but not the lesson.

        raises  UnknownRoute, BadRequest if a deployment is no candidate of the route
        """
        candidates = self._routes.resolve(RouteRequest(model=route)).candidates
        for result in results:
            if result.deployment not in candidates:
                raise BadRequest(
                    f"{result.deployment!r} is no candidate of {route!r}; its candidates are "
                    f"{', '.join(candidates)}",
                    param="deployment",
                )
        for result in results:
            cell = Cell.read(namespace, route, result.task)
            self._learner.count_judgement(cell, min(strength, result.count))
        number = self._warm_starts.add(namespace, route, results, strength=strength, now=now)
        self._tables.forget()
        return number

    def unteach(self, namespace: str, number: int) -> int:
        """Take a lesson back; how many rates it held; raises UnknownLesson if there is none."""
        held = self._warm_starts.take_back(namespace, number)
        self._tables.forget()
        return held

    def undo_alarm(self, namespace: str, route: str, deployment: str, now: float) -> list[Event]:
        """A person takes an alarm back: the belief from before it holds again.

        raises  BadRequest if no alarm is held against the deployment there
        """
        if not self._beliefs.quality.undo(namespace, route, deployment):
            raise BadRequest(
                f"no alarm is held against {deployment!r} on {route!r}; GET /v1/alarms lists them",
                param="deployment",
            )
        self._tables.forget()
        facts = {"namespace": namespace, "route": route}
        undone = Event(kind=EventKind.QUALITY_UNDONE, deployment=deployment, at=now, facts=facts)
        return [undone, *self.undo_redirect(deployment, now)]

    def silence_key(self, namespace: str, key: str, *, is_silent: bool, now: float) -> list[Event]:
        """Take a key's rewards out of the beliefs, as if it had said nothing; or count them again.

        raises  BadRequest if the key has said nothing in the namespace
        """
        self._learner.silence(namespace, key, is_silent=is_silent, now=now)
        self._tables.forget()
        kind = EventKind.KEY_SILENCED if is_silent else EventKind.KEY_HEARD
        return [Event(kind=kind, deployment="", at=now, facts={"namespace": namespace, "key": key})]

    def dissents(self, namespace: str) -> list[Dissent]:
        """Keys of a namespace whose rewards lie off from those of others."""
        return self._learner.dissents(namespace)

    def how_known(self, cell: Cell, deployment: str) -> HowKnown:
        """What success of a deployment at a task is known by."""
        taught = self._warm_starts.taught(cell, deployment)
        return replace(self._learner.how_known(cell, deployment), taught=taught)

    def is_label(self, cell: Cell, source: str) -> bool:
        """True of a source that knows what was right, by what the route of a cell says."""
        return self._learner.is_label(cell, source)

    def silenced(self, namespace: str) -> list[str]:
        """Keys of a namespace whose rewards were taken out."""
        held = self._learner.keys.silenced
        return sorted(key for key, place in held.items() if place == namespace)

    def redirect(self, deployment: str, served: str, now: float) -> list[Event]:
        """Bill a deployment from now on by the price of the model that answers for it."""
        return self._audit.redirect(deployment, served, now)

    def undo_redirect(self, deployment: str, now: float) -> list[Event]:
        """Bill a deployment by its own price again."""
        return self._audit.undo_redirect(deployment, now)
