"""Scripts in the percent format, read as pages."""

from __future__ import annotations

import re

CELL = re.compile(r"^# %%(?P<kind> \[markdown\])?.*\n", re.MULTILINE)


def as_markdown(script: str) -> str:
    """A cell of words as it is, a cell of code in a fence."""
    marks = list(CELL.finditer(script))
    ends = [mark.start() for mark in marks[1:]] + [len(script)]
    told = []
    for mark, end in zip(marks, ends, strict=True):
        body = script[mark.end() : end].strip("\n")
        if mark["kind"]:
            told.append(
                "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.splitlines())
            )
        elif body:
            told.append(f"```python\n{body}\n```")
    return "\n\n".join(told) + "\n"
