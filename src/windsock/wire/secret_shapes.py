"""What looks like a secret, in bytes that were not decoded."""

from __future__ import annotations

import re

from windsock.errors import SECRET_TEXT

SECRET_BYTES = re.compile(SECRET_TEXT.pattern.encode())
"""As `windsock.errors.SECRET_TEXT`."""
