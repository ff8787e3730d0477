"""The sources of evidence, and how much one reward of each says."""

from __future__ import annotations

from collections.abc import Mapping

SOURCE_WEIGHTS: Mapping[str, float] = {
    "explicit": 1.0,
    "check": 0.5,
    "confidence": 0.25,
    "transport": 0.02,
}
"""How much one reward of a source counts as evidence of success."""
