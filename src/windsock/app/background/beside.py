"""What windsock asks by itself beside requests: judges and shadows, made from settings."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.app.background.intake.ingestion import FeedIngestion
from windsock.app.background.judging.judges import Judges
from windsock.app.background.judging.rules import judge_rules_of
from windsock.app.background.shadowing.rules import shadow_rules_of
from windsock.app.background.shadowing.shadows import Shadows
from windsock.config.settings import Settings
from windsock.service.background_requests import BackgroundRequests
from windsock.service.execution.executor import RequestExecutor
from windsock.service.feedback_inbox import FeedbackInbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """All of it; judges and shadows are readers of answers."""

    background: BackgroundRequests
    judges: Judges
    shadows: Shadows


def beside_of(
    ingestion: FeedIngestion,
    executor: RequestExecutor,
    feedbacks: FeedbackInbox,
    settings: Settings,
) -> Beside:
    """As the settings want it, over the router of `ingestion`, which publishes what they tell.

    raises  ConfigError if a redaction is not to be had
    """
    router, clock = ingestion.router, ingestion.clock
    background = BackgroundRequests(router=router, executor=executor, clock=clock)
    judges = Judges(
        router=router,
        background=background,
        feedbacks=feedbacks,
        clock=clock,
        rules=judge_rules_of(settings),
        publish=ingestion.publish,
    )
    shadows = Shadows(
        router=router,
        background=background,
        feedbacks=feedbacks,
        judges=judges,
        clock=clock,
        rules=shadow_rules_of(settings),
    )
    feedbacks.listeners.append(shadows.hear)
    executor.readers.missing += [judges.miss, shadows.miss]
    return Beside(background=background, judges=judges, shadows=shadows)
