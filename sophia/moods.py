"""The mind's marks of mood: ``<joy>That's great!`` tells how a clause is meant, and is taken out of the text.

A mark is one of ten names in angle brackets, in any case: ``<joy>``, ``<Joy/>``, ``＜joy＞``. ``</joy>`` and
``<neutral>`` end a mood. Anything else is text: unknown names, and marks in a word, in code or behind a backslash.
This comes before markup is taken out, so a mark that is left here meets the rules of :mod:`sophia.markup`.

Each decision is made on one character and what came before it, so how the text was cut into deltas cannot matter.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from sophia.marks import CLOSERS, COMMAS, ENDS, unspaced

Showing = Literal["off", "subtle", "full"]
"""How much of her mood is shown."""

MOODS: Final = (
    "amazement", "anger", "cheekiness", "disgust", "fear", "grief", "joy", "outofbreath", "pain", "sadness",
)  # fmt: skip
"""What she can show: the ten emotions of Audio2Face."""

NEUTRAL: Final = ""

NAMES: Final = {mood: mood for mood in MOODS} | {
    "afraid": "fear",
    "amazed": "amazement",
    "angry": "anger",
    "cheeky": "cheekiness",
    "disgusted": "disgust",
    "happy": "joy",
    "sad": "sadness",
    "surprise": "amazement",
    "surprised": "amazement",
    "calm": NEUTRAL,
    "neutral": NEUTRAL,
}
"""What a mark may say, and which mood it means; models that were asked for joy write happy, too."""

LONGEST_CODE: Final = 80
"""Characters after a backtick in which marks are text; until it is closed, a backtick may be just a backtick."""

_FENCE: Final = 3
_OPENS, _SHUTS = "<＜", ">＞"
_PASSED: Final = (ENDS | COMMAS | frozenset(CLOSERS)) - frozenset("`\"'*_~>")
"""Marks behind a word that a mark of mood lets pass: ``<joy>Great</joy>!``"""
_WHOLE = re.compile(rf"[{_OPENS}](/?)([A-Za-z]+) ?/?[{_SHUTS}]")
_BEGUN = re.compile(rf"[{_OPENS}]/?([A-Za-z]*)( ?/?)\Z")


class Mark(NamedTuple):
    """From here on the text has this mood. One that ``ends`` a mood is about the next clause."""

    mood: str
    ends: bool


class MoodMarks:
    """One reply's marks: feed it deltas, take text and marks in their order, flush it at the end."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._held = ""  # what may become a mark
        self._raw = ""  # a mark that is whole, and not told yet: what follows it decides
        self._before = ""  # the last character that came out
        self._ticks = 0  # backticks in a row, just now
        self._code = 0  # how many backticks end the code that is being taken; 0 outside
        self._in_code = 0  # characters of it so far

    def feed(self, delta: str) -> list[str | Mark]:
        """The text and the marks that are certain by now."""
        out: list[str | Mark] = []
        for character in delta:
            self._take(character, out)
        return out

    def flush(self) -> list[str | Mark]:
        """The text is over: returns what was held back, and makes the filter new."""
        out: list[str | Mark] = []
        self._release(out)
        if self._raw:
            out.append(_mark(self._raw))
        self._reset()
        return out

    def _take(self, character: str, out: list[str | Mark]) -> None:
        if self._held:
            if self._may_go_on(self._held + character):
                self._held += character
                if _WHOLE.fullmatch(self._held):
                    self._settle(out)  # of two marks in a row
                    self._raw, self._held = self._held, ""
                return
            self._release(out)
        if character in _OPENS and self._before != "\\" and not self._is_code():
            self._held = character
            return
        self._put(character, out)

    def _may_go_on(self, text: str) -> bool:
        if found := _WHOLE.fullmatch(text):
            return found[2].lower() in NAMES
        found = _BEGUN.fullmatch(text)
        if not found:
            return False
        name = found[1].lower()
        return name in NAMES if found[2] else any(known.startswith(name) for known in NAMES)

    def _release(self, out: list[str | Mark]) -> None:
        held, self._held = self._held, ""
        for character in held:
            self._put(character, out)

    def _put(self, character: str, out: list[str | Mark]) -> None:
        """Lets a character of the text through, and before it the mark that waits, unless that lets it pass."""
        if self._raw and _joins(self._before) and _joins(character) and not character.isupper():
            raw, self._raw = self._raw, ""  # inside a word it was no mark
            _add(out, raw)
        elif self._raw and (not self._before or self._before.isspace()):
            if character.isspace() and character != "\n":
                return  # one gap is enough
            self._settle(out)
        elif self._raw and not character.isspace() and character not in _PASSED:
            self._settle(out)
        self._let(character, out)

    def _settle(self, out: list[str | Mark]) -> None:
        """Tells the mark that waits; two words that only it kept apart get a space."""
        if not self._raw:
            return
        mark, self._raw = _mark(self._raw), ""
        if self._before and not self._before.isspace() and not unspaced(self._before):
            self._let(" ", out)
        out.append(mark)

    def _let(self, character: str, out: list[str | Mark]) -> None:
        _add(out, character)
        self._before = character
        self._follow_code(character)

    # --- code, in which marks are text --------------------------------------------------------------------------------

    def _is_code(self) -> bool:
        """Whether the next character is in code, if it is no backtick."""
        run, code = self._ticks, self._code
        if not run or not code:
            return bool(run or code)
        return run < code if code >= _FENCE else run != code

    def _follow_code(self, character: str) -> None:
        if character == "`":
            self._ticks += 1
            return
        inside, begins = self._is_code(), not self._code
        run, self._ticks = self._ticks, 0
        if begins and run:
            self._code, self._in_code = run, 0
        elif not inside:
            self._code = 0
        self._in_code += 1
        if self._code < _FENCE and (character == "\n" or self._in_code > LONGEST_CODE):
            self._code = 0


def _joins(character: str) -> bool:
    """Whether a mark behind or before this character may stand inside a word."""
    return bool(character) and (character.isalnum() or character == "_") and not unspaced(character)


def _mark(raw: str) -> Mark:
    found = _WHOLE.fullmatch(raw)
    assert found is not None
    mood = NEUTRAL if found[1] else NAMES[found[2].lower()]
    return Mark(mood, ends=not mood)


def _add(out: list[str | Mark], text: str) -> None:
    if out and isinstance(out[-1], str):
        out[-1] += text
    else:
        out.append(text)
