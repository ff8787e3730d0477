"""Further names of routes: aliases as they stand, and globs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

WILD = re.compile(r"[*?]")
"""What makes a name a glob: `*` any characters, `?` one."""

ANY = "*"
"""The glob that takes what nothing else is known by."""

CHARACTER = r"[^\x00-\x1f\x7f-\x9f]"
"""What a glob stands for: nothing that speaks to the terminal which a name is shown in."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherNames(Generic[R]):
    """What routes are called beside their names; a longer glob goes before a shorter one.

    globs       in the order in which they are tried, without `*` alone
    rest        the route of `*`
    """

    aliases: Mapping[str, R]
    globs: tuple[tuple[re.Pattern[str], R], ...]
    rest: R | None

    def matching(self, name: str) -> R | None:
        """The route with the longest glob that this name matches, None if there is none."""
        return next((route for glob, route in self.globs if glob.fullmatch(name)), None)

    def otherwise(self, name: str) -> R | None:
        """The route of `*` for a name that nothing else is known by, None if there is none."""
        return self.rest if matches(ANY, name) else None


def further_names(names: Iterable[tuple[str, R]]) -> FurtherNames[R]:
    """Names sorted into aliases and globs; of two routes with the same name the first has it."""
    aliases: dict[str, R] = {}
    globs: dict[str, R] = {}
    for name, route in names:
        (globs if is_glob(name) else aliases).setdefault(name, route)
    rest = globs.pop(ANY, None)
    ordered = sorted(globs, key=lambda glob: -len(WILD.sub("", glob)))
    patterns = tuple((compiled(glob), globs[glob]) for glob in ordered)
    return FurtherNames(aliases=aliases, globs=patterns, rest=rest)


def matches(glob: str, name: str) -> bool:
    """Whether a name is the one that a glob is, or one of the many it stands for."""
    return glob == name or (is_glob(glob) and compiled(glob).fullmatch(name) is not None)


def is_glob(name: str) -> bool:
    """True if a name stands for many."""
    return WILD.search(name) is not None


def compiled(glob: str) -> re.Pattern[str]:
    """What matches the names that a glob stands for."""
    pattern = re.escape(glob).replace(r"\*", f"{CHARACTER}*").replace(r"\?", CHARACTER)
    return re.compile(pattern)
