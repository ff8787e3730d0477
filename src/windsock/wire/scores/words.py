"""What the words of judges mean from 0 to 1, and metrics of which less is better."""

from __future__ import annotations

import re

GOOD = (
    "true", "yes", "y", "t", "pass", "passed", "success", "succeeded", "correct", "right", "good",
    "great", "excellent", "positive", "relevant", "helpful", "accurate", "faithful", "grounded",
    "like", "liked", "up", "thumb up", "thumbs up", "thumbsup", "accept", "accepted", "approved",
    "upvote", "👍", "+1", "resolved", "satisfied",
)  # fmt: skip
BAD = (
    "false", "no", "n", "f", "fail", "failed", "failure", "incorrect", "wrong", "bad", "poor",
    "terrible", "negative", "irrelevant", "not relevant", "not correct", "unhelpful", "not helpful",
    "inaccurate", "unfaithful", "not faithful", "ungrounded", "not grounded", "dislike", "disliked",
    "down", "thumb down", "thumbs down", "thumbsdown", "reject", "rejected", "downvote", "👎", "-1",
    "unresolved", "dissatisfied",
)  # fmt: skip
BETWEEN = ("partial", "partially", "partially correct", "partly correct", "mixed")

MEANINGS = {**dict.fromkeys(GOOD, 1.0), **dict.fromkeys(BAD, 0.0), **dict.fromkeys(BETWEEN, 0.5)}
"""Of a word as `plain` writes it."""

TRUTHS = frozenset({"true", "false", "yes", "no", "y", "n", "t", "f"})
"""Words that say only whether what a metric names is there."""

NOTHING = frozenset({"", "null", "none", "nan", "n/a", "na", "-"})
"""Texts that stand where there is no value."""

FAULTS = frozenset(
    {
        "hallucination", "hallucinations", "hallucinated", "toxicity", "toxic", "bias", "biased",
        "harm", "harmful", "harmfulness", "error", "errors", "vagueness", "refusal", "refused",
        "profanity", "hate", "violence", "sexual", "jailbreak", "injection", "pii", "leak",
        "latency", "cost", "tokens", "duration", "distance", "wer", "cer", "perplexity", "loss",
        "repetition", "unfairness", "misinformation", "maliciousness", "insensitivity",
    }
)  # fmt: skip
"""Words in the names of metrics that most often count what is wrong."""

RATINGS = frozenset({"rating", "ratings", "stars", "star", "likert", "grade", "points", "nps",
                     "csat", "percent", "percentage", "pct", "percentile", "level"})  # fmt: skip
"""Words in the names of metrics whose numbers seldom go from 0 to 1."""

PERCENT = frozenset({"percent", "percentage", "pct"})
"""Words in the names of metrics that go from 0 to 100, where any of their numbers is above 1."""

TONE = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f]")
"""Of a thumb's skin, and how it is drawn."""


def plain(word: str) -> str:
    """In lower case, with spaces between its words."""
    return " ".join(re.sub(r"[_\-\s]+(?=\D)", " ", TONE.sub("", word)).lower().split())
