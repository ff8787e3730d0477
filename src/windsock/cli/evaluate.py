"""`windsock evaluate`: the store's log, another configuration, and what would have become of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Engine

from windsock.app.catalog_parts import catalog_of
from windsock.app.feed_parts import own_quotes
from windsock.app.interpreter import seldom_collected
from windsock.app.route_parts import objective_of, router_of
from windsock.cli.stores import opened
from windsock.clock import Clock, SystemClock
from windsock.config.file import load
from windsock.config.settings import Settings
from windsock.core.model.calls import Outcome
from windsock.core.model.catalog import Catalog
from windsock.core.model.ticks import Quote
from windsock.core.routing.router import Router
from windsock.errors import ConfigError
from windsock.evaluation import report
from windsock.evaluation.counterfactual import Reconsideration, Reconsidered
from windsock.evaluation.evaluation import Evaluation, evaluation
from windsock.evaluation.log_scenario import Logbook, scenario_of, toml
from windsock.evaluation.logged_tables import LoggedTables
from windsock.evaluation.repricing import Repriced, repriced
from windsock.providers.presets import presets
from windsock.resources.declared import point
from windsock.simulation.world.scenario import load_scenario
from windsock.store import queries
from windsock.store.engine import by_one_connection

FRESH_S, FRESH_OUTCOMES = 60.0, 100
"""Weights are solved anew this long after new evidence, or after so many outcomes of a task."""


STORE = frozenset({"store"})
"""The table whose secrets are needed to evaluate."""


def evaluate(
    policy: Path | None,
    *,
    config: Path | None,
    environ: Mapping[str, str],
    since: str | None = None,
    prices: Sequence[str] = (),
    as_json: bool = False,
    clock: Clock | None = None,
) -> Evaluation:
    """Evaluate, print and return; raises ConfigError or StoreError in one sentence.

    policy      a windsock.toml with the routes in question; those of `config` if there is none
    config      whose store is read; that of `policy` if there is none
    since       such as 30d, or a date; the whole log without
    prices      PATTERN=xFACTOR or PATTERN=INPUT/OUTPUT
    """
    named = policy or config
    if named is None:
        raise ConfigError("name a --policy file, or run this where windsock.toml is")
    settings = load(named, environ, needs=STORE if named == (config or policy) else ())
    engine = opened(load(config or policy, environ, needs=STORE))
    begins = _begin(since, clock or SystemClock())
    found = evaluation(reconsidered(settings, engine, since=begins, prices=repriced(prices)))
    if as_json:
        print(report.as_json(found, policy=str(named), prices=prices))
    else:
        report.show(Console(), found, policy=str(named), prices=prices)
    return found


def write_world(
    folder: Path,
    *,
    config: Path | None,
    environ: Mapping[str, str],
    since: str | None = None,
    route: str | None = None,
    clock: Clock | None = None,
) -> Path:
    """The log as a scenario folder, for `windsock simulate`; raises ConfigError or StoreError.

    route   whose requests; the first of the configuration if none is named
    """
    if config is None:
        raise ConfigError("name the service's --config, or run this where windsock.toml is")
    target = folder / "scenario.toml"
    if target.exists():
        raise ConfigError(f"{target} is there already; name another folder")
    settings = load(config, environ, needs=STORE)
    name = route or next(iter(settings.routes), None)
    if name is None or name not in settings.routes:
        known = ", ".join(settings.routes) or "none"
        raise ConfigError(f"{config}: there is no route {name!r}; there are {known}")
    engine = opened(settings)
    begins = _begin(since, clock or SystemClock())
    body = scenario_of(_book(engine, name, begins), _quotes(engine), _aim(settings, name))
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(toml(body), encoding="utf-8")
    load_scenario(folder)
    return target


def _book(engine: Engine, route: str, begins: float) -> Logbook:
    book = Logbook()
    for entry in _watched(engine):
        is_other = isinstance(entry, Outcome) and (
            entry.decision.at < begins or entry.decision.cell.route != route
        )
        if not is_other:
            book.take(entry)
    return book


def _quotes(engine: Engine) -> dict[str, list[Quote]]:
    found: dict[str, list[Quote]] = {}
    for quote in sorted(queries.all_quotes(engine), key=lambda quote: quote.seen_at):
        found.setdefault(quote.deployment, []).append(quote)
    return found


def _aim(settings: Settings, name: str) -> dict[str, Any]:
    """The [route] table of a scenario."""
    objective = objective_of(settings.routes[name], settings)
    facts = {
        "objective": objective.kind,
        "quality": objective.quality,
        "incumbent": objective.incumbent,
        "route_quality_floor": objective.route_quality_floor,
        "usd_per_success": objective.usd_per_success,
        "usd_per_request": objective.usd_per_request,
        "usd_per_day": objective.usd_per_day,
        "explore": objective.explore,
    }
    given = {key: value for key, value in facts.items() if value is not None}
    return given | {"quality_floor": objective.quality_floor}


def reconsidered(
    settings: Settings,
    engine: Engine,
    *,
    since: float,
    prices: Repriced,
    fresh_s: float = FRESH_S,
) -> Reconsidered:
    """The log under these settings and prices."""
    catalog = catalog_of(settings, presets())
    known = {quote.deployment for quote in queries.last_quotes(engine)}
    prices.check(sorted(known | set(catalog.deployments)))
    router = _router(settings, catalog, fresh_s)
    own = own_quotes(settings, catalog, 0.0)
    router.book.restore([prices.applied(quote) for quote in own])

    with seldom_collected(), by_one_connection(engine) as store:
        tables = LoggedTables(store)
        again = Reconsideration(
            router,
            since=since,
            prices=prices,
            table_of=tables.of,
            keeps=frozenset(quote.deployment for quote in own),
        )
        return again.run(tables.ahead(_watched(store)))


def _watched(engine: Engine) -> Iterator[Any]:
    """Everything the log holds, with a bar while it is read."""
    total = queries.tail_size(engine)
    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("log", total=total)
        for entry in queries.tail(engine, -1):
            yield entry
            bars.advance(task)


def _router(settings: Settings, catalog: Catalog, fresh_s: float) -> Router:
    if not settings.routes:
        raise ConfigError("the policy file has no [routes]; add the ones to evaluate")
    facts = {"fresh_s": fresh_s, "fresh_outcomes": FRESH_OUTCOMES}
    return router_of(settings, catalog, has_priors=False, **facts)


def _begin(since: str | None, clock: Clock) -> float:
    try:
        return point(since, clock.now()) if since else 0.0
    except ValueError as error:
        raise ConfigError(f"--since: {error}") from None
