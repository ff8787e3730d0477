"""Thoughts that stand in an answer's text between tags, as models write them that nobody parses."""

from __future__ import annotations

import re

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
"""Characters without width that `str.strip` leaves."""

CHANNEL = r"(?:<\|start\|>assistant)?<\|channel\|>"
OPENING = re.compile(
    r"\s*(?:<(?:\w{1,20}:)?(?:think|thinking|thought)>|\[THINK\]|◁think▷|<\|channel>thought\b"
    rf"|{CHANNEL}(?:analysis|commentary)[^<]{{0,80}}(?:<\|constrain\|>\w{{0,10}})?<\|message\|>)"
)
CLOSING = re.compile(
    r"</(?:\w{1,20}:)?(?:think|thinking|thought)>|\[/THINK\]|◁/think▷|<\|(?:end|return|call)\|>"
    r"|<channel\|>"
)
FINAL = re.compile(rf"\s*{CHANNEL}final[^<]{{0,20}}(?:<\|constrain\|>\w{{0,10}})?<\|message\|>")
"""What stands before an answer in the channels of gpt-oss, where nobody read them."""

BEGUN = re.compile(
    r"<[\w:]{0,28}|<\|[\w|<> .=]{0,120}|\[(?:T(?:H(?:I(?:NK?)?)?)?)?|◁(?:t(?:h(?:i(?:nk?)?)?)?)?"
)
"""A text that may become an opening tag with what follows."""

PART = re.compile(r"[<\[◁][^<\[◁]{0,31}\Z")
"""The end of a text, which may be the beginning of a closing tag."""

LONGEST = 32
"""Characters of a tag."""

MARKS = {"<": (b"<", b"\\u003c"), "[": (b"[/",), "◁": ("◁".encode(), b"\\u25c1")}
"""By how a tag begins: what each part of a stream holds in which one of its kind closes."""


def bare(text: str) -> str:
    """A text without what shows nothing at its ends."""
    return text.strip().strip(INVISIBLE).strip()


def shown_of(text: str) -> str:
    """What stands outside of tags. Thoughts that nothing opened end at what closes them, for
    templates open them in the prompt; those that nothing closes go on to the end."""
    if OPENING.match(text) is None:
        closed = CLOSING.search(text, max(0, len(text.rstrip()) - LONGEST))
        return "" if closed and not text[closed.end() :].strip() else text
    while opened := OPENING.match(text):
        closed = CLOSING.search(text, opened.end())
        text = text[closed.end() :] if closed else ""
    return FINAL.sub("", text, count=1)


class ThoughtTags:
    """The same of a text that comes in parts; most of them need not be read while it thinks.

    marks   of the kind of tag that it is between; empty: it is between none
    """

    __slots__ = ("_text", "marks")

    def __init__(self) -> None:
        self._text = ""
        self.marks: tuple[bytes, ...] = ()

    @property
    def are_open(self) -> bool:
        """What comes is a thought."""
        return bool(self.marks)

    @property
    def are_undecided(self) -> bool:
        """There is text, which may be the beginning of a tag."""
        return not self.marks and bool(bare(self._text))

    def shows(self, text: str) -> bool:
        """Whether anything stands outside of tags once this part came."""
        self._text += text
        while True:
            if self.marks:
                closed = CLOSING.search(self._text)
                if closed is None:
                    part = PART.search(self._text)
                    self._text = part[0] if part else ""
                    return False
                self._text, self.marks = self._text[closed.end() :], ()
            self._text = FINAL.sub("", self._text, count=1)
            opened = OPENING.match(self._text)
            if opened is None:
                left = bare(self._text)
                return bool(left) and BEGUN.fullmatch(left) is None
            self.marks = MARKS[opened[0].lstrip()[0]]
            self._text = self._text[opened.end() :]

    def may_close(self, held: bytes, until: int) -> bool:
        """Whether what closes the thoughts, or a part of it, may stand in these bytes."""
        return bool(self._text) or any(held.find(mark, 0, until) >= 0 for mark in self.marks)
