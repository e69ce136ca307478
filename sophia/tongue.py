"""Which language the user speaks, and she answers in: she follows, but not for a single word. Pure policy.

A recogniser that knows several languages tells one with its words; of typed words, and where none is told, the words
themselves say it. An utterance of a few words changes the language only if the one before was in it, too: a short word
is often misheard, and a name or an "okay" belongs to no language. A language that is not configured changes nothing.
"""

from __future__ import annotations

from collections import Counter

from sophia.completeness import words
from sophia.decisions import Switch
from sophia.languages import code_of
from sophia.languages.likely import likely
from sophia.marks import unspaced
from sophia.turn_settings import TurnSettings
from sophia.utterance import Utterance

ENOUGH_WORDS = 3
"""So many words in another language change the language at once."""

SYLLABLES_A_WORD = 2
"""Syllables that make a word where no spaces part words, about."""


class Tongue:
    """The languages of one session; ``now`` is that of the conversation as far as it is decided.

    ``speaks`` is the one that her replies are made in just now: it may be that of a guess, which may not come true.
    """

    def __init__(self, settings: TurnSettings) -> None:
        self.now = self.speaks = settings.language
        self.languages = tuple(dict.fromkeys((settings.language, *settings.languages)))
        self._hint = ""
        self._foreign: set[str] = set()

    def of(self, utterance: Utterance) -> str:
        """The language that an utterance is to be taken for, and answered in."""
        if len(self.languages) == 1:
            return self.now
        tag, count = self._told(utterance)
        return tag if tag and (count >= ENOUGH_WORDS or tag == self._hint) else self.now

    def settle(self, utterance: Utterance) -> None:
        """The utterance is answered: the conversation goes on in its language, and a hint is remembered."""
        if len(self.languages) > 1 and utterance.text:
            tag, _ = self._told(utterance)
            self.now, self._hint = self.of(utterance), tag

    def differs(self, utterance: Utterance) -> bool:
        """Whether a reply to the utterance that was begun is in another language than it is to be by now."""
        return self.of(utterance) != self.speaks

    def follow(self, at: float, utterance: Utterance) -> list[Switch]:
        """From now on she speaks in the utterance's language. Tells so, and once of each language that is not hers."""
        switches = self._switch(at, utterance.turn, self.of(utterance), "the user speaks it")
        told = (
            [tag for tag in utterance.tongues if tag and not self._configured(tag)] if len(self.languages) > 1 else []
        )
        for heard in told:
            if heard not in self._foreign:
                why = f"{heard} is not among her languages"
                switches.append(Switch(at=at, turn=utterance.turn, language=self.speaks, heard=heard, reason=why))
        self._foreign.update(told)
        return switches

    def come_back(self, at: float, turn: int) -> list[Switch]:
        """A guess came to nothing, and so did its language."""
        return self._switch(at, turn, self.now, "the guess came to nothing")

    def _switch(self, at: float, turn: int, language: str, reason: str) -> list[Switch]:
        if language == self.speaks:
            return []
        self.speaks = language
        return [Switch(at=at, turn=turn, language=language, reason=reason)]

    def _told(self, utterance: Utterance) -> tuple[str, int]:
        """The configured language that most of the words are in, and how many are; empty if none is."""
        counts = dict.fromkeys(self.languages, 0)
        for tag, text in utterance.tongues.items():
            if found := self._configured(tag):
                counts[found] += size(text)
        if not any(utterance.tongues):  # nobody has told
            found = likely(utterance.text, self.languages)
            return found, size(utterance.text) if found else 0
        most = max(counts, key=lambda tag: (counts[tag], tag == self.now))
        return (most, counts[most]) if counts[most] else ("", 0)

    def _configured(self, tag: str) -> str:
        """The configured language that a recogniser means: "es-ES" stands for "es-US" where that alone is there."""
        same = [own for own in self.languages if own.lower() == tag.lower()]
        return next(iter(same or [own for own in self.languages if code_of(own) == code_of(tag)]), "")


def size(text: str) -> int:
    """How many words a text has, about; scripts without spaces are counted by their characters."""
    counts = Counter(unspaced(word[0]) for word in words(text))
    return counts[False] + -(-counts[True] // SYLLABLES_A_WORD)
