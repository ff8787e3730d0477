"""The language a text is in, where that is plain: by its script, and by its commonest words."""

from __future__ import annotations

import re
from collections import Counter

# fmt: off
SCRIPTS = {
    "ja": r"[\u3040-\u30ff]", "ko": r"[\uac00-\ud7af]", "zh": r"[\u4e00-\u9fff]",
    "ar": r"[\u0600-\u06ff]", "he": r"[\u0590-\u05ff]", "el": r"[\u0370-\u03ff]",
    "th": r"[\u0e00-\u0e7f]", "hi": r"[\u0900-\u097f]", "ru": r"[\u0400-\u04ff]",
}
"""A script stands for its commonest language; Japanese has Chinese signs as well."""

SHARED = {"ru": {"ru", "uk", "bg", "sr", "be", "mk", "kk"}, "ar": {"ar", "fa", "ur", "ps"},
          "hi": {"hi", "mr", "ne", "sa"}, "zh": {"zh", "yue"}, "he": {"he", "yi"}}
"""Languages of one script that are not told apart."""

WORDS = {
    "en": "the of and to in is that for it with as are this be on not you have from or by an at",
    "de": "der die und das ist nicht ein eine zu den mit sich auf für im dem von auch es an werden "
          "wird sind oder wie",
    "fr": "le la les des et est une dans que pour qui pas sur au plus par avec ce il sont ne vous "
          "cette du aux",
    "es": "el los las del que y una por con para es se no su lo como más pero al este son está",
    "it": "il di che è e per una non con sono del della le gli nel alla questo anche più si come",
    "pt": "o os as do da que e uma para com não é em se por mais dos no na como mas foi são",
    "nl": "de het een van en in is dat op te zijn met voor niet aan er om ook als bij door maar",
    "pl": "i w nie na się że do z jest to jak o co ale po tak za od przez są dla być oraz",
    "sv": "och att det i en som är på för med inte av till den har ett om kan så men var",
    "tr": "ve bir bu için ile de da çok olarak daha gibi olan var ne kadar sonra en ama değil",
    "cs": "a je se na že to v s z do i jako za ale po jsou který pro by od nebo při jsem",
    "fi": "ja on ei se että oli hän mutta ovat joka kun niin myös kuin tai olla voi sen ole",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam akan pada juga saya ke adalah atau",
    "vi": "và của là có không được cho một những các trong người với này đã khi để như",
    "ro": "și de în la cu nu este că pe o din un mai care pentru sunt ce sau dar fi",
    "hu": "a az és hogy nem is egy van de meg ez csak volt mint vagy már ha még",
}
# fmt: on
COMMON = {language: frozenset(words.split()) for language, words in WORDS.items()}

WORD = re.compile(r"[^\W\d_]+")
CODE = re.compile(r"```.*?```|`[^`]*`|https?://\S+", re.DOTALL)

LEAST_WORDS = 12
"""Words from which on a text in Latin letters is told by them."""

LEAST_SHARE, LEAST_LEAD = 0.12, 1.5
"""Of the words, that are a language's commonest; and how many times those of the next."""

MOST_CHARS = 8_000


def language_of(text: str) -> str | None:
    """Two letters (ISO 639-1), or None where it is not plain."""
    prose = CODE.sub(" ", text[:MOST_CHARS])
    letters = sum(map(str.isalpha, prose))
    for language, script in () if prose.isascii() else SCRIPTS.items():
        least = 0.1 if language == "ja" else 0.5
        if letters and len(re.findall(script, prose)) >= least * letters:
            return language
    return _by_words(Counter(map(str.lower, WORD.findall(prose))))


def is_in(text: str, language: str) -> bool:
    """False if the text is plainly in another language."""
    asked, found = language.lower().partition("-")[0], language_of(text)
    if found is None or found == asked or asked in SHARED.get(found, ()):
        return True
    is_told = asked in COMMON or any(asked in {each, *SHARED.get(each, ())} for each in SCRIPTS)
    return not is_told


def checked_language(language: str) -> str:
    """The same; raises ValueError for one that nothing here tells from others."""
    known = {*COMMON, *SCRIPTS, *(each for shared in SHARED.values() for each in shared), "asked"}
    if language.lower().partition("-")[0] not in known:
        raise ValueError(
            f"is no language that is told from others; it is {', '.join(sorted(known))}"
        )
    return language


def _by_words(words: Counter[str]) -> str | None:
    if words.total() < LEAST_WORDS:
        return None
    counts = Counter({name: sum(words[each] for each in common) for name, common in COMMON.items()})
    (best, most), (_, second) = counts.most_common(2)
    is_plain = most >= LEAST_SHARE * words.total() and most >= LEAST_LEAD * second
    return best if is_plain else None
