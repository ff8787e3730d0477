"""Finds pricefeeds/ and simulations/: inside the package in a wheel, beside src in a checkout."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from windsock.errors import ConfigError

PACKAGE = Path(__file__).parents[1]
"""The folder of `windsock` itself."""


def room(name: str) -> Path:
    """The folder of a room; raises ConfigError if the installation lacks it."""
    for place in (PACKAGE / name, PACKAGE.parents[1] / name):
        if place.is_dir():
            return place
    raise ConfigError(f"this installation of windsock has no {name}/; install it anew")


def folders(name: str, marker: str, extra: Iterable[Path] = ()) -> dict[str, Path]:
    """Folders of a room that hold `marker`, by name; later `extra` folders win."""
    found = {}
    for place in (room(name), *extra):
        if not place.is_dir():
            raise ConfigError(f"{place} is not a folder; mend feeds.dirs")
        for path in sorted(place.iterdir()):
            if (path / marker).is_file():
                found[path.name] = path
    return found


def folder(name: str, marker: str, wanted: str, extra: Iterable[Path] = ()) -> Path:
    """One folder by its name, or a path to one; raises ConfigError with the nearest name."""
    if (Path(wanted) / marker).is_file():
        return Path(wanted)
    known = folders(name, marker, extra)
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    raise ConfigError(f"no folder {wanted!r} with a {marker} is in {name}/ or here; {hint}")
