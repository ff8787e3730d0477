"""What a log says of traffic to come: who asked for what, how long answers were."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from windsock.core.model.calls import CallKind, Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.rewards import Feedback
from windsock.errors import ConfigError
from windsock.evaluation.log_scenario import FAILED

LEAST_REQUESTS = 50

MOST_TASKS = 100
"""Tasks that are rehearsed each by itself, those with most requests: callers may name them as they
like, and a table is solved for each of them. The others are taken for one, OTHERS."""

OTHERS = "(others)"

USUAL_RATIO = 6.25
"""Answers that a deployment's length at a task is given from its length at all, and that from the
mean of all: models differ by 1/sqrt(USUAL_RATIO), answers of one model by about their mean."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the log.

    at              unix s
    output_tokens   as a deployment of mean length would have answered
    cached_share    of its prompt, 0..1
    session         of the conversation that it belongs to, None if it stands alone
    """

    at: float
    task: str
    prompt_tokens: int
    output_tokens: float
    cached_share: float
    session: str | None


@dataclass(slots=True)
class Calls:
    """Of one deployment. latency_s, first_s: sums over answers."""

    calls: int = 0
    failed: int = 0
    answers: int = 0
    latency_s: float = 0.0
    first_s: float = 0.0

    @property
    def failure_share(self) -> float:
        """Of its calls."""
        return self.failed / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedTraffic:
    """Requests of one route in one namespace, in order of time, and what became of them.

    hits            by deployment: of a prompt that it holds, the share that it billed as read
    lengths         by (task, deployment): its answers' length, 1.0 is the mean of the task
    answers         that were counted for it, by (task, deployment)
    judged_share    of answers, by task
    judged_after_s  mean
    judged          answers that were, by (task, deployment)
    left_out        requests of other namespaces
    pooled          tasks that are taken for one, OTHERS
    """

    namespace: str
    asked: tuple[Asked, ...]
    calls: Mapping[str, Calls]
    hits: Mapping[str, float]
    lengths: Mapping[tuple[str, str], float]
    answers: Mapping[tuple[str, str], int]
    judged_share: Mapping[str, float]
    judged_after_s: float
    judged: Mapping[tuple[str, str], int]
    left_out: int
    pooled: int = 0

    @property
    def tasks(self) -> tuple[str, ...]:
        """All that were asked for."""
        return tuple(sorted({each.task for each in self.asked}))

    @property
    def span_s(self) -> float:
        """From the first request to the last."""
        return self.asked[-1].at - self.asked[0].at


def logged_traffic(entries: Iterable[object], route: str, since: float) -> LoggedTraffic:
    """The traffic of a route; raises ConfigError where the log is too short to tell anything."""
    outcomes, judged_at = _read(entries, route, since)
    by_namespace: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_namespace[outcome.decision.cell.namespace].append(outcome)
    namespace = max(by_namespace, key=lambda name: len(by_namespace[name]), default="")
    mine = sorted(by_namespace.get(namespace, ()), key=lambda each: each.decision.at)
    if len(mine) < LEAST_REQUESTS:
        raise ConfigError(
            f"the log holds {len(mine)} answered requests of route {route!r} in this time, and a "
            f"rehearsal needs {LEAST_REQUESTS}; let it run, or name another --route or --since"
        )
    mine, pooled = _pooled(mine)
    answers = Counter((each.decision.cell.task, each.served or "") for each in mine)
    lengths, talks = _lengths(mine), Counter(_session(each.decision) for each in mine)
    delays = [
        judged_at[each.decision.id] - each.finished_at
        for each in mine
        if each.decision.id in judged_at
    ]
    return LoggedTraffic(
        namespace=namespace,
        asked=tuple(_asked(each, lengths, talks) for each in mine),
        calls=_calls(mine),
        hits=_hits(mine),
        lengths=lengths,
        answers=answers,
        judged_share=_judged_shares(mine, judged_at),
        judged_after_s=max(0.0, sum(delays) / len(delays)) if delays else 0.0,
        judged=_judged(mine, judged_at),
        left_out=len(outcomes) - len(mine),
        pooled=pooled,
    )


def _pooled(outcomes: list[Outcome]) -> tuple[list[Outcome], int]:
    """Those of MOST_TASKS tasks as they are, others as of one task; how many that stands for."""
    requests = Counter(each.decision.cell.task for each in outcomes)
    if len(requests) <= MOST_TASKS:
        return outcomes, 0
    told = {task for task, _ in requests.most_common(MOST_TASKS)}

    def taken(outcome: Outcome) -> Outcome:
        decision = outcome.decision
        if decision.cell.task in told:
            return outcome
        cell = decision.cell._replace(task=OTHERS)
        return replace(outcome, decision=replace(decision, cell=cell))

    return [taken(each) for each in outcomes], len(requests) - MOST_TASKS


def _read(
    entries: Iterable[object], route: str, since: float
) -> tuple[list[Outcome], dict[str, float]]:
    """Answered requests, and when each decision was first judged."""
    outcomes: list[Outcome] = []
    judged_at: dict[str, float] = {}
    for entry in entries:
        if isinstance(entry, Feedback):
            judged_at.setdefault(entry.decision_id, entry.at)
        elif isinstance(entry, Outcome) and _is_wanted(entry, route, since):
            outcomes.append(entry)
    return outcomes, judged_at


def _is_wanted(outcome: Outcome, route: str, since: float) -> bool:
    decision = outcome.decision
    is_answered = outcome.served is not None and outcome.usage is not None
    return (
        decision.cell.route == route
        and decision.at >= since
        and is_answered
        and not outcome.is_cached
    )


def _asked(
    outcome: Outcome, lengths: Mapping[tuple[str, str], float], talks: Mapping[str | None, int]
) -> Asked:
    """A request; a session of one turn is none."""
    session = _session(outcome.decision)
    usage, decision = outcome.usage, outcome.decision
    assert usage is not None and outcome.served is not None  # as _is_wanted
    sent = max(1, usage.prompt_tokens)
    return Asked(
        at=decision.at,
        task=decision.cell.task,
        prompt_tokens=sent,
        output_tokens=usage.completion_tokens / lengths[decision.cell.task, outcome.served],
        cached_share=min(1.0, usage.cache_read_tokens / sent),
        session=session if talks[session] > 1 else None,
    )


def _session(decision: Decision) -> str | None:
    facts = decision.conversation
    return None if facts is None else facts.session


def _hits(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Over turns that went where the turn before them had gone."""
    homes: dict[str, tuple[str, int]] = {}
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for outcome in outcomes:
        session, served, usage = _session(outcome.decision), outcome.served, outcome.usage
        if session is None or served is None or usage is None:
            continue
        home, held = homes.get(session, ("", 0))
        if home == served:
            sums[served][0] += min(held, usage.prompt_tokens)
            sums[served][1] += usage.cache_read_tokens
        homes[session] = served, usage.prompt_tokens
    return {name: min(1.0, read / held) for name, (held, read) in sums.items() if held}


def _lengths(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], float]:
    """Also of pairs that were not seen together: as the deployment's answers to other tasks."""
    by_place: dict[tuple[str, str], list[float]] = defaultdict(list)
    for outcome in outcomes:
        tokens = float(outcome.usage.completion_tokens)  # type: ignore[union-attr]
        by_place[outcome.decision.cell.task, outcome.served or ""].append(tokens)
    ratios = _to_the_mean_of_its_task(by_place)
    by_name: dict[str, list[float]] = defaultdict(list)
    for (_, name), held in ratios.items():
        by_name[name] += held
    usual = {name: _leaned(held, 1.0) for name, held in by_name.items()}
    tasks = {task for task, _ in by_place}
    return {
        (task, name): max(0.01, _leaned(ratios.get((task, name), []), usual[name]))
        for task in tasks
        for name in usual
    }


def _to_the_mean_of_its_task(
    by_place: Mapping[tuple[str, str], list[float]],
) -> dict[tuple[str, str], list[float]]:
    by_task: dict[str, list[float]] = defaultdict(list)
    for (task, _), held in by_place.items():
        by_task[task] += held
    means = {task: sum(held) / len(held) or 1.0 for task, held in by_task.items()}
    return {
        place: [tokens / means[place[0]] for tokens in held] for place, held in by_place.items()
    }


def _leaned(held: list[float], usual: float) -> float:
    """The mean of these, with USUAL_RATIO more of the usual."""
    return (sum(held) + USUAL_RATIO * usual) / (len(held) + USUAL_RATIO)


def _calls(outcomes: Iterable[Outcome]) -> dict[str, Calls]:
    found: dict[str, Calls] = defaultdict(Calls)
    for outcome in outcomes:
        for result in outcome.results:
            sums = found[result.attempt.deployment]
            sums.calls += 1
            sums.failed += result.kind in FAILED
            if result.kind is CallKind.ANSWERED:
                sums.answers += 1
                sums.latency_s += result.latency_s
                sums.first_s += result.first_byte_s or result.latency_s / 2
    return dict(found)


def _judged_shares(outcomes: Iterable[Outcome], judged_at: Mapping[str, float]) -> dict[str, float]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for outcome in outcomes:
        held = counts[outcome.decision.cell.task]
        held[0] += 1
        held[1] += outcome.decision.id in judged_at
    return {task: judged / count for task, (count, judged) in counts.items()}


def _judged(
    outcomes: Iterable[Outcome], judged_at: Mapping[str, float]
) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for outcome in outcomes:
        if outcome.decision.id in judged_at:
            counts[outcome.decision.cell.task, outcome.served or ""] += 1
    return dict(counts)
