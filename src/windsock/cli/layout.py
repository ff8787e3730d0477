"""How commands write figures, in lines of `resources.text_lines`."""

from __future__ import annotations

from rich.console import Console

from windsock.resources.text_lines import INDENT, Entry, lines, show, wrapped
from windsock.service.control.prices.wording import plain

__all__ = ["INDENT", "Entry", "age", "lines", "money", "show", "terminal", "usd", "wrapped"]

TO_THE_CENT = 100.0


def terminal() -> Console:
    """As it is now: as wide as its window, or as COLUMNS says."""
    return Console()


def usd(price: float | None) -> str:
    """Empty where none is known."""
    return "" if price is None else plain(price)


def money(dollars: float | None) -> str:
    """To the cent from $100 on, else four significant digits; empty where it is not known."""
    if dollars is None:
        return ""
    if abs(dollars) >= TO_THE_CENT:
        return f"{dollars:.2f}".removesuffix(".00")
    return usd(float(f"{dollars:.4g}"))


def age(seconds: float | None) -> str:
    """In the largest unit of which there is one; empty where it is not known."""
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
