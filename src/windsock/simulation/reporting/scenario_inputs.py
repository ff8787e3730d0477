"""What was put in: the scenario in tables, and whole as JSON."""

from __future__ import annotations

import json
from html import escape

from windsock.simulation.reporting.charts import table
from windsock.simulation.reporting.wording import percent, span
from windsock.simulation.world.scenario import EVENTS, Scenario

ASIDE = ("at_hour", "deployment", "from_hour", "to_hour")


def inputs(scenario: Scenario) -> str:
    """A section of tables."""
    whole = json.dumps(scenario.model_dump(mode="json"), indent=2)
    events = _events(scenario)
    return "".join(
        (
            "<section><h2>What was put in</h2>",
            f"<p class='note'>{escape(_sentence(scenario))}</p>",
            _deployments(scenario),
            _tasks(scenario),
            events,
            "<details class='twin'><summary>Every input as JSON</summary>"
            f"<pre>{escape(whole)}</pre></details></section>",
        )
    )


def _sentence(scenario: Scenario) -> str:
    route = scenario.route
    floor = "" if route.quality_floor is None else f", quality floor {route.quality_floor:g}"
    return (
        f"{span(scenario.hours)} from {scenario.starts_at}, about "
        f"{scenario.requests_per_hour:,.0f} requests an hour; objective {route.objective}{floor}, "
        f"explore {route.explore:g}; {scenario.feedback_share:.0%} of the answers judged after "
        f"{scenario.feedback_delay_s:g} s; feeds polled every {scenario.poll_s:g} s. Success rates "
        "are the scenario's own, prices in dollars per million tokens."
    )


def _deployments(scenario: Scenario) -> str:
    tasks = list(scenario.tasks)
    rows = [
        [
            escape(name),
            f"{place.input:g}",
            f"{place.output:g}",
            f"{place.latency_s:g} s",
            percent(place.failure_share, 0),
            *(percent(place.quality[task]) for task in tasks),
        ]
        for name, place in scenario.deployments.items()
    ]
    right = [f"right at {escape(task)}" for task in tasks]
    return table(["deployment", "input $", "output $", "latency", "fails", *right], rows)


def _tasks(scenario: Scenario) -> str:
    total = sum(task.share for task in scenario.tasks.values())
    rows = [
        [
            escape(name),
            percent(task.share / total),
            f"{task.prompt_tokens:,.0f}",
            f"{task.output_tokens:,.0f}",
            percent(task.cached_share, 0),
        ]
        for name, task in scenario.tasks.items()
    ]
    return table(["task", "share", "prompt tokens", "answer tokens", "cached"], rows)


def _events(scenario: Scenario) -> str:
    """Everything that happens, in order of time."""
    found = []
    for kind in (*EVENTS, "silences", "surges"):
        for each in getattr(scenario, kind):
            facts = each.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            hour = facts.get("at_hour", facts.get("from_hour", 0.0))
            rest = ", ".join(
                f"{key} {value}" for key, value in facts.items() if key not in ASIDE[:3]
            )
            row = [f"{hour:g}", kind.rstrip("s"), facts.get("deployment", ""), rest]
            found.append((hour, [escape(str(cell)) for cell in row]))
    if not found:
        return ""
    ordered = [row for _, row in sorted(found, key=lambda pair: pair[0])]
    return table(["hour", "what", "deployment", "how"], ordered, left=4)
