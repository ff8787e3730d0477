"""Lines that read well at 80 columns: names are never cut, what is long has a line of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console

from windsock.resources.terminal import UNSPOKEN

INDENT = "  "


@dataclass(frozen=True, slots=True)
class Entry:
    """A name, figures beside it, and what else there is to say of it."""

    name: str
    figures: Sequence[str]
    note: str = ""

    def unspoken(self) -> Entry:
        """The same, with nothing that speaks to a terminal."""
        return replace(self, name=self.name.translate(UNSPOKEN), note=self.note.translate(UNSPOKEN))


def lines(entries: Sequence[Entry], *, width: int, figure: int = 9) -> Iterator[str]:
    """Entries below each other, the first as their head, in lines of at most `width` characters,
    of which some in Asia's scripts are two wide.

    A name that leaves the figures no room stands alone before them; a note follows on the same
    line if there is room for all notes, else on the next one. Longer lines hold one long name.
    figure      characters of a figure at least, the blanks before it included
    """
    entries = [each.unspoken() for each in entries]
    columns = zip_longest(*(each.figures for each in entries), fillvalue="")
    widths = [max(figure, *(len(cell) + 2 for cell in column)) for column in columns]
    figures = sum(widths)
    longest = max((cell_len(each.name) for each in entries), default=0)
    room = min(longest, max(width // 3, width - figures))
    notes = max((len(each.note) for each in entries), default=0)
    has_room = room + figures + 2 + notes <= width
    for each in entries:
        name = each.name
        if cell_len(name) > room:
            yield from wrapped(name, width=width, indent="")
            name = ""
        text = name + " " * (room - cell_len(name)) + "".join(map(str.rjust, each.figures, widths))
        yield f"{text}  {each.note}".rstrip() if has_room else text.rstrip()
        if each.note and not has_room:
            yield from wrapped(each.note, width=width)


def wrapped(text: str, *, width: int, indent: str = INDENT) -> list[str]:
    """A note over as many lines as it needs; no word of it is broken."""
    return textwrap.wrap(
        text.translate(UNSPOKEN | {ord("\n"): " "}),
        max(width, 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def show(console: Console, text: Iterable[str]) -> None:
    """Print lines as they are: a name is never broken, and no bracket of it is markup."""
    for line in text:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
