"""What a terminal is shown."""

UNSPOKEN = dict.fromkeys((*range(32), *range(127, 160)), "?")
"""Characters that would speak to the terminal: names come from callers, feeds and providers."""
