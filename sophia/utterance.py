"""The words and the voice of one utterance, as they come in. Plain bookkeeping for :mod:`sophia.turns`; no policy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from sophia.completeness import words
from sophia.decisions import Wait
from sophia.marks import segments, together
from sophia.transcripts import Transcript, joined


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence in an utterance, by ``loop.time()``; ``words`` is how many were known before.

    ``wait`` is the silence that would have ended the turn; None where that was not known yet.
    """

    since: float
    until: float
    words: int
    wait: Wait | None = None


@dataclass(slots=True)
class Utterance:
    """What the user says in one turn, pauses and all. Times are ``loop.time()`` seconds.

    ``onset`` is None, and ``turn`` 0, until a voice, or words without one, began it. A voice belongs to the utterance
    in which it set in, however long it lasts.
    """

    turn: int = 0
    onset: float | None = None
    last_voiced: float = 0.0
    voiced: float = 0.0  # seconds of voice, without the pauses
    voicing: bool = False  # a voice of this utterance is on
    finals: list[str] = field(default_factory=list)
    interim: str = ""
    stable: bool = False  # the interim is the first end-of-utterance pass
    interim_at: float = 0.0  # when an interim came last
    processed: float = 0.0  # seconds of the user's sound behind the interim; 0 if the recogniser does not tell
    final_at: float = 0.0
    news_at: float = 0.0  # when a final came last, or an interim that differs
    rejected: bool = False  # the recogniser's final said: no words
    asked_final_at: float | None = None
    speculations: int = 0
    commit_asked: bool = False  # a client said that it is over
    wait: Wait | None = None  # the silence that ends the turn, by the words so far; None while nobody has asked
    extra: float | None = None  # seconds that are waited beside, to learn what they are worth; None before it is drawn
    pause: Pause | None = None  # before the newest voice; no words came of it yet
    answers_until: float | None = None  # a backchannel: if she has asked and ends by then, the newest of it answers
    generation: int = 0  # the reply that it was decided to have
    stopped_at: float = -math.inf  # when it was known that its voice had ended
    judged: float | None = None  # by its sound, up to ``judged_until``: how probable it is that it was over
    judged_until: float = 0.0
    guess: str = ""  # the piece in ``finals`` whose own final has not come
    guess_ends: float = 0.0  # seconds of the user's sound behind the guess; 0 if the recogniser does not tell
    made_again: bool = False  # its reply failed before a word was heard, and another one was begun
    told: dict[str, str] = field(default_factory=dict)  # the words of finals by the language that they were told in
    telling: str = ""  # the language of the interim
    about: str = ""  # nobody said anything: this is what she was asked to tell of
    order: bool = False  # … and to do

    @property
    def text(self) -> str:
        """All words so far."""
        return joined((*self.finals, self.interim))

    @property
    def pieces(self) -> str:
        """All words so far, a line for each final: the user has paused between two."""
        return "\n".join(part for part in (*self.finals, self.interim) if part)

    @property
    def tongues(self) -> dict[str, str]:
        """The words by the language that the recogniser told with them; "" where it told none."""
        if not self.interim:
            return self.told
        return {**self.told, self.telling: f"{self.told.get(self.telling, '')} {self.interim}"}

    @property
    def settled(self) -> bool:
        """The recogniser has said its last word, or its last but one."""
        return bool(self.text) and (not self.interim or self.stable)

    @property
    def heard(self) -> float | None:
        """What was judged of all of its sound; None if nothing was, or the user has spoken since."""
        return self.judged if self.judged_until >= self.last_voiced else None

    def hear(self, at: float, transcript: Transcript, text: str) -> None:
        """Takes in what the recogniser said; ``text`` is what of it belongs to this utterance."""
        known = len(words(self.text))
        if transcript.final or words(text) != words(self.interim):
            self.news_at = at
        if transcript.final:
            if text:
                self.finals.append(text)
                self._tell(transcript.language, text)
            self.interim, self.stable, self.rejected = "", False, not self.finals
            self.final_at, self.asked_final_at = at, None
        else:
            if not (self.stable and words(text) in ([], words(self.interim))):  # the same again: still stable
                self.interim, self.stable, self.telling = text, transcript.stable, transcript.language
            self.interim_at = at
            self.processed = max(self.processed, transcript.audio_processed)
        if len(words(self.text)) > known:
            self.answers_until = None

    def settle(self, at: float, transcript: Transcript, text: str) -> bool:
        """Takes in a final on answered words, ``text``; returns whether one on the last of them is still to come."""
        if self.guess:
            parts = transcript.divided(self.guess_ends) if self.guess_ends else None
            first, rest = parts or beyond(text, self.guess, holds=bool(self.guess_ends))
            if first:
                self.finals[self.finals.index(self.guess)] = first
                self.guess, text = "", together(_pieces(text)[len(_pieces(first)) :])
                if not rest:
                    return bool(self.interim)
        self.hear(at, transcript, text)
        return False

    def goes_on_from(self, before: Utterance, *, pending: bool) -> None:
        """What was said ``before`` belongs to this utterance; ``pending``: the final on the last of it has not come."""
        self.turn, self.onset = before.turn, before.onset
        self.voiced += before.voiced
        self.speculations, self.extra = before.speculations, before.extra
        self.take_in(before, pending=pending)

    def take_in(self, before: Utterance, *, pending: bool) -> None:
        """The words of another one come ``before`` these; ``pending``: the final on the last of them has not come."""
        before.guess_it()
        self.finals = [*before.finals, *self.finals]
        for language, text in before.told.items():
            self._tell(language, text)
        if pending:
            self.guess, self.guess_ends = before.guess, before.processed

    def guess_it(self) -> None:
        """Takes the interim for said; the final on it may come later, when something else was said or typed."""
        if self.interim:
            known = [piece for piece in self.finals if piece != self.guess]
            self.guess, self.guess_ends = f"{self.guess} {self.interim}".strip(), self.processed
            self._tell(self.telling, self.interim)
            self.finals, self.interim = [*known, self.guess], ""

    def _tell(self, language: str, text: str) -> None:
        self.told[language] = f"{self.told.get(language, '')} {text}"

    def paused(self, since: float, until: float) -> None:
        """A voice sets in after a silence; noises in the middle of a silence do not end it."""
        count = len(words(self.text))
        if self.pause and self.pause.words == count:
            since = self.pause.since
        self.pause, self.wait = Pause(since, until, count, self.wait), None

    def went_on(self) -> Pause | None:
        """The silence that the user has spoken on after, once words have come of it; told once."""
        if (pause := self.pause) is None or len(words(self.text)) <= pause.words:
            return None
        self.pause = None
        return pause


def beyond(text: str, before: str, *, holds: bool = False) -> tuple[str, str]:
    """Divides ``text``, whose words have no times, into ``before`` as it says it now, and what is new.

    A guess by likeness. A number in figures stands for any words that ``before`` has in its place. If the text surely
    ``holds`` what was said before, however it is told now, as many words of it are taken for that where none are alike.
    """
    known, pieces = words(before), _pieces(text)
    said = [" ".join(words(piece)) for piece in pieces]
    blocks = [b for b in SequenceMatcher(a=known, b=said, autojunk=False).get_matching_blocks() if b.size]
    figures = [any(c.isdigit() for c in piece) for piece in pieces]
    if not known or 2 * (sum(block.size for block in blocks) + sum(figures)) < len(known):
        count = len(known) if holds else 0
        return together(pieces[:count]), together(pieces[count:])
    end = max((block.b + block.size for block in blocks), default=0)
    missing = len(known) - max((block.a + block.size for block in blocks), default=0)
    reworded = [at for at, figure in enumerate(figures[end : end + missing], 1) if figure]
    end += reworded[-1] if reworded else min(missing, len(pieces) - end)
    return together(pieces[:end]), together(pieces[end:])


def _pieces(text: str) -> list[str]:
    return [text[begin:end] for begin, end in segments(text)]
