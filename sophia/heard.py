"""Which words belong to which samples: what was heard of a reply, and the caption that goes with a position.

A :class:`Script` follows one generation's sound as it is pushed to the playout; positions are samples of that
generation. Where the service told the times of its words they are used, otherwise the text is spread evenly over the
clause's sound. Answers are whole words.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from sophia.marks import COMMAS, ENDS, gap, length, segments, together
from sophia.speech import SpeechChunk, SpokenWord

SECONDS_PER_WEIGHT = 0.06
"""How long a clause is thought to last while its end is not known: 60 ms a letter, about 165 words a minute."""


@dataclass(slots=True)
class _Clause:
    text: str
    start: int
    end: int
    complete: bool
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, slots=True)
class Caption:
    """The clause that belongs to a position: its ``text``, of which the first ``heard`` characters were heard."""

    text: str
    heard: int


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word of a generation, heard from sample ``start`` to before ``end``.

    ``text`` carries the space before it, so that all words joined are the text.
    """

    text: str
    start: int
    end: int


class Script:
    """The text of one generation along its samples; ``rate`` is in Hz. Clauses are added in playing order."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._clauses: list[_Clause] = []
        self._number = -1
        self._told = (0, 0)  # clauses, and words of the next one, that news() gave
        self._began = False
        self.samples = 0

    def follow(self, chunk: SpeechChunk) -> None:
        """Takes note of a chunk that is pushed to the playout; ``samples`` is how many were, all in all."""
        if chunk.clause != self._number:
            self._number = chunk.clause
            self.add(chunk.text, self.samples)
        clause = self._clauses[-1]
        self.samples += len(chunk.pcm)
        clause.end = self.samples
        clause.words += chunk.words
        clause.complete = chunk.last

    def add(self, text: str, start: int, end: int | None = None, words: Sequence[SpokenWord] = ()) -> None:
        """Adds a clause that begins at sample ``start`` and ends before ``end``, if that is known by now.

        ``words`` are timed in seconds from ``start``.
        """
        self._clauses.append(_Clause(text, start, start if end is None else end, end is not None, tuple(words)))

    def heard(self, position: int) -> str:
        """What was heard when ``position`` samples were played, in whole words; clauses are joined by a space, if
        their script knows any.

        A word counts when more than half of it was played.
        """
        parts: list[str] = []
        for clause in self._clauses:
            if position <= clause.start:
                break
            parts.append(clause.text[: self._reached(clause, position)])
        return together(parts)

    def news(self) -> list[TimedWord]:
        """The words whose times are certain by now, in order; each is given once.

        That is so once the service told them, or else once the clause's sound has ended.
        """
        news: list[TimedWord] = []
        clause, word = self._told
        while clause < len(self._clauses):
            known = self._timed(self._clauses[clause], self._clauses[clause - 1].text if clause else "")
            news += known[word:]
            self._told = clause, max(word, len(known))
            if not self._clauses[clause].complete:
                break
            clause, word = clause + 1, 0
            self._told = clause, word
        if news and not self._began:
            self._began = True
            news[0] = replace(news[0], text=news[0].text.lstrip())
        return news

    def _timed(self, clause: _Clause, before: str) -> list[TimedWord]:
        """The clause's words with their times, if those are certain; each with the space before it.

        ``before`` is the text of the clause ahead.
        """
        written = segments(clause.text)
        edges = [0, *(end for _, end in written)]
        texts = [clause.text[start:end] for start, end in pairwise(edges)]
        if texts:
            texts[0] = gap(before, texts[0]) + texts[0]
        if len(clause.words) == len(written):
            times = [(round(word.start * self._rate), round(word.end * self._rate)) for word in clause.words]
        elif clause.complete:
            begin = round(clause.words[0].start * self._rate) if clause.words else 0
            end = round(clause.words[-1].end * self._rate) if clause.words else clause.end - clause.start
            spans = [_weight(clause.text[start:end]) for start, end in written]
            share = (end - begin) / (sum(spans) or 1.0)
            times = [
                (begin + round(a * share), begin + round(b * share))
                for a, b in pairwise(accumulate(spans, initial=0.0))
            ]
        else:
            return []
        return [TimedWord(text, clause.start + a, clause.start + b) for text, (a, b) in zip(texts, times, strict=True)]

    def caption(self, position: int) -> Caption | None:
        """The clause at ``position``; ``None`` before the first one."""
        index = bisect.bisect_right(self._clauses, position, key=lambda clause: clause.start) - 1
        if index < 0:
            return None
        clause = self._clauses[index]
        return Caption(clause.text, self._reached(clause, position))

    def _reached(self, clause: _Clause, position: int) -> int:
        """How many characters of the clause were heard; always up to the end of a word."""
        played = position - clause.start
        if clause.complete and position >= clause.end:
            return len(clause.text)
        words = segments(clause.text)
        seconds = played / self._rate
        if len(clause.words) == len(words):  # spoken as written: word for word
            count = sum((word.start + word.end) / 2 <= seconds for word in clause.words)
        else:
            spans = [_weight(clause.text[start:end]) for start, end in words]
            reach = self._share(clause, played, sum(spans)) * sum(spans)
            count, before = 0, 0.0
            for span in spans:
                if before + span / 2 > reach:
                    break
                before += span
                count += 1
        return words[count - 1][1] if count else 0

    def _share(self, clause: _Clause, played: int, weight: float) -> float:
        """Which share of the clause's text was played, from 0 to 1."""
        known = clause.end - clause.start
        if not clause.words:
            whole = known if clause.complete else max(known, weight * SECONDS_PER_WEIGHT * self._rate)
            return played / whole if whole else 0.0
        # Spoken otherwise than written ("23" is two words): as much of the text as of what is spoken.
        seconds, done, total = played / self._rate, 0.0, 0.0
        for word in clause.words:
            span = _weight(word.text)
            total += span
            length = max(word.end - word.start, 1e-3)
            done += span * min(1.0, max(0.0, (seconds - word.start) / length))
        whole = total if clause.complete else max(total, weight)
        return done / whole if whole else 0.0


def _weight(word: str) -> float:
    """How long a word takes to say, in Latin letters: a digit is a word, a mark at the end a pause."""
    letters = sum(4.0 if character.isdigit() else float(length(character)) for character in word if character.isalnum())
    return letters + 1.0 + (2.0 if word[-1] in ENDS or word[-1] in COMMAS else 0.0)
