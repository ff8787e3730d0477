"""One spelling for what writers and models spell in many ways, and where an answer stands."""

from __future__ import annotations

import re
import unicodedata

SUPERSCRIPTS = re.compile("[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
FRACTIONS = re.compile("[¼-¾⅐-⅞]")
"""Both would run into the digit before them: NFKC makes 102 of 10², 31/2 of 3½."""

ALIKE = str.maketrans(
    dict.fromkeys("‐‑‒–—−", "-") | dict.fromkeys("‘’‛′`´", "'") | dict.fromkeys("“”„«»", '"')
)

FENCES = ("```", "~~~")

LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r" \1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf|operatorname)\s*\{([^{}]*)\}"), r" \1"),
    (re.compile(r"\\(?:times|cdot)\b"), "×"),
    (re.compile(r"\\(?:left|right|displaystyle)\b|\\[()\[\]]"), ""),
    (re.compile(r"\\[,;:! ]|~|\\quad\b"), " "),
    (re.compile(r"\\([%$&#_{}])"), r"\1"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\circ\b|\^\s*\{?\\circ\}?"), "°"),
)
"""What TeX means, where a character says it."""

MATHS = re.compile(r"\A\s*(\${1,2})([^$]+)\1\s*\Z")

LEAD = re.compile(
    r"(?:\b(?:so|thus|hence|therefore)\b,?\s+)?\b(?:the\s+|my\s+)?(?:final\s+|correct\s+)?"
    r"(?:answer|result|solution)\b\s*(?:is|are|was|:|=)(?!n't|\w)\s*:?\s*",
    re.IGNORECASE,
)
"""What comes before an answer that is told in a sentence."""

PAIRS = {"(": ")", "[": "]", '"': '"', "'": "'"}


def spelt(text: str) -> str:
    """With one character for each sign, no invisible ones, one blank between words of a line."""
    text = SUPERSCRIPTS.sub(lambda found: "^" + unicodedata.normalize("NFKC", found[0]), text)
    text = FRACTIONS.sub(lambda found: " " + _fraction(found[0]), text)
    text = unicodedata.normalize("NFKC", text.translate(ALIKE)).translate(ALIKE)
    if not text.isascii():
        text = "".join(each for each in text if unicodedata.category(each) != "Cf")
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def unfenced(text: str) -> str:
    """What stands in a fence, if that is all the text."""
    text = text.strip()
    fence = text[:3]
    if fence not in FENCES or text.count(fence) > 2:
        return text
    first, _, rest = text.strip(fence[0]).partition("\n")
    return (rest if rest else first).strip()


def from_tex(text: str) -> str:
    """What TeX marks up, as far as plain characters can say it."""
    if (found := MATHS.match(text)) is not None:
        text = found[2]
    for pattern, instead in LATEX:
        text = pattern.sub(instead, text)
    return text


def boxed(text: str) -> str | None:
    r"""What stands in the last `\boxed{}`; None if there is none."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + 6, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[start + 7 : place]
    return None


def stripped(text: str) -> str:
    """Without emphasis, quotes or brackets around all of it, and without its full stop."""
    while True:
        before = text
        text = text.strip().strip("*").strip()
        text = text.removesuffix("!") if not text.endswith("!!") else text
        text = text if text.endswith("...") else text.removesuffix(".")
        if len(text) > 1 and PAIRS.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
            text = text[1:-1]
        if text == before:
            return text


def _fraction(sign: str) -> str:
    return unicodedata.normalize("NFKC", sign).replace("⁄", "/")
