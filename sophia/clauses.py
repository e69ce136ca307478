"""Cuts a reply, as it streams in, into clauses: the pieces of text that are sent to synthesis at once.

The first clause is short, because the user waits for it. Later ones are whole sentences: they sound better, and the
first one's sound covers the wait. Numbers, times, dates, abbreviations, initials, URLs, e-mail addresses, ellipses,
brackets and blocks of code are not cut. Abbreviations and conjunctions are those of
:mod:`sophia.languages`; sentences end in every script.

Markup is taken out first (:mod:`sophia.markup`), so that no construct is cut in two. Every decision is made on one
character and what came before it, so how the text was cut into deltas cannot matter. But for white space, the clauses
together are the text without its markup. :mod:`sophia.spoken` decides what of it can be said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sophia.languages import ENGLISH
from sophia.languages import language as table
from sophia.marks import (
    BRACKETS,
    CLOSERS,
    COMMAS,
    ENDS,
    PLAIN_ENDS,
    begins_word,
    is_letter,
    length,
    may_part,
    phrased,
    unspaced,
)
from sophia.markup import FENCE, LONGEST_BLOCK, Plain

LONGEST_TOKEN = 400
"""Characters without white space that are not waited for any longer; nobody speaks such a thing."""

LONGEST_FENCE = LONGEST_BLOCK + LONGEST_TOKEN
"""Characters of a block of code that are kept together at most, with its fences and what cannot be cut off before."""

_URL_MARKS = frozenset("./@:")
_OPENING = frozenset(BRACKETS.values())
_QUOTES = (frozenset(BRACKETS) - frozenset(")]}")) | {"”"}
_AT_ONCE = (ENDS | COMMAS) - frozenset(".…:")
"""Marks that end a clause without the white space behind them, if they follow a letter."""
_UNMISTAKABLE = ENDS - frozenset(PLAIN_ENDS)
"""Ends of sentences that also follow a digit at once: no number has them in it."""


_OPERATORS = re.compile(r"[×x*·÷/+\-−–=≈<>%€$£]+\Z")
_SHORT_NUMBER = re.compile(r"\W*(?:\d{1,2}\.[–-])?\d{1,2}\.\Z")
_DOTTED = re.compile(r"\W*(?:[^\W\d]{1,3}\.){2,}\Z")
_NUMBER_COMMA = re.compile(r"\d[,;]\Z")
_MAY_RANGE = re.compile(r"(?:\d|\b[ap]\.?m\.?)\Z")
"""What a dash behind it may lead on from: 5 – 7, 8 a.m. – 5 p.m."""
_TOKEN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Stage:
    """What a clause may be, depending on how much has been said. Lengths are in Latin letters."""

    until: int  # of the reply's text that has been cut off
    sentence: int  # the shortest sentence that stands for itself
    soft: int  # the shortest clause that ends at a comma, colon, semicolon, dash or ellipsis
    opener: int | None  # the shortest clause that ends before a conjunction
    cap: int  # the longest clause


_STAGES = (
    _Stage(until=12, sentence=2, soft=12, opener=24, cap=60),
    _Stage(until=90, sentence=12, soft=50, opener=80, cap=120),
    _Stage(until=1 << 62, sentence=25, soft=120, opener=None, cap=200),
)


class ClauseSplitter:
    """One reply's splitter: feed it deltas, take clauses, flush it at the end.

    ``language`` is a BCP 47 tag; it decides what "3." is: the end of a sentence, or German for "third". In Greek a
    semicolon ends a question.
    """

    def __init__(self, language: str = "en-US") -> None:
        own, english = table(language).clauses, ENGLISH.clauses
        self._english, self._ordinals, self._endings = own is english, own.ordinals, own.endings
        self._abbreviations = own.abbreviations | english.abbreviations
        self._conjunctions = own.conjunctions | english.conjunctions
        self._openers = own.openers | english.openers | self._conjunctions
        self._ends = ENDS | {";"} if language.lower().startswith("el") else ENDS
        self._plain = Plain()
        self._text = ""
        self._said = 0
        self._stage = _STAGES[0]
        self._depth = 0  # of open brackets
        self._quoted = False  # one of them is the “ of a script without spaces
        self._fenced = False

    def feed(self, delta: str) -> list[str]:
        """Takes the next piece of the reply; returns the clauses, stripped, that are complete by now."""
        return self._take(self._plain.feed(delta))

    def flush(self) -> list[str]:
        """The reply is over: returns what is left, if anything, and makes the splitter new."""
        clauses = self._take(self._plain.flush())
        rest = self._text.strip()
        self._text, self._said, self._stage = "", 0, _STAGES[0]
        self._depth, self._quoted, self._fenced = 0, False, False
        return [*clauses, rest] if rest else clauses

    @property
    def waits(self) -> bool:
        """Whether the next clause has begun."""
        return bool(self._text.strip())

    def _take(self, text: str) -> list[str]:
        clauses: list[str] = []
        for character in text:
            inside = character.isascii() and character.isalpha() and self._text[-1:].isascii()
            inside = inside and not self._text[-1:].isspace() and len(self._text) < self._stage.cap
            self._text += character
            if inside:  # of a word, nothing is decided
                continue
            self._track(character)
            cut = self._cut(character)
            while cut:
                if clause := self._text[:cut].strip():
                    clauses.append(clause)
                    self._said += length(clause)
                    self._stage = next(stage for stage in _STAGES if self._said < stage.until)
                self._rest(cut)
                cut = self._overlong()
        return clauses

    # --- state ----------------------------------------------------------------------------------------------------

    def _track(self, character: str) -> None:
        if self._text.endswith(FENCE) and not self._text.endswith("`" + FENCE):
            self._fenced = not self._fenced
        elif character in _OPENING or (character == "“" and _after_unspaced(self._text)):
            self._depth += 1
            self._quoted = self._quoted or character == "“"
        elif character == "”" and self._quoted:
            self._depth, self._quoted = max(0, self._depth - 1), False
        elif character in BRACKETS:
            self._depth = max(0, self._depth - 1)
        elif character == "\n":
            self._depth, self._quoted = 0, False  # nobody brackets over lines; a smiley does not hold the rest back

    def _rest(self, cut: int) -> None:
        rest, self._text = self._text[cut:].lstrip(), ""
        self._depth, self._quoted, self._fenced = 0, False, False
        for character in rest:
            self._text += character
            self._track(character)

    # --- decisions: where, if anywhere, the text that ends in ``character`` is cut ------------------------------------

    def _cut(self, character: str) -> int | None:
        text = self._text
        if self._fenced:
            return self._before_fence() if text.endswith(FENCE) else len(text) if len(text) > LONGEST_FENCE else None
        if character == "`" and text.endswith(FENCE):
            return len(text)  # the code is complete
        if character == "\n":
            return len(text) if _speakable(text) or FENCE in text else None
        if character.isspace():
            return self._cut_after_token() if not text[-2:-1].isspace() else None
        if character in ",;!?":
            return self._cut_at_once(character)
        if character in _AT_ONCE:
            return self._cut_at_once(character) or self._overlong()
        if character in _QUOTES:
            return self._cut_after_quote() or self._overlong()
        if character.isalpha() and self._text[-2:-1].isspace():
            return self._cut_after_number() or self._cut_after_phrase(character) or self._overlong()
        return self._overlong()

    def _before_fence(self) -> int | None:
        cut = len(self._text) - len(FENCE)
        return cut if _speakable(self._text[:cut]) else None

    def _cut_at_once(self, mark: str) -> int | None:
        """After a letter these marks end a clause whatever comes next; some do so after a digit too."""
        text = self._text
        if self._depth:
            return None
        if mark not in _UNMISTAKABLE:
            before = text[-2:-1]
            follows = bool(before) and (is_letter(before) or before in _QUOTES)
            if not follows or not _URL_MARKS.isdisjoint(_last_token(text)):
                return None
        if mark not in self._ends:
            return self._soft()
        return self._sentence(len(text))

    def _cut_after_quote(self) -> int | None:
        """A quotation that ends with its sentence: 「…。」"""
        whole = not self._depth and self._text[-2:-1] in _UNMISTAKABLE
        return self._sentence(len(self._text)) if whole else None

    def _sentence(self, at: int) -> int | None:
        text = self._text[:at].strip()
        return at if length(text) >= self._stage.sentence and _speakable(text) else None

    def _cut_after_token(self) -> int | None:
        token = _last_token(self._text)
        if not token:
            return None
        if not self._depth and (cut := self._after_mark(token) or self._before_opener(token)):
            return cut
        return self._overlong()

    def _after_mark(self, token: str) -> int | None:
        bare = token.rstrip(CLOSERS) or token
        if bare.endswith(("...", "…")) or (bare[-1] in COMMAS and bare[-1] not in self._ends):
            return self._soft() if not _NUMBER_COMMA.search(bare) else None
        if token in ("–", "—", "-") and not _MAY_RANGE.search(self._before(token)):
            return self._soft()
        if bare[-1] not in self._ends or not self._ends_sentence(bare, initial=not self._before(token)):
            return None
        return self._sentence(len(self._text))

    def _ends_sentence(self, token: str, *, initial: bool) -> bool:
        """Whether a token with a mark at its end, ``initial`` if it opens the clause, ends a sentence."""
        if token[-1] != ".":
            return True
        if _SHORT_NUMBER.match(token):
            return not (self._ordinals or initial)  # "3. Mai"; "1. Apples" in a list
        if _DOTTED.match(token):
            return False  # e.g., p.m., U.S.
        word = token[:-1].lstrip("([{\"'“„»«*_").lower()
        if word == "no":
            return initial  # "No. That is wrong."; "track No. 5"
        if len(word) == 1 and word.isalpha():
            return word == "i" and self._english  # an initial, or z. B.
        return word not in self._abbreviations and not word.endswith(self._endings)

    def _soft(self) -> int | None:
        text = self._text.strip()
        enough = length(text) >= self._stage.soft and (len(text.split()) >= 3 or any(map(unspaced, text)))
        return len(self._text) if enough else None

    def _cut_after_phrase(self, letter: str) -> int | None:
        """Thai and its neighbours part phrases by a space, as others do by a comma."""
        before = self._text[:-1].rstrip()
        if self._depth or not (phrased(letter) and before and phrased(before[-1])):
            return None
        return len(self._text) - 1 if self._soft() else None

    def _cut_after_number(self) -> int | None:
        """A comma after a number ends a clause if no number follows: not "May 3, 2024", nor "1, 2 and 3"."""
        before = self._text[:-1].rstrip()
        return len(self._text) - 1 if not self._depth and _NUMBER_COMMA.search(before) and self._soft() else None

    def _before_opener(self, token: str) -> int | None:
        shortest = self._stage.opener
        if shortest is None or token.lower() not in self._conjunctions:
            return None
        before = self._before(token)
        at = len(before)
        return at if len(before.strip()) >= shortest and self._parts(at) else None

    def _overlong(self) -> int | None:
        """The best place to cut a clause that has grown too long, if there is one."""
        cap = self._stage.cap
        if self._fenced or length(self._text) <= cap:
            return None
        if (at := self._between_characters(cap)) is not None:
            return at
        places = [match.end() for match in _TOKEN.finditer(self._text) if match.end() < len(self._text)]
        sizes = {at: length(self._text[:at]) for at in places}
        good = [at for at in places if cap // 3 <= sizes[at] and self._parts(at)]
        fitting = [at for at in good if sizes[at] <= cap]
        if fitting:
            return max(fitting, key=lambda at: (self._quality(at), at))
        if len(self._text) > LONGEST_TOKEN:
            return good[0] if good else places[-1] if places else len(self._text)
        return None

    def _between_characters(self, cap: int) -> int | None:
        """Where a text of a script without spaces is cut: after a mark or a space, else between two syllables."""
        text, size, best = self._text, 0, (-1, -1)
        for at in range(1, len(text)):
            size += length(text[at - 1])
            if size > cap:
                break
            before, after = text[at - 1], text[at]
            if size < cap // 3 or not (unspaced(before) or before in COMMAS or before in ENDS or before.isspace()):
                continue
            marked = before in COMMAS or before in ENDS or (before.isspace() and phrased(text[at - 2]))
            if (marked and unspaced(after)) or may_part(before, after):
                best = max(best, (2 if marked else int(begins_word(before, after)), at))
        return best[1] if best[1] > 0 and _speakable(text[: best[1]]) else None

    def _parts(self, at: int) -> bool:
        """Whether the white space at ``at`` parts two words that do not belong together like "17 × 23"."""
        before, after = _last_token(self._text[:at]), self._text[at:].lstrip()[:2]
        initial = not self._text[:at].strip()[: -len(before)]
        if not before or not after or not _speakable(self._text[:at]):
            return False
        if before[-1].isdigit() or after[0].isdigit() or (after[0] in "-−+€$£" and after[1:2].isdigit()):
            return False
        if _OPERATORS.match(before) or _OPERATORS.match(after.strip()):
            return False
        return before[-1] != "." or self._ends_sentence(before, initial=initial)

    def _quality(self, at: int) -> int:
        before = self._text[:at].rstrip(CLOSERS)
        following = _TOKEN.search(self._text, at)
        word = following.group().lower() if following else ""
        if before[-1:] in COMMAS or before[-1:] in self._ends or before[-1:] in "–—":
            return 3
        return 2 if word in self._conjunctions else 1 if word in self._openers else 0

    def _before(self, token: str) -> str:
        """The text before its last token."""
        return self._text[: self._text.rindex(token)].rstrip()


def _last_token(text: str) -> str:
    stripped = text.rstrip()
    return stripped[max(stripped.rfind(space) for space in " \t\n\u00a0\u202f") + 1 :]


def _after_unspaced(text: str) -> bool:
    """Whether the last character follows one of a script without spaces."""
    before = text[-2:-1]
    return bool(before) and (unspaced(before) or (not before.isascii() and before in COMMAS))


def _speakable(text: str) -> bool:
    return any(character.isalnum() for character in text)
