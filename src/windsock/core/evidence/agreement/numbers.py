"""The one number that an answer states, whatever it is wrapped in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from windsock.core.evidence.agreement.spelling import LEAD, boxed, from_tex, spelt, unfenced

DIGITS = 12
"""That are compared: what floats add behind them is noise."""

ROUNDED = Context(prec=DIGITS, Emin=-(10**6), Emax=10**6)

NUMBER = re.compile(
    r"(?<![\w./])(?P<sign>[-+])?(?P<money>[$€£¥]\s?)?"
    r"(?P<body>(?:\d[\d,.'_]*(?: \d{3}(?!\d))*(?:[.,]\d+)?|\.\d+)(?<![,.'_]))"
    r"(?:[eE](?P<e>[-+]?\d+)|\s?[×x*]\s?10\s?(?:\^|\*\*)\s?\{?(?P<ten>[-+]?\d+)\}?"
    r"|(?:\^|\*\*)\{?(?P<power>[-+]?\d+)\}?)?"
    r"(?P<rest>(?: \d+)?\s?/\s?\d+)?(?![./]\d)"
)

GROUPED = re.compile(r"[1-9]\d{0,2}([,.' _])\d{3}(\1\d{3})*|[1-9]\d?(,\d\d)*,\d{3}")
"""Thousands apart, as in the West and in India."""

NOT_STATED = re.compile(
    r"\b(?:not|no|never|nor|neither|cannot|without|except|unknown|more than|less than|fewer than|"
    r"at least|at most|up to|over|under|between)\b|n't\b|[<>≤≥≠±√π∞\\|]|(?:^|\s)[-+*/^×÷](?:\s|$)",
    re.IGNORECASE,
)
"""It is denied, bounded, or part of a formula."""

SCALES = {"thousand": 3, "k": 3, "million": 6, "mn": 6, "billion": 9, "bn": 9, "trillion": 12}
SCALES |= {"%": -2, "percent": -2, "per cent": -2, "pct": -2}
SCALE = re.compile(r"\s?(thousand|million|billion|trillion|mn|bn|k|%|per ?cent|pct)(?![\w])", re.I)

UNITS = {
    spelling: unit
    for unit, spellings in {
        "usd": "$ usd dollar dollars buck bucks",
        "eur": "€ eur euro euros",
        "pound": "£ gbp pound pounds lb lbs quid",
        "jpy": "¥ jpy yen",
        "cent": "cent cents ¢",
        "km": "km kms kilometer kilometers kilometre kilometres",
        "m": "m meter meters metre metres",
        "cm": "cm centimeter centimeters centimetre centimetres",
        "mm": "mm millimeter millimeters millimetre millimetres",
        "mile": "mi mile miles",
        "foot": "ft foot feet",
        "inch": "inch inches",
        "kg": "kg kgs kilogram kilograms kilo kilos",
        "g": "g gram grams",
        "mg": "mg milligram milligrams",
        "l": "l liter liters litre litres",
        "ml": "ml milliliter milliliters millilitre millilitres",
        "ms": "ms millisecond milliseconds",
        "s": "s sec secs second seconds",
        "min": "min mins minute minutes",
        "h": "h hr hrs hour hours",
        "day": "day days",
        "week": "week weeks",
        "month": "month months",
        "year": "yr yrs year years",
        "km/h": "km/h kmh kph kilometers-per-hour",
        "mph": "mph mi/h",
        "m/s": "m/s mps",
        "degree": "° deg degree degrees",
        "celsius": "°c celsius",
        "fahrenheit": "°f fahrenheit",
    }.items()
    for spelling in spellings.split()
}
"""By spelling. They are told apart, never converted."""

UNIT = re.compile(r"\s?(°\s?[cf]?|¢|[$€£¥]|[a-z]+(?:/[a-z]+)?)", re.IGNORECASE)

SENTENCE = re.compile(r"[.!?](?=\s+[A-Z])")


@dataclass(frozen=True, slots=True)
class Number:
    """A number in one spelling, and its unit; empty: it names none that is known.

    percent     the figure before a sign of per cent, where that is above 1; else empty
    """

    value: str
    unit: str = ""
    percent: str = ""

    def same(self, other: Number) -> bool:
        """True of one value, in one unit where both name one; 50 % is .5, and 50 too: who asks for
        per cent gets either."""
        one = self.percent or self.value, other.value
        two = self.value, other.percent or other.value
        is_one = self.value == other.value or one[0] == one[1] or two[0] == two[1]
        return is_one and (not self.unit or not other.unit or self.unit == other.unit)


def exact(value: Decimal | int | float | str) -> str:
    """A number in one spelling: whole ones exactly, others to DIGITS figures.

    raises  decimal.InvalidOperation if it is none
    """
    number = Decimal(str(value))
    if not number.is_finite():
        raise InvalidOperation
    if number.adjusted() > 4000 or number != number.to_integral_value():
        number = ROUNDED.plus(number)
    _, figures, power = number.as_tuple()
    body = "".join(map(str, figures)).lstrip("0")
    bare = body.rstrip("0")
    sign = "-" if number < 0 else ""
    return f"{sign}{bare}e{int(power) + len(body) - len(bare)}" if bare else "0"


def number_in(text: str) -> Number | None:
    """What a whole answer states; None if that is no number, several, or a bound."""
    stated = _stated(text)
    found = list(NUMBER.finditer(stated))
    if len(found) != 1:
        return None
    (match,) = found
    before, after = stated[: match.start()], stated[match.end() :]
    scale = SCALE.match(after)
    after = after[scale.end() :] if scale else after
    unit = _unit(match["money"] or "", after)
    if unit is None or NOT_STATED.search(before + " " + after):
        return None
    try:
        value, power = _value(match), SCALES[_word(scale)] if scale else 0
        percent = exact(value) if power < 0 and abs(value) > 1 else ""
        return Number(exact(value.scaleb(power) if power else value), unit, percent)
    except (ArithmeticError, ValueError):
        return None


def _stated(text: str) -> str:
    """The part of an answer that states it: boxed, after "the answer is", or its last line."""
    text = unfenced(text)
    text = boxed(text) or text
    text = spelt(from_tex(text)).replace("**", " ").replace("__", " ")
    leads = list(LEAD.finditer(text))
    line = text[leads[-1].end() :].split("\n")[0] if leads else ""
    line = line or next(reversed(text.split("\n")), "")
    line = SENTENCE.split(line)[0] if leads else SENTENCE.split(line)[-1]
    line = re.split(r"(?<![<>!])[=≈](?!\s*$)", line)[-1].strip(" *'\"").rstrip(" .!*'\"")
    return re.sub(r"^([-+]) (?=[\d.$€£¥])", r"\1", line)


def _word(scale: re.Match[str]) -> str:
    return scale[1].lower().replace("per cent", "percent")


def _unit(money: str, after: str) -> str | None:
    """The unit, empty if none is known; None if letters stand at the number that are no unit."""
    if money:
        return UNITS[money.strip()]
    found = UNIT.match(after)
    if found is None:
        return ""
    known = UNITS.get(found[1].lower().replace(" ", ""))
    is_attached = not found[0].startswith(" ")
    return known if known or is_attached else ""


def _value(match: re.Match[str]) -> Decimal:
    """Raises ArithmeticError or ValueError where the figures make no number."""
    value = _figures(match["body"])
    if match["power"]:
        if value != 10:
            raise ValueError("a power is a formula")
        value = Decimal(1).scaleb(int(match["power"]))
    if power := match["e"] or match["ten"]:
        value = value.scaleb(int(power))
    if match["rest"]:
        above, below = match["rest"].split("/")
        divided = Decimal(above or "0") if above.strip() else value
        whole = value if above.strip() else Decimal(0)
        value = whole + divided / Decimal(below.strip())
    return -value if (match["sign"] or "") == "-" else value


def _figures(body: str) -> Decimal:
    """With a point for the decimals and nothing between thousands; raises ValueError."""
    mark = _decimal_mark(body)
    whole, parts = body.rsplit(mark, 1) if mark else (body, "")
    if whole and not whole.isdecimal() and not GROUPED.fullmatch(whole):
        raise ValueError(f"{body} is no number")
    figures = "".join(filter(str.isdecimal, whole))
    return Decimal(f"{figures or 0}.{parts or 0}")


def _decimal_mark(body: str) -> str:
    """The last point or comma, unless it stands between thousands; else nothing."""
    comma, point = body.rfind(","), body.rfind(".")
    if point > comma:
        return "." if body.count(".") == 1 else ""
    is_one = comma >= 0 and body.count(",") == 1
    return "," if is_one and not GROUPED.fullmatch(body) else ""
