"""What she speaks with in each of her languages: a voice, canned phrases, and a word to the model.

Turn taking decides which language it is (:class:`sophia.decisions.Switch`). A reply keeps what it was begun with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipelines.conversation.making import ReplyServices
from pipelines.conversation.phrases import Phrases
from sophia.languages import language as table
from sophia.languages.likely import likely
from sophia.speech import Synthesizer


@dataclass(frozen=True, slots=True)
class Speech:
    """What she speaks one language with."""

    tts: Synthesizer
    phrases: Phrases


class Tongues:
    """The languages of one conversation: ``first`` is what she begins in, ``others`` by their BCP 47 tags.

    All voices have the rate of the first one.
    """

    def __init__(self, language: str, first: Speech, others: Mapping[str, Speech]) -> None:
        self._speech = {**others, language: first}
        self._now = language

    def switch(self, language: str) -> None:
        """She speaks this from now on; a language that she has no voice for changes nothing."""
        if language in self._speech:
            self._now = language

    @property
    def phrases(self) -> Phrases:
        """Her canned phrases."""
        return self._speech[self._now].phrases

    @property
    def instruction(self) -> str:
        """What the model is told of the language; nothing where there is but one."""
        return table(self._now).instruction if len(self._speech) > 1 else ""

    def services(self, services: ReplyServices, said: str = "") -> ReplyServices:
        """The same services, with her voice of now; for a text that somebody has written, with one of its language."""
        own = likely(said, tuple(self._speech)) if said and len(self._speech) > 1 else ""
        language = own or self._now
        return replace(services, language=language, tts=self._speech[language].tts)
