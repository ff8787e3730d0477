"""When a task's segments change, beliefs move to the new ones."""

from __future__ import annotations

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.context.segment_clusters import SegmentClusters
from windsock.core.context.segments import Segmenter
from windsock.core.model.requests import DEFAULT_TASK, Cell, split_name
from windsock.core.policies.floor_deficit import FloorDeficit

MOST_SEEDED = 40.0
"""Rewards that the regressions' prediction is worth in a new segment, at most."""


def reseat(
    beliefs: Beliefs, served: FloorDeficit, cell: Cell, segmenter: Segmenter, now: float
) -> None:
    """Borders have changed: what the old segments of a task learnt goes back to its own cell.

    Only requests that name no task are divided: those of others, from before, go back and stay.
    New segments start from what the regressions predict, and take as many rewards from the task.
    """
    for name in sorted(beliefs.tasks(cell.namespace, cell.route)):
        task, segment = split_name(name)
        if segment and task == cell.task:
            beliefs.merge_task(cell, name)
            served.absorb(cell, cell._replace(segment=segment))
    if segmenter.borders is not None and cell.task == DEFAULT_TASK:
        _found(beliefs, cell, segmenter, segmenter.borders, now)


def _found(
    beliefs: Beliefs, cell: Cell, segmenter: Segmenter, borders: SegmentClusters, now: float
) -> None:
    for column, name in enumerate(borders.deployments):
        rewards = min(MOST_SEEDED, segmenter.rewards(name) / len(borders))
        for index, mark in enumerate(borders.marks()):
            place = cell._replace(segment=mark)
            mean, factor = float(borders.success[index, column]), float(borders.sizes[index])
            beliefs.seed(place, name, mean, rewards=rewards, now=now)
            beliefs.seed_usage(place, name, factor=factor, requests=MOST_SEEDED / 2, now=now)
        beliefs.give(cell, name, rewards * len(borders))
