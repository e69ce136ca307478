"""How finished a piece of recognised text sounds, and whether it is a mere backchannel.

A pure judgement on words. :mod:`sophia.endpointing` weighs pauses and voices. Another :class:`TurnModel` (a classifier,
say) can take this one's place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from sophia.dictation import dictation
from sophia.languages import language as table
from sophia.languages.table import Words
from sophia.marks import segments

Sounds = Literal["complete", "open", "unfinished"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the text sounds, and why, in words for a log line."""

    sounds: Sounds
    reason: str


class TurnModel(Protocol):
    """Says how finished an utterance sounds. Must be quick (it is asked on each transcript) and free of I/O.

    A line break in the text is a pause that the user has spoken on after. ``heard`` is how probable it is by the sound,
    from 0 to 1, that the turn is over; None where nobody has judged the sound, or not yet.
    """

    def judge(self, text: str, language: str, heard: float | None = None) -> Judgement: ...


FEWEST_WORDS: Final = 3
"""A sentence of fewer words is rarely whole, but for those that are known."""

_LAST_MARKS = re.compile(r"[\s.,;:!?…–—-]+$")
_WORD = re.compile(r"[^\W_]+(?:['’.:,][^\W_]+)*", re.UNICODE)


def words(text: str) -> list[str]:
    """The text's words, lower case, without punctuation: what two transcripts are compared by.

    Where no spaces part words, each syllable counts as one.
    """
    found = (w.lower().replace("’", "'") for w in _WORD.findall(text))
    return [w[begin:end] for w in found for begin, end in (((0, len(w)),) if w.isascii() else segments(w))]


def is_backchannel(text: str, language: str = "en-US") -> bool:
    """Whether the text only says "I am listening": "mhm", "okay okay", "ach so"."""
    said = words(text)
    if not said or len(said) > 4:
        return False
    known = table(language).words.backchannels
    if " ".join(said) in known:
        return True
    return all(word in known for word in said)


class WordTurnModel:
    """The built-in model: trailing conjunctions, fillers and dictations are unfinished, whole sentences complete.

    Only words count, however they sound. A recogniser ends what it has heard with a full stop or a question mark,
    whether or not it is over: its marks at the end are taken off first.
    """

    def judge(self, text: str, language: str, heard: float | None = None) -> Judgement:
        lang, text = table(language).words, _LAST_MARKS.sub("", text)
        said = words(text)
        if not said:
            return Judgement("open", "no words yet")
        last, joined = said[-1], " ".join(said)
        if joined in lang.whole:
            return Judgement("complete", f"“{joined}” is whole")
        if last in lang.fillers:
            return Judgement("unfinished", f"ends on the filler “{last}”")
        if (verdict := dictation(text, language, lang.openers)) is not None:
            return Judgement("complete" if verdict.whole else "unfinished", verdict.reason)
        sentence = said[_lead(said, lang) :]
        asks = _asks(sentence, lang)
        if last in lang.trailing or last in lang.stranded:
            if _ends_on_a_clause(sentence, lang):
                return Judgement("complete", f"a whole clause that ends on “{last}”")
            if asks and _may_strand(sentence, lang):
                return Judgement("open", f"a question that may end on “{last}”")
            return Judgement("unfinished", f"ends on “{last}”")
        if last in lang.numbers:
            return Judgement("open" if asks else "unfinished", f"the number may go on after “{last}”")
        if text[-1:].isdigit() and not asks:
            return Judgement("open", "ends on a number")
        if len(sentence) < FEWEST_WORDS:
            return Judgement("open", "nothing says it is over")
        if asks or sentence[0] in lang.requests:
            return Judgement("complete", f"a whole sentence that begins with “{sentence[0]}”")
        if (verb := _statement(sentence, lang)) is not None:
            return Judgement("complete", f"a whole sentence with “{verb}”")
        return Judgement("open", "nothing says it is over")


class SoundTurnModel:
    """Words beside their sound: where it is surely not that of an end, the words count as a step less finished.

    ``words`` judges the words. Below the probability ``veto`` the sound objects. It never ends a turn by itself, since
    a sentence that trails off sounds like one that is over.
    """

    def __init__(self, words: TurnModel, veto: float) -> None:
        self._words = words
        self._veto = veto

    def judge(self, text: str, language: str, heard: float | None = None) -> Judgement:
        said = self._words.judge(text, language, heard)
        if said.sounds == "unfinished" or heard is None or heard >= self._veto:
            return said
        less: Sounds = "open" if said.sounds == "complete" else "unfinished"
        return Judgement(less, f"{said.reason}, but it sounds as if more came ({heard:.2f})")


def _lead(said: list[str], lang: Words) -> int:
    """How many words come before the sentence itself: fillers, a name, a greeting, an answer."""
    return next((at for at, word in enumerate(said) if word not in lang.fillers and word not in lang.leads), len(said))


def _asks(sentence: list[str], lang: Words) -> bool:
    """Whether it begins as a question or a request does."""
    if not sentence:
        return False
    first = sentence[0]
    return not lang.openers.isdisjoint({first, first.split("'")[0]}) or " ".join(sentence[:2]) in lang.asking


def _may_strand(sentence: list[str], lang: Words) -> bool:
    """Whether a question may end on its last word: "what are you waiting for", but not "what is the capital of"."""
    last = sentence[-1]
    return last in lang.stranded and (last not in lang.genitive or lang.trailing.isdisjoint(sentence[-3:-2]))


def _ends_on_a_clause(sentence: list[str], lang: Words) -> bool:
    """Whether a pronoun and a verb end a clause that a word before them began: "tell me where it is"."""
    clause, pronoun = sentence[:-2], sentence[-2:-1]
    return sentence[-1] in lang.verbs and lang.pronouns.issuperset(pronoun) and not lang.relatives.isdisjoint(clause)


def _statement(sentence: list[str], lang: Words) -> str | None:
    """The verb that makes a statement of it; None if there is none, or its main clause or its infinitive is to come."""
    if sentence[0] in lang.subordinate:
        return None
    if not lang.modals.isdisjoint(sentence):
        return sentence[-1] if sentence[-1].endswith(lang.infinitives) else None
    return next(
        (
            word
            for at, word in enumerate(sentence[:-1])
            if word in lang.verbs and (at or lang.pronounless or "'" in word)
        ),
        None,
    )
