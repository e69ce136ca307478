"""What is known of one language: the types of the tables. Words are in lower case, without marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sophia.languages.dictation import Dictation, listed

__all__ = ["Clauses", "Dictation", "Language", "Phrase", "Waiting", "Words", "listed", "phrases"]

Phrase = Literal["reprompt", "away", "recorded", "asr", "llm", "tts"]
"""A canned sentence: "I did not catch that", "I can't hear you just now", "this is recorded", or that a service has
failed."""

Waiting = Literal["look", "work", "reckon", "ask"]
"""What she does while the user waits: looks something up, does something, works something out, or asks somebody."""


def phrases(text: str) -> tuple[str, ...]:
    """What is parted by commas or lines, in order."""
    return tuple(phrase for line in text.splitlines() for part in line.split(",") if (phrase := part.strip()))


@dataclass(frozen=True, slots=True)
class Words:
    """The words by which :mod:`sophia.completeness` judges."""

    trailing: frozenset[str] = frozenset()  # a sentence does not end on these
    stranded: frozenset[str] = frozenset()  # … nor on these, unless it is a question: "what are you waiting for"
    fillers: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()  # a number may go on after these
    openers: frozenset[str] = frozenset()  # a question or request that begins so and has a few words is usually whole
    asking: tuple[str, ...] = ()  # questions begin so, too, with two words: "por qué"
    requests: frozenset[str] = frozenset()  # so is one that begins so, but what it asks for may be dictated
    verbs: frozenset[str] = frozenset()  # a statement that has one of these between two other words is usually whole
    pronounless: bool = False  # … or if it begins with one: "vivo en Madrid"
    modals: frozenset[str] = frozenset()  # … but with one of these only if it ends on an infinitive
    infinitives: tuple[str, ...] = ()  # how an infinitive ends
    genitive: frozenset[str] = frozenset()  # after an article and a noun its own noun is to come: "the capital of"
    pronouns: frozenset[str] = frozenset()
    relatives: frozenset[str] = frozenset()  # after these a pronoun and a verb may end a sentence: "where it is"
    subordinate: frozenset[str] = frozenset()  # what begins so has a main clause to come
    leads: frozenset[str] = frozenset()  # may stand before the sentence itself: a name, a greeting, an answer
    whole: frozenset[str] = frozenset()  # whole utterances
    backchannels: frozenset[str] = frozenset()  # "I am listening"


@dataclass(frozen=True, slots=True)
class Clauses:
    """The words by which :mod:`sophia.clauses` cuts a reply, beside the English ones that stand in any text."""

    abbreviations: frozenset[str] = frozenset()  # end on a full stop that ends no sentence; without it
    conjunctions: frozenset[str] = frozenset()  # a clause may end before one of these
    openers: frozenset[str] = frozenset()  # an overlong clause is cut before one of these rather than elsewhere
    endings: tuple[str, ...] = ()  # of words that are abbreviations: "Hauptstr."
    ordinals: bool = False  # "3." is "third"


@dataclass(frozen=True, slots=True)
class Language:
    """One language. Whatever is left out of a table is not said, and not listened for.

    ``code`` is its ISO 639 code and ``name`` its English name. ``yes`` and ``no`` are whole answers to a question.
    ``waiting`` are sentences that she says while the user waits, by what she does, and ``still`` those that follow when
    it takes long. ``phrases`` are her canned ones. ``inviting`` are words near a reply's end that ask for an answer
    without a question mark. ``answer_in`` asks a model to answer in the language.
    ``trial`` is a sentence to try a voice with. ``signs`` are the words of signs in a text
    that is spoken, "is …" where a number or a variable stands before it. ``grouping`` parts the thousands of a number,
    where a voice takes it for nothing else. ``shall`` asks whether to run a ``{tool}``, and ``shall_with`` with what is
    ``{given}`` to it.
    """

    code: str
    name: str
    words: Words = Words()
    clauses: Clauses = Clauses()
    dictation: Dictation | None = None
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    waiting: Mapping[Waiting, tuple[str, ...]] = field(default_factory=dict)
    still: tuple[str, ...] = ()
    shall: str = ""
    shall_with: str = ""
    phrases: Mapping[Phrase, str] = field(default_factory=dict)
    inviting: tuple[str, ...] = ()
    answer_in: str = ""
    trial: str = "1 2 3"
    signs: Mapping[str, str] = field(default_factory=dict)
    grouping: str = ""

    @property
    def instruction(self) -> str:
        """Asks a language model to answer in this language."""
        return self.answer_in or f"Answer in the language that has the tag {self.name}."

    @property
    def known(self) -> bool:
        """Whether there is a table for it; without one she is silent where she has no words."""
        return bool(self.phrases)
