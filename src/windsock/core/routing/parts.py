"""What a router is made of; any part can be replaced before the router is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.cascades.confidence import Confidences
from windsock.core.evidence.learner import Learner
from windsock.core.evidence.response_audit import ResponseAudit
from windsock.core.evidence.warm_start import WarmStarts
from windsock.core.model.catalog import Catalog
from windsock.core.model.requests import Cell
from windsock.core.policies.protocol import Policy
from windsock.core.pricing.book import PriceBook
from windsock.core.resilience.availability import Availability
from windsock.core.resilience.concurrency import ConcurrencyLimits
from windsock.core.resilience.health import HealthBoard
from windsock.core.resilience.hedging import Hedging
from windsock.core.resilience.retry_budget import RetryBudget
from windsock.core.routing.caller_order import CallerOrder
from windsock.core.routing.caps.book import CapBook
from windsock.core.routing.caps.tab import Tabs
from windsock.core.routing.cascading.escalations import Escalations
from windsock.core.routing.conversations.affinity import Conversations
from windsock.core.routing.conversations.state_bindings import StateBindings
from windsock.core.routing.conversations.tables import ConversationTables
from windsock.core.routing.dispatch import Dispatcher
from windsock.core.routing.operator import Operator
from windsock.core.routing.routes import Route, RouteTable
from windsock.core.routing.sizes.prompt_sizes import PromptSizeBook
from windsock.core.routing.weights.freshness import FRESH_OUTCOMES, FRESH_S
from windsock.core.routing.weights.tables import WeightTables


class Forgets(Protocol):
    """What knows of cells, and forgets those that are no more."""

    def forget(self, cells: frozenset[Cell]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterParts:
    """Parts that know of each other; `parts_of` makes them fit.

    seed            makes every draw: the same seed and decision number draw alike
    first_number    of decisions and tables; must lie above all numbers used before
    """

    seed: int
    first_number: int
    catalog: Catalog
    routes: RouteTable
    book: PriceBook
    beliefs: Beliefs
    health: HealthBoard
    limits: ConcurrencyLimits
    availability: Availability
    conversations: Conversations
    conversation_tables: ConversationTables
    confidences: Confidences
    learner: Learner
    warm_starts: WarmStarts
    audit: ResponseAudit
    tables: WeightTables
    retries: RetryBudget
    dispatcher: Dispatcher
    caller_order: CallerOrder
    operator: Operator
    tabs: Tabs


def parts_of(
    *,
    catalog: Catalog,
    routes: Mapping[str, Route],
    book: PriceBook,
    beliefs: Beliefs,
    default_policy: Callable[[str], Policy],
    health: HealthBoard | None = None,
    seed: int = 0,
    first_number: int = 0,
    fresh_s: float = FRESH_S,
    fresh_outcomes: int = FRESH_OUTCOMES,
    limits: ConcurrencyLimits | None = None,
    retries: RetryBudget | None = None,
    hedging: Hedging | None = None,
    caps: CapBook | None = None,
) -> RouterParts:
    """All parts of a router, those that are not given with their defaults.

    default_policy  policy of a deployment or model that is asked for by its own name
    fresh_s         weights are solved anew this long after new evidence, if not before
    fresh_outcomes  or after so many rewards and outcomes of a task
    limits          how many calls each provider takes at a time
    """
    health, limits = health or HealthBoard(), limits or ConcurrencyLimits()
    retries, hedging = retries or RetryBudget(), hedging or Hedging()
    by_name = RouteTable(catalog, routes, default_policy)
    confidences, warm_starts = Confidences(beliefs.settings), WarmStarts(beliefs)
    learner, sizes = Learner(beliefs, confidences, by_name.evidence_of), PromptSizeBook()
    audit = ResponseAudit(catalog=catalog, book=book, beliefs=beliefs)
    availability = Availability(catalog=catalog, book=book, health=health, limits=limits)
    tables = WeightTables(
        catalog=catalog, book=book, beliefs=beliefs, health=health, confidences=confidences,
        first_version=first_number, fresh_s=fresh_s, fresh_outcomes=fresh_outcomes, sizes=sizes,
        forget=_forgetting(beliefs, confidences, learner, sizes),
    )  # fmt: skip
    conversations = Conversations(
        catalog=catalog,
        beliefs=beliefs,
        is_judged=lambda cell: learner.is_judged(cell) or warm_starts.has_taught(cell),
    )
    caller_order = CallerOrder(
        catalog, health, tables, by_name, StateBindings(catalog, tables, conversations.home)
    )
    dispatcher = Dispatcher(
        seed=seed, availability=availability, retries=retries, hedging=hedging,
        escalations=Escalations(confidences, availability, tables.ruled_out),
        usd_elsewhere=caller_order.usd_per_success,
    )  # fmt: skip
    operator = Operator(
        routes=by_name, beliefs=beliefs, learner=learner, warm_starts=warm_starts, audit=audit,
        tables=tables,
    )  # fmt: skip
    turns = ConversationTables(conversations=conversations, book=book, tables=tables)
    tabs = Tabs(caps=caps or CapBook(), catalog=catalog, book=book, payer=by_name.payer)
    return RouterParts(
        seed=seed, first_number=first_number, catalog=catalog, routes=by_name, book=book,
        beliefs=beliefs, health=health, limits=limits, availability=availability,
        conversations=conversations, conversation_tables=turns, confidences=confidences,
        learner=learner, warm_starts=warm_starts, audit=audit, tables=tables, retries=retries,
        dispatcher=dispatcher, caller_order=caller_order, operator=operator, tabs=tabs,
    )  # fmt: skip


def _forgetting(*known: Forgets) -> Callable[[frozenset[Cell]], None]:
    """Makes all of these forget what they know of cells."""

    def forget(cells: frozenset[Cell]) -> None:
        for each in known:
            each.forget(cells)

    return forget
