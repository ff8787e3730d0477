"""What requests use, and what each deployment holds of each conversation in one run."""

from __future__ import annotations

from windsock.core.model.calls import CallKind, CallResult
from windsock.core.model.units import Usage
from windsock.simulation.world.conditions import Task
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.traffic import SimulatedRequest


class PromptCaches:
    """Of one run: another policy fills others."""

    def __init__(self, scenario: Scenario) -> None:
        self._ttl_s = {name: each.cache_ttl_s for name, each in scenario.deployments.items()}
        self._held: dict[tuple[str, str], tuple[int, float]] = {}

    def held_tokens(self, ask: SimulatedRequest, deployment: str, at: float) -> int | None:
        """Tokens of this prompt that are there; None for requests that stand alone."""
        if ask.session is None:
            return None
        tokens, until = self._held.get((ask.session, deployment), (0, 0.0))
        return min(tokens, ask.prompt_tokens) if at < until else 0

    def fill(self, ask: SimulatedRequest, result: CallResult, at: float) -> None:
        """A call has ended that began at `at`; what it has read is held from then on."""
        name = result.attempt.deployment
        if ask.session is not None and result.kind is CallKind.ANSWERED:
            self._held[ask.session, name] = ask.prompt_tokens, at + self._ttl_s[name]


def usage_of(
    task: Task, prompt_tokens: int, output_tokens: int, held_tokens: int | None = None
) -> Usage:
    """Counted use of one request, its cached part apart; as usual at its task if not stated."""
    cached = int(task.cached_share * prompt_tokens)
    if held_tokens is not None:
        cached = min(held_tokens, prompt_tokens)
    return Usage(
        input_tokens=prompt_tokens - cached, cache_read_tokens=cached, output_tokens=output_tokens
    )
