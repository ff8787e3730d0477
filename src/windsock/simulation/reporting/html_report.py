"""The report as one HTML file: no address outside it, no script needed to read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from windsock import __version__
from windsock.simulation.reporting import charts
from windsock.simulation.reporting.charts import table
from windsock.simulation.reporting.findings import OURS, Spread, Standing, of_case, standings
from windsock.simulation.reporting.scenario_inputs import inputs
from windsock.simulation.reporting.text_report import move_rows
from windsock.simulation.reporting.wording import (
    YARDSTICKS,
    dollars,
    headline,
    named,
    percent,
    ranged,
    seeds_sentence,
)
from windsock.simulation.sweeps.sweep import Sweep
from windsock.simulation.world.scenario import Scenario

THOUSAND = 1000
BELOW = "A policy below the quality floor is cheap because it gets more wrong. "


def html(scenario: Scenario, name: str, found: Sweep) -> str:
    """The whole file as text."""
    known = standings(found.results)
    every = list(dict.fromkeys(each.settings for each in known))
    sections = [_case(found.scenario(each), of_case(known, each)) for each in every]
    first = of_case(known, every[0]) if every else {}
    body = [
        _header(found.scenario(every[0]) if every else scenario, name, found, first),
        _settings(known) if len(sections) > 1 else "",
        *_folded(sections, known),
        inputs(scenario),
        f"<footer>windsock {__version__}. The same scenario and seeds give the same figures: "
        f"<code>windsock simulate {escape(name)}</code></footer>",
    ]
    filled = _static("report.html")
    for mark, text in (
        ("TITLE", escape(f"{name}: {scenario.title}")),
        ("STYLE", _static("colours.css", "windsock.resources") + _static("report.css")),
        ("BODY", "\n".join(body)),
        ("SCRIPT", _static("report.js")),
    ):
        filled = filled.replace(f"<!--{mark}-->", text)
    return filled


def _static(name: str, package: str = "windsock.simulation.reporting") -> str:
    return files(package).joinpath("static", name).read_text(encoding="utf-8")


def _header(scenario: Scenario, name: str, found: Sweep, first: dict[str, Standing]) -> str:
    about = f"<p class='about'>{escape(scenario.about.strip())}</p>" if scenario.about else ""
    return (
        f"<header><p class='name'>windsock <span>replay of {escape(name)}</span></p>"
        f"<h1>{escape(headline(scenario, first))}</h1>"
        f"<p class='lead'>{escape(seeds_sentence(first))} {escape(scenario.title)}.</p>"
        f"{_interrupted(found)}{_tiles(scenario, first)}{about}</header>"
    )


def _interrupted(found: Sweep) -> str:
    if found.is_whole:
        return ""
    whole = sum(result.summary.is_whole for result in found.results)
    return (
        f"<p class='warning' role='note'>Interrupted: {whole} of {found.asked} runs are whole. "
        "What follows is of the requests done by then.</p>"
    )


def _tiles(scenario: Scenario, standing: dict[str, Standing]) -> str:
    ours = standing.get(OURS)
    if ours is None:
        return ""
    run = ours.runs[0].summary
    tiles = [
        ("spent", dollars(ours.spend_usd.mean), _seeds(ours.spend_usd, form=",.4g")),
        ("answered rightly", percent(ours.success.mean, 2), f"of {run.requests:,} requests"),
        (
            "for a thousand right answers",
            dollars(ours.usd_per_success.mean * THOUSAND),
            _seeds(ours.usd_per_success, THOUSAND),
        ),
    ]
    oracle = standing.get("oracle")
    if oracle is not None:
        tiles.append(_beside_oracle(scenario, ours, oracle))
    moved = [shock.switch_requests for each in ours.runs for shock in each.summary.shocks]
    known = [requests for requests in moved if requests is not None]
    if known:
        tiles.append(
            ("requests until traffic moved", f"{max(known):,}", "at most, over all shocks")
        )
    return (
        "<dl class='tiles'>"
        + "".join(
            f"<div><dt>{what}</dt><dd>{value}<small>{note}</small></dd></div>"
            for what, value, note in tiles
        )
        + "</dl>"
    )


def _beside_oracle(scenario: Scenario, ours: Standing, oracle: Standing) -> tuple[str, str, str]:
    """By the objective's own measure."""
    route = scenario.route
    if route.objective != "value" or route.usd_per_success is None:
        above = ours.usd_per_success.mean / oracle.usd_per_success.mean - 1
        return "above the clairvoyant", percent(above), "per right answer"
    requests = ours.runs[0].summary.requests
    worth = route.usd_per_success * requests
    net, best = (worth * each.success.mean - each.spend_usd.mean for each in (ours, oracle))
    return "of what the clairvoyant earns", percent(net / best), "worth of answers less spend"


def _case(scenario: Scenario, standing: dict[str, Standing]) -> str:
    ours = standing.get(OURS) or next(iter(standing.values()))
    shocks = [shock.at_hour for shock in ours.runs[0].summary.shocks]
    moves = _moves(standing)
    return "".join(
        (
            "<section><h2>Prices moved, and traffic with them</h2>",
            charts.prices(scenario, ours.runs[0].trail, shocks),
            charts.shares(scenario, ours.runs, shocks),
            "</section>",
            f"<section><h2>What a right answer costs</h2>{_costs(scenario, standing)}</section>",
            f"<section><h2>What hindsight would have saved</h2>{lost}</section>"
            if (lost := charts.regret(scenario, standing))
            else "",
            f"<section><h2>When prices moved</h2>{moves}</section>" if moves else "",
            _strips(standing),
        )
    )


def _folded(sections: Sequence[str], known: Sequence[Standing]) -> list[str]:
    """Several cases each under their own heading, the first open."""
    if len(sections) < 2:
        return list(sections)
    labels = [_label(settings) for settings in dict.fromkeys(each.settings for each in known)]
    return [
        f"<details class='case'{' open' * (i == 0)}><summary>{label}</summary>{text}</details>"
        for i, (label, text) in enumerate(zip(labels, sections, strict=True))
    ]


def _costs(scenario: Scenario, standing: dict[str, Standing]) -> str:
    """Every policy, cheapest first; bars of cost per success with the range over seeds."""
    ordered = sorted(standing.values(), key=lambda each: each.usd_per_success.mean)
    most = max(each.usd_per_success.most for each in ordered)
    floor = scenario.route.quality_floor
    rows = [_cost_row(each, most, floor) for each in ordered]
    head = ["policy", "for a thousand right answers", "spent", "right", "windsock saves", "that is"]
    misses = any("miss" in row[3] for row in rows)
    return table(head, rows) + (
        f"<p class='note'>{BELOW * misses}The oracle and the best choice in hindsight know what "
        "nobody can; they are yardsticks. Bars show the mean over seeds, whiskers the range.</p>"
    )


def _cost_row(each: Standing, most: float, floor: float | None) -> list[str]:
    saved = share = ""
    if each.saved_usd is not None and each.saved_share is not None:
        saved = dollars(each.saved_usd.mean)
        share = percent(each.saved_share.mean) if each.saved_usd.mean > 0 else ""
    kind = "ours" if each.policy == OURS else "stick" if each.policy in YARDSTICKS else ""
    return [
        f"<span class='policy {kind}'>{escape(named(each.policy))}</span>",
        f"{_bar(each.usd_per_success, most, kind)}"
        f"<span class='value'>{dollars(each.usd_per_success.mean * THOUSAND)}</span>",
        dollars(each.spend_usd.mean),
        _right(each, floor),
        saved,
        share,
    ]


def _right(each: Standing, floor: float | None) -> str:
    misses = floor is not None and each.success.mean < floor - 0.005
    told = f"<small class='miss'>below {percent(floor or 0, 0)}</small>" if misses else ""
    return told + percent(each.success.mean, 2)


def _bar(value: Spread, most: float, kind: str) -> str:
    wide = 220 / most if most else 0.0
    low, high = value.least * wide, value.most * wide
    return (
        f'<svg class="bar {kind}" viewBox="0 0 224 14" width="224" height="14" aria-hidden="true">'
        f'<rect x="0" y="2" width="{value.mean * wide:.1f}" height="10" rx="2"/>'
        f'<path class="whisker" d="M{low:.1f} 7H{high:.1f}M{low:.1f} 4V10M{high:.1f} 4V10"/></svg>'
    )


def _moves(standing: dict[str, Standing]) -> str:
    ours = standing.get(OURS)
    if ours is None or not ours.runs[0].summary.shocks:
        return ""
    rows = [
        [escape(row[0]), escape(row[1]), *row[2:]]
        for row in move_rows([run.summary for run in ours.runs])
    ]
    head = [
        "deployment",
        "task it moves most",
        "hour",
        "share before",
        "new split",
        "share at the end",
        "requests until moved",
    ]
    return table(head, rows, left=2) + (
        "<p class='note'>The new split is what the same beliefs give under the new price; traffic "
        "counts as moved when nine tenths of the way are done.</p>"
    )


def _strips(standing: dict[str, Standing]) -> str:
    """One dot a seed: cost per success of every policy on one scale."""
    if max(len(each.runs) for each in standing.values()) < 2:
        return ""
    costs = [run.summary.cost_per_success_usd for each in standing.values() for run in each.runs]
    low, high = min(costs), max(costs)
    rows = [
        [
            escape(named(policy)),
            _dots([run.summary.cost_per_success_usd for run in each.runs], low, high, policy),
            ranged(each.usd_per_success, THOUSAND),
            ranged(each.success, 100, ".2f"),
        ]
        for policy, each in standing.items()
    ]
    head = [
        "policy",
        "one dot a seed, dollars for a thousand right answers",
        "range, $",
        "range of success, %",
    ]
    return f"<section><h2>How far chance moves it</h2>{table(head, rows)}</section>"


def _dots(costs: Sequence[float], low: float, high: float, policy: str) -> str:
    wide = 340 / ((high - low) or 1.0)
    dots = "".join(f'<circle cx="{10 + (cost - low) * wide:.1f}" cy="9" r="4"/>' for cost in costs)
    kind = "ours" if policy == OURS else ""
    return (
        f'<svg class="dots {kind}" viewBox="0 0 360 18" width="360" height="18" aria-hidden="true">'
        f'<line x1="4" x2="356" y1="9" y2="9"/>{dots}</svg>'
    )


def _settings(known: Sequence[Standing]) -> str:
    """What each variant of the scenario came to."""
    ours = [each for each in known if each.policy == OURS] or list(known)
    most = max(each.usd_per_success.most for each in ours)
    rows = [
        [
            _label(each.settings),
            escape(named(each.policy)),
            f"{_bar(each.usd_per_success, most, 'ours')}"
            f"<span class='value'>{dollars(each.usd_per_success.mean * THOUSAND)}</span>",
            dollars(each.spend_usd.mean),
            percent(each.success.mean, 2),
        ]
        for each in ours
    ]
    head = ["setting", "policy", "for a thousand right answers", "spent", "right"]
    return f"<section><h2>Settings side by side</h2>{table(head, rows, left=2)}</section>"


def _label(settings: Sequence[tuple[str, Any]]) -> str:
    return (
        escape(", ".join(f"{key} = {json.dumps(value)}" for key, value in settings)) or "as it is"
    )


def _seeds(found: Spread, scale: float = 1.0, form: str = ".4g") -> str:
    text = ranged(found, scale, form)
    return f"{text} over seeds" if text else "one seed"
