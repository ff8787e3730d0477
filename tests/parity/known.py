"""Where a client is meant to see something else through windsock than directly, and why."""

from __future__ import annotations

from fnmatch import fnmatch

from tests.parity.rows import Row

SIGNED = "what others think has no signature, so there is no event for one"
UNCOUNTED = "Anthropic counts what was thought within the output only"
REFUSED = "a refusal of Anthropic's ends as `content_filter`; its words are the text"
COUNTED_LATE = "others count the input at the end of a stream; this client reads the beginning"
IN_WORDS = "it looks for OpenAI's words where others look for the code; words stay the provider's"
BY_ITS_END = "Gemini tells a refusal by how it ends"
BEGUN_EMPTY = "the stream begins with an empty text"
IN_FEWER = "Gemini's calls come in fewer pieces, and its adapter repeats the name with each"
JOINED = "its adapter joins Anthropic's parallel calls, directly too"
NONE_SUCH = "Gemini has no field for a refusal: it is a text"
MEANT: tuple[tuple[str, str, str, str], ...] = (
    ("anthropic_messages.*", "*", "thoughts_streamed", SIGNED),
    ("*", "messages", "thoughts*", UNCOUNTED),
    ("*", "messages", "refusal*", REFUSED),
    ("*", "gemini", "refusal*", NONE_SUCH),
    ("openai_chat.py*", "messages", "tools_streamed", BEGUN_EMPTY),
    ("continue_adapters.mjs openai", "gemini", "responses_streamed", IN_FEWER),
    ("litellm_sdk.py*", "gemini", "tools_streamed", "an empty text is none"),
    ("ai_sdk.mjs google", "*", "refusal", BY_ITS_END),
    ("langchain.mjs openai", "*", "too_long", IN_WORDS),
    ("langchain.mjs anthropic", "*", "*_streamed", COUNTED_LATE),
    ("continue_adapters.mjs anthropic", "*", "text_streamed", COUNTED_LATE),
    ("continue_adapters.mjs anthropic", "*", "tools_streamed", JOINED),
    ("*google*", "*", "wrong_key", "401 says more than Google's 400"),
    ("gemini*", "*", "wrong_key", "401 says more than Google's 400"),
    (
        "*",
        "messages",
        "structured_by_json_mode",
        "Anthropic has schemas, no JSON mode: a route "
        "with another candidate serves it, one without says so",
    ),
)
"""(driver, what stands behind, case) as globs, and the reason."""


def reason(row: Row, behind: str, case: str) -> str | None:
    """Why this difference is meant, or None."""
    for *globs, why in MEANT:
        facts = (f"{row.driver} {row.way}", behind, case)
        if all(fnmatch(fact, glob) for fact, glob in zip(facts, globs, strict=True)):
            return why
    return None
