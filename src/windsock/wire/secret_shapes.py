"""What looks like a secret, whoever says it: logs and callers never get to see it."""

from __future__ import annotations

import re

SECRET_TEXT = re.compile(
    r"\b(?:sk|pk|rk|ak|gsk|xai|csk|nvapi|pplx|sess)-[\w-]{8,}"
    r"|\b(?:hf|gsk|fw|r8)_\w{16,}|\bAIza[\w-]{30,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:bearer)\s+[\w.~+/=-]{8,}"
)
"""Keys as providers write them, tokens, passwords in an address."""

SECRET_BYTES = re.compile(SECRET_TEXT.pattern.encode())
"""The same in text that was not decoded."""
