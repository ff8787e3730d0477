"""What others say an answer was worth, as they say it, and the value from 0 to 1 that it means."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from windsock.wire.scores.words import FAULTS, MEANINGS, NOTHING, PERCENT, RATINGS, TRUTHS, plain

WHOLE = re.compile(r"([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(?:/\s*(\d+(?:\.\d+)?)|(%))?")
"""A number, perhaps as "4/5" or "85 %"."""

HUMAN = "explicit"
"""The source of what people say."""

OWN = ("decision_id", "response_id", "request_id")
"""In the metadata of a score, or of what it judges: an answer's names here."""

MOST_NAMES = 32
"""By which one score may say whose answer it judges."""


class NoScore(ValueError):
    """This says nothing of an answer that could be counted; why, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From the worst that a metric may say to the best; the best may be the lower one.

    words   what labels of it mean, 0..1
    source  in whose name its scores count; None: as they come
    """

    worst: float = 0.0
    best: float = 1.0
    words: Mapping[str, float] = field(default_factory=dict)
    source: str | None = None

    def share(self, number: float) -> float:
        """0..1; raises NoScore outside, and where the scale has no end."""
        if not math.isfinite(self.best - self.worst):
            raise NoScore(f"a scale has two ends, and {self.worst:g}..{self.best:g} has not")
        value = (number - self.worst) / (self.best - self.worst)
        if not -1e-9 <= value <= 1 + 1e-9:
            raise NoScore(f"{number:g} lies outside its scale {self.worst:g}..{self.best:g}")
        return min(1.0, max(0.0, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One statement of an answer's worth.

    names       by which the answer may be known, the most exact first
    number      as stated; None: none was
    word        a label, beside the number or in its place
    is_truth    the number stands for true or false
    scale       that was stated with it
    reach       the least and the greatest number of this metric in the same batch
    source      who judges
    id          of the statement, with its version: said again, it is the same
    place       in what came, for people
    final_text  what was used in the end, where that was sent
    author      who of several people says so, where that was told
    """

    names: tuple[str, ...]
    metric: str = ""
    number: float | None = None
    word: str = ""
    is_truth: bool = False
    scale: Scale | None = None
    reach: tuple[float, float] | None = None
    source: str = HUMAN
    id: str = ""
    place: str = ""
    final_text: str | None = None
    author: str = ""

    @property
    def matter(self) -> str:
        """The metric, for each author one of their own: what several people say is averaged."""
        if not self.author:
            return self.metric
        return f"{self.metric}@{blake2b(self.author.encode(), digest_size=4).hexdigest()}"

    @property
    def key(self) -> str:
        """By which it is known again: the same statement said twice counts once."""
        said = (self.id, *self.names, self.matter, self.source, repr(self.number), self.word)
        return f"score-{blake2b(chr(0).join(said).encode(), digest_size=12).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What came and is no score of an answer."""

    place: str
    reason: str


Read = Score | LeftOut


def value_of(score: Score, scale: Scale | None = None) -> float:
    """What a score means, 0..1.

    The scale of the operator goes first, then the one stated with it. Else a number counts from 0
    to 1 as it is, unless its word says the contrary, and a word by what it means.

    raises  NoScore with the mend, where that would be a guess
    """
    scale, word = scale or score.scale or _percent(score), plain(score.word)
    if scale is not None and (value := _on(scale, score.number, word)) is not None:
        return value
    meant = MEANINGS.get(word)
    if score.number is None and meant is None:
        raise NoScore(_unknown_word(score) if word else "it holds no value")
    if scale is None and (meant is None or word in TRUTHS):
        _refuse_guess(score)
    if score.number is None or not _is_share(score):
        return _of_word(score, meant)
    agrees = meant is None or meant == score.number or (meant - 0.5) * (score.number - 0.5) > 0
    return score.number if agrees else _of_word(score, meant)


def _percent(score: Score) -> Scale | None:
    """The scale that a metric's name says it has, where its numbers are not shares all the same."""
    is_percent = bool(_words_in(score.metric) & PERCENT) and not _is_share(score)
    return Scale(best=100.0) if is_percent else None


def _words_in(metric: str) -> set[str]:
    return set(re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", metric).lower()))


def _on(scale: Scale, number: float | None, word: str) -> float | None:
    known = {plain(name): value for name, value in scale.words.items()}
    if word in known:
        return known[word]
    return None if number is None else scale.share(number)


def _is_share(score: Score) -> bool:
    """Whether this number, and all of its metric that came with it, lie from 0 to 1."""
    numbers = (*(score.reach or ()), score.number or 0.0)
    return all(0 <= number <= 1 for number in numbers)


def _of_word(score: Score, meant: float | None) -> float:
    if meant is not None:
        return meant
    name, numbers = score.metric or "value", (*(score.reach or ()), score.number or 0.0)
    raise NoScore(f"{name!r} reaches from {min(numbers):g} to {max(numbers):g}; {_scale_of(name)}")


def _unknown_word(score: Score) -> str:
    name, word = score.metric or "value", score.word[:40]
    return (
        f"what {word!r} of {name!r} means from 0 to 1 is not known; state it, "
        f"[scores.{quoted(name)}] words = {{ {quoted(word)} = 0.5 }}"
    )


def _refuse_guess(score: Score) -> None:
    """Of some metrics less is better, and of some a 1 is the worst: their names tell."""
    words = _words_in(score.metric)
    if faults := sorted(words & FAULTS):
        raise NoScore(
            f"{score.metric!r} seems to measure a fault ({faults[0]}), of which less is better; "
            + _scale_of(score.metric, "1, 0", "1..0")
        )
    if words & RATINGS and not score.is_truth and score.number in (0.0, 1.0):
        raise NoScore(
            f"{score.metric!r} seems to be a rating, of which {score.number:g} may be the worst; "
            + _scale_of(score.metric)
        )


def _scale_of(name: str, ends: str = "WORST, BEST", option: str = "WORST..BEST") -> str:
    return f"state its scale, [scores.{quoted(name)}] scale = [{ends}] or --scale {name}={option}"


def quoted(name: str) -> str:
    """As a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def stated(value: Any) -> dict[str, Any]:
    """A value as it came, as fields of a `Score`: a truth, a number, or a word.

    "0.8", "85 %" and "4/5" are numbers, the last two with their scale.

    raises  NoScore for what is none of them
    """
    if isinstance(value, bool):
        return {"number": float(value), "is_truth": True}
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise NoScore(f"{value} is no number")
        return {"number": float(value)}
    if value is None:
        return {}
    if not isinstance(value, str):
        raise NoScore("its value is neither a number, a truth nor a word")
    return _stated_text(value.strip())


def _stated_text(text: str) -> dict[str, Any]:
    if text.lower() in NOTHING:
        return {}
    found = WHOLE.fullmatch(text)
    if found is None:
        return {"word": text}
    try:
        number = float(found[1])
    except ValueError:
        return {"word": text}
    if found[3]:
        return {"number": number, "scale": Scale(best=100.0)}
    if found[2]:
        return {"number": number, "scale": Scale(best=float(found[2]))} if float(found[2]) else {}
    return {"number": number}


def within_batch(read: Iterable[Read]) -> list[Read]:
    """The same, each with how far the numbers of its metric reach.

    A 1 among stars from 1 to 5 is the worst there is: that one number leaves 0 to 1 tells of all.
    """
    known = list(read)
    reach: dict[tuple[str, str], tuple[float, float]] = {}
    for each in known:
        if isinstance(each, Score) and each.number is not None and each.scale is None:
            low, high = reach.get((each.metric, each.source), (each.number, each.number))
            low, high = min(low, each.number), max(high, each.number)
            reach[each.metric, each.source] = (low, high)
    return [_reaching(each, reach) if isinstance(each, Score) else each for each in known]


def _reaching(score: Score, reach: Mapping[tuple[str, str], tuple[float, float]]) -> Score:
    found = reach.get((score.metric, score.source))
    return score if found is None or score.reach is not None else replace(score, reach=found)


def names_of(*stated: Any) -> tuple[str, ...]:
    """Names that are some, each in the forms in which it may be known; none twice.

    Ids of traces are written as 32 hex digits and as UUIDs: both are tried. Each may be a look into
    the store, hence the first MOST_NAMES.
    """
    said = [str(name).strip() for name in stated if isinstance(name, str | int)]
    forms = [form for name in said if name for form in (name, hex_form(name))]
    return tuple(dict.fromkeys(forms))[:MOST_NAMES]


def own_names(metadata: Any) -> list[Any]:
    """What metadata say of an answer, by OWN; None where they do not."""
    return [metadata.get(name) for name in OWN] if isinstance(metadata, dict) else []


def hex_form(name: str) -> str:
    """An id of 16 bytes as 32 hex digits in lower case; anything else as it is."""
    bare = name.replace("-", "").lower()
    is_id = len(bare) == 32 and not bare.strip("0123456789abcdef")
    return bare if is_id else name


def records_in(document: Any, under: Sequence[str]) -> list[Any]:
    """The records of a document: a list, one of the lists that may hold them, or it is one."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        held = next(
            (document[name] for name in under if isinstance(document.get(name), list)), None
        )
        return [document] if held is None else held
    return [document]
