"""A condition that begins and ends only once it has held for a while: it never flickers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Standing:
    """Looked at now and then.

    begins_s    seconds that it must be so before it has begun
    ends_s      seconds that it must not be so before it has ended
    has_begun   and not ended
    """

    begins_s: float
    ends_s: float
    has_begun: bool = False
    _other_since: float | None = None

    def turn(self, is_so: bool, elapsed: float) -> bool:
        """True if it began or ended with this look, at `elapsed` s."""
        if is_so == self.has_begun:
            self._other_since = None
            return False
        if self._other_since is None:
            self._other_since = elapsed
        if elapsed - self._other_since < (self.begins_s if is_so else self.ends_s):
            return False
        self.has_begun, self._other_since = is_so, None
        return True
