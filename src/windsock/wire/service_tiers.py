"""How a call is asked to be served and how it was, in the words of each dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.errors import BadRequest
from windsock.wire.json_codec import at, beginnings, may_hold

MAX_TIER_CHARS = 32
"""Of a service tier's name."""

USUAL_SPEEDS = ("standard", "normal", "default")
"""Words for what is no fast mode."""

TIER_PLACES = (
    "usage.speed",
    "service_tier",
    "usage.service_tier",
    "serviceTier.type",
    "x_groq.service_tier",
    "usageMetadata.trafficType",
    "usage.extra_properties.google.traffic_type",
)
"""Where answers say how they were served: Anthropic's fast mode before its tier, which is another
matter; OpenAI, Bedrock, Groq, Gemini and its likeness of OpenAI."""

TIER_BEGINNINGS = beginnings(TIER_PLACES)

TIER_PREFIX = "on_demand_"
"""Before Gemini's words for flex and priority."""


TIERS = {"auto": "auto", "standard_only": "default"}
"""Chat's word for a service_tier that is asked for."""

OF_ANTHROPIC = {
    "auto": {"service_tier": "auto"},
    "priority": {"service_tier": "auto"},
    "default": {"service_tier": "standard_only"},
    "standard_only": {"service_tier": "standard_only"},
    "fast": {"speed": "fast"},
}
"""Anthropic's words for a service_tier that chat asks for; it has no others."""

OF_CLOUDS = {"flex": "flex", "priority": "priority", "fast": "priority"}
"""What Gemini and Bedrock sell, by chat's service_tier."""

OF_CHAT = {"standard": "default", "standard_only": "default"}
"""Chat's words for how Anthropic served, where it has its own; others are the same."""

SERVED = {"default": {"service_tier": "standard"}, "fast": {"speed": "fast"}}
"""Anthropic's words for a service_tier that answered; others are the same."""


def tier_of(body: Mapping[str, Any]) -> str | None:
    """The service tier that an answer names, such as flex or priority, in lower case."""
    if not may_hold(body, TIER_BEGINNINGS):
        return None
    for path in TIER_PLACES:
        named = at(body, path)
        if isinstance(named, str) and 0 < len(named) <= MAX_TIER_CHARS:
            tier = named.lower().removeprefix(TIER_PREFIX)
            if path != "usage.speed" or tier not in USUAL_SPEEDS:
                return tier
    return None


def message_tier(body: dict[str, Any]) -> dict[str, Any]:
    """Chat's service tier for Anthropic's two words: how fast, and at whose capacity.

    raises  BadRequest for other words
    """
    speed, tier = body.get("speed"), body.get("service_tier")
    if speed not in (None, "standard", "fast"):
        raise BadRequest('speed is neither "standard" nor "fast"; send one', param="speed")
    if tier not in (None, *TIERS):
        raise BadRequest(
            'service_tier is neither "auto" nor "standard_only"; send one', param="service_tier"
        )
    if speed == "fast":
        return {"service_tier": "fast"}
    return {"service_tier": TIERS[tier]} if tier else {}


def asked_of_anthropic(tier: Any) -> dict[str, str]:
    """The fields of a message for chat's service tier; none for what Anthropic does not sell."""
    return OF_ANTHROPIC.get(tier, {}) if isinstance(tier, str) else {}


def asked_of_gemini(tier: Any) -> dict[str, Any]:
    """The fields of a generateContent for chat's service tier."""
    named = OF_CLOUDS.get(tier) if isinstance(tier, str) else None
    return {"serviceTier": named} if named else {}


def asked_of_bedrock(tier: Any) -> dict[str, Any]:
    """The fields of a Converse for chat's service tier."""
    named = OF_CLOUDS.get(tier) if isinstance(tier, str) else None
    return {"serviceTier": {"type": named}} if named else {}


def answered_tier(body: Mapping[str, Any]) -> dict[str, str]:
    """How an answer was served, as a field of a usage object; none where it does not say."""
    tier = tier_of(body)
    return {"service_tier": tier} if tier else {}


def chat_tier(usage: Mapping[str, Any]) -> dict[str, str]:
    """How Anthropic served, as the field of a chat completion; none where it does not say."""
    tier = usage.get("service_tier")
    return {"service_tier": OF_CHAT.get(tier, tier)} if isinstance(tier, str) else {}


def told_tier(body: dict[str, Any]) -> dict[str, Any]:
    """How a message was served, if the answer says so."""
    tier = body.get("service_tier")
    return SERVED.get(tier, {"service_tier": tier}) if isinstance(tier, str) else {}
