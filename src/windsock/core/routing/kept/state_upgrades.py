"""States that an earlier windsock wrote, brought to the form that `Router.to_state` writes now.

A state holds its `version`; one without is of version 0. A function a version takes a state one
step on, so that what reads a state knows one form only. States are changed in place: they were
parsed for this and nobody else holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from windsock.core.beliefs.drift.change_detection import RECOVERY
from windsock.core.model.units import MIX_METERS

State = dict[str, Any]

TALLY = 3
"""Where calls since an alarm stand in the state of a watch; when it recovers was not among them."""

CHECKS = "\x00checks"
"""The key under which checks had an account."""

UNITS = -1
"""Where the units of each meter stand in the state of a belief's row: last."""


def upgraded(state: Mapping[str, Any]) -> State:
    """The same state in the form of VERSION; raises ValueError if it is of a later one."""
    made = dict(state)
    version = int(made.get("version", 0))
    if version > VERSION:
        raise ValueError(f"written by a later windsock: version {version}, {VERSION} is known here")
    for upgrade in UPGRADES[version:]:
        upgrade(made)
    _pad_units(made)
    _add(made, traffic=[])  # an earlier windsock of this version neither writes nor minds it
    made["version"] = VERSION
    return made


def _from_0(state: State) -> None:
    """What was added before states had a version: each of these may be missing."""
    _add(state, confidences={"curves": [], "seen": [], "rows": []})
    served = state.pop("served", {})
    state.pop("bills", None)
    _add(state, scrutiny={"bills": {}, "served": served, "redirects": {}})
    _complete_rewards(state)
    for group in state["beliefs"]["groups"]:
        _add(group, watches={}, recents={}, judging=None, judged=0)
        if group["judging"]:
            _add(group["judging"], cells=([], []))
        for watch in group["watches"].values():
            watch[TALLY] = [*watch[TALLY], RECOVERY][:4]
    for policy in state["policies"].values():
        _add(policy, pacer=None, served=[], segments={}, tasks={})
        for segments in policy["segments"].values():
            _complete_segments(segments)


def _complete_rewards(state: State) -> None:
    """Of each key only the number of its rewards was kept: they were as others' at that place."""
    means = {
        (group["namespace"], group["route"], *row[:2]): row[3] / row[2] if row[2] else 0.0
        for group in state["beliefs"]["groups"]
        for row in group["rows"]
    }
    for route, kept in state.get("rewards", {}).items():
        if isinstance(kept, list):
            tallies = [
                [*names, {key: [n, n * (mean := means.get(tuple(names), 0.0)), n * mean]
                          for key, n in counts.items()}]
                for *names, counts in kept
            ]  # fmt: skip
            state["rewards"][route] = {"tallies": tallies, "heard": [], "responses": []}


def _complete_segments(state: State) -> None:
    """Sums were kept without squares, clusters were not merged, borders were not counted."""
    for ridge in (*state["gains"].values(), *filter(None, [state["size"]])):
        if len(ridge) == 3:
            ridge.append(float(ridge[1][0]))
    borders = state["borders"]
    if borders:
        clusters = len(borders["centres"])
        _add(borders, segments=list(range(clusters)), holds=[""] * clusters)
    _add(state, fresh=0.0, version=borders["version"] if borders else 0)


def _from_1(state: State) -> None:
    """The kind of a policy was not named; two of those that could be chosen keep a state."""
    marks = {"served": "price_aware", "turn": "round_robin"}
    for policy in state["policies"].values():
        _add(policy, kind=next((marks[key] for key in marks if key in policy), ""))


def _from_2(state: State) -> None:
    """What deployments do not take of requests was not learnt."""
    _add(state.get("scrutiny", {}), unsupported={})


def _from_3(state: State) -> None:
    """Conversations were not kept."""
    _add(state, conversations={})


def _from_4(state: State) -> None:
    """Keys were weighed once, as they spoke; what counted of them is taken for what they said."""
    state["silenced_keys"] = {}
    for rewards in state.get("rewards", {}).values():
        rewards["accounts"] = [
            [*names, None, {key: [weight, counted, counted, 1.0, None]
                            for key, (weight, _, counted) in held.items()}]
            for *names, held in rewards.pop("tallies", ())
        ]  # fmt: skip


def _from_5(state: State) -> None:
    """Priors were fitted without their strengths: rewards to come are judged by a new fit."""
    for group in state["beliefs"]["groups"]:
        group.update(judging=None, judged=0)


def _from_6(state: State) -> None:
    """How long the prompts of a cell are was not learnt."""
    _add(state, prompt_sizes=[])


def _from_7(state: State) -> None:
    """Answers of two deployments were not compared; checks had an account of their own."""
    _add(state["confidences"], pairs=[])
    latest = {(g["namespace"], g["route"]): g["as_of"] for g in state["beliefs"]["groups"]}
    for rewards in state.get("rewards", {}).values():
        for *_, keys in rewards["accounts"]:
            _join_checks(keys)
        rewards["proxies"] = [
            [namespace, route, task, name,
             [["check", "", "", latest.get((namespace, route)), *_as_sums(*worth)]]]
            for namespace, route, task, name, worth in rewards.pop("checks", ())
        ]  # fmt: skip


def _join_checks(keys: dict[str, list[Any]]) -> None:
    """What checks had said stays in the beliefs, as nobody's."""
    checked, own = keys.pop(CHECKS, None), keys.get("", [0.0, 0.0, 0.0, 1.0, None])
    if checked is not None:
        weight, believed = own[0] + checked[0], own[3] * own[0] + checked[3] * checked[0]
        sums = [mine + its for mine, its in zip(own[:3], checked[:3], strict=True)]
        keys[""] = [*sums, believed / weight if weight else 1.0, None]


def _as_sums(right: float, right_failed: float, wrong: float, wrong_failed: float) -> list[float]:
    """Answers both checked and judged, each as 0 or 1."""
    both, passed = right + wrong, right - right_failed
    passed_all = passed + wrong - wrong_failed
    return [0.0, 0.0, 0.0, both, right, right, passed_all, passed_all, passed]


def _pad_units(state: State) -> None:
    """Meters that were added since a state was written have counted nothing yet."""
    for row in _rows(state):
        units = row[UNITS]
        if units is not None and len(units) < len(MIX_METERS):
            row[UNITS] = [*units, *[0.0] * (len(MIX_METERS) - len(units))]


def _rows(state: State) -> Iterator[list[Any]]:
    """The rows of all beliefs, those kept by an alarm too."""
    for group in state["beliefs"]["groups"]:
        yield from group["rows"]
        for watch in group["watches"].values():
            yield from watch[-1].values()


def _add(state: State, **defaults: Any) -> None:
    for name, value in defaults.items():
        state.setdefault(name, value)


UPGRADES: tuple[Callable[[State], None], ...] = (
    _from_0,
    _from_1,
    _from_2,
    _from_3,
    _from_4,
    _from_5,
    _from_6,
    _from_7,
)
"""The function at n takes a state of version n to n + 1."""


VERSION = len(UPGRADES)
"""Of the states that `Router.to_state` writes now."""
