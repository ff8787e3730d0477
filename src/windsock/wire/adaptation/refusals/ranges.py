"""The least and the greatest number that a sentence allows."""

from __future__ import annotations

import re

NUMBER = r"-?\d{1,20}(?:\.\d{1,6})?"

NOT = r"\b(?:can ?not|can't|may not|must not|not|should not) (?:be )?"

INTERVAL = re.compile(
    rf"(?P<open>[\[(（])\s{{0,3}}(?P<low>{NUMBER})\s{{0,3}}(?:[,，~]|\.\.)\s{{0,3}}"
    rf"(?P<high>{NUMBER}|\+?(?:inf(?:inity)?|∞))\s{{0,3}}(?P<close>[\])）])",
    re.IGNORECASE,
)
BETWEEN = re.compile(
    rf"\b(?:between|from) (?P<low>{NUMBER})(?P<lowest> \(?(?:in|ex)clusive\)?)? (?:and|to) "
    rf"(?P<high>{NUMBER})(?P<highest> \(?(?:in|ex)clusive\)?)?"
    rf"|(?P<least>{NUMBER})\s?(?:到|至|~|～|–|\.\.)\s?(?P<most>{NUMBER})",
    re.IGNORECASE,
)
HIGHEST = re.compile(
    rf"(?:<=|≤|less (?:than )?or equal to|\bat most|{NOT}(?:exceed|greater than|larger than"
    rf"|more than"
    rf"|above"
    rf"|over)|\bno (?:more|greater|larger|higher) than|\bup to|\bonly supports"
    rf"|\bmax(?:imum)?(?: (?:allowed|count|items?|length|number"
    rf"|value))*(?: of [`'\"]?[a-z]\w+[`'\"]?)?(?: (?:of|is))?:?"
    rf"|\bexceeds the (?:limit|maximum)\w*(?: \w+){{0,2}}"
    rf"|不(?:能|得|可|可以)?(?:超过|大于|多于)|[仅只]支持(?=1)|最[多大](?:只能有|只能|支持|允许|为|是|值)*|小于(?:或)?等于)"
    rf"\s{{0,3}}[(\[`'\"]?(?P<high>{NUMBER})",
    re.IGNORECASE,
)
BELOW = re.compile(
    rf"(?:<|\bless than|\bsmaller than|\blower than|\bbelow|小于)\s{{0,3}}(?P<high>{NUMBER})",
    re.IGNORECASE,
)
LOWEST = re.compile(
    rf"(?:>=|≥|greater (?:than )?or equal to|\bat least|{NOT}(?:less|smaller|lower) than"
    rf"|\bno less than"
    rf"|\bmin(?:imum)?(?: value)?(?: (?:of|is))?:?|不(?:能|得)?(?:小于|低于)|大于(?:或)?等于)"
    rf"\s{{0,3}}(?P<low>{NUMBER})",
    re.IGNORECASE,
)
ABOVE = re.compile(
    rf"(?:>|\bgreater than|\blarger than|\bmore than|\bhigher than|\babove|大于)\s{{0,3}}"
    rf"(?P<low>{NUMBER})",
    re.IGNORECASE,
)
NOT_NEGATIVE = re.compile(r"\bmust be (?:an? )?non-?negative\b|非负", re.IGNORECASE)
POSITIVE = re.compile(r"\bmust be (?:an? )?(?:strictly )?positive\b|正数", re.IGNORECASE)

WORDS = (
    (re.compile(r"\bzero\b", re.IGNORECASE), "0"),
    (re.compile(r"\bone\b(?! of)|单个|单一", re.I), "1"),
)
"""Numbers in words."""

STEP = 0.01
"""So far from a bound that is not taken itself."""

Range = tuple[float | None, float | None]


def range_in(text: str) -> Range:
    """What a sentence allows at least and at most; None where it names no such bound."""
    for words, number in WORDS:
        text = words.sub(number, text)
    return _interval(text) or (_lowest(text), _highest(text))


def interval_in(text: str) -> Range | None:
    """The same of a sentence that names both bounds; None of any other."""
    return _interval(text)


def _interval(text: str) -> Range | None:
    if found := INTERVAL.search(text):
        low, high = float(found["low"]), float(found["high"].replace("∞", "inf"))
        return low + STEP * (found["open"] != "["), high - STEP * (found["close"] != "]")
    if found := BETWEEN.search(text):
        low, high = float(found["low"] or found["least"]), float(found["high"] or found["most"])
        is_open, is_shut = ("ex" in (found[name] or "").lower() for name in ("lowest", "highest"))
        return low + STEP * is_open, high - STEP * is_shut
    return None


def _highest(text: str) -> float | None:
    if found := HIGHEST.search(text):
        return float(found["high"])
    found = BELOW.search(text)
    return float(found["high"]) - STEP if found else None


def _lowest(text: str) -> float | None:
    if found := LOWEST.search(text):
        return float(found["low"])
    if found := ABOVE.search(HIGHEST.sub("", text)):
        return float(found["low"]) + STEP
    if NOT_NEGATIVE.search(text):
        return 0.0
    return STEP if POSITIVE.search(text) else None
