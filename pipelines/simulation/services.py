"""Conversations with simulated services; voice detector, turn taking and playout are real."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from nova.history import History
from nova.mind import Message
from pipelines.conversation.components import Components
from pipelines.conversation.phrases import Phrases
from pipelines.records.results import Unit
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Scenario
from pipelines.settings.model import Settings
from pipelines.simulation.chance import Chance
from pipelines.simulation.detector import RememberingModel
from pipelines.simulation.distribution import Distribution
from pipelines.simulation.ears import TwoPassRecognizer, words_of
from pipelines.simulation.judged import judge_for
from pipelines.simulation.paced import Answer, Pace, PacedFace, PacedMind, PacedVoice, tone
from pipelines.simulation.profile import FaceDelays, LlmDelays, Reply, ServiceProfile
from pipelines.simulation.service_load import ServiceLoad
from sophia.audio import Pcm
from sophia.languages import Phrase
from sophia.silero import VoiceDetector
from sophia.sinks import NullSink
from sophia.sounded import sounded
from sophia.turns import TurnTaking

_WORD = re.compile(r"\s*\S+")


class SimulatedComponents:
    """Makes the components of conversations without sockets, threads and wall clock.

    All conversations of one object load the same simulated services; those of two know nothing of each other.
    What a request takes depends on ``seed`` and the request alone (see :class:`~pipelines.simulation.chance.Chance`).
    Raises ``SettingsError`` where the settings want a turn model on audio that is not there.
    """

    def __init__(self, profile: ServiceProfile, settings: Settings, scenario: Scenario, seed: int = 0) -> None:
        self._profile = profile
        self.settings = settings
        self._seed = seed
        self._load = ServiceLoad(profile.load)
        self._lines = [line for talk in scenario.talks for line in talk.lines]  # kept: their ids are keys
        self._words = {id(line): words_of(line) for line in self._lines}
        self._model = _model()
        self._judge = judge_for(settings)

    def apart(self) -> SimulatedComponents:
        """The same with services of its own: what is asked of this one does not slow that one down."""
        other = copy.copy(self)
        other._load = ServiceLoad(self._profile.load)
        return other

    def components(self, caller: Caller, unit: Unit) -> Components:
        """The components of one conversation; to be called in the loop that runs it."""
        settings, profile, model = self.settings, self._profile, self._model
        chance = Chance(self._seed, unit, lambda: max(0, len(caller.said) - 1))
        services = _Services(profile, chance, self._load)
        turns = TurnTaking(settings.turns)
        return Components(
            source=caller,
            asr=TwoPassRecognizer(
                caller,
                words=self._words,
                profile=profile,
                settings=settings.asr,
                chance=chance,
                load=self._load,
            ),
            detector=sounded(
                lambda emit: VoiceDetector(model, settings.microphone.vad, emit),
                self._judge,
                lambda: turns.judged_since,
            ),
            turns=turns,
            llm=PacedMind(services.answer, self._load.llm),
            history=History(settings.llm.persona, settings.llm.history_tokens),
            tts=PacedVoice(
                services.voice,
                rate=settings.tts.rate,
                word=profile.tts.word,
                piece=profile.tts.piece,
                busy=self._load.tts,
            ),
            phrases=_TonePhrases(settings.turns.language, settings.tts.rate, profile.tts.word),
            sink=NullSink(),
            face=PacedFace(services.face, self._load.face) if profile.face and settings.face.enabled else None,
        )


class _Services:
    """What each request of one conversation takes."""

    def __init__(self, profile: ServiceProfile, chance: Chance, load: ServiceLoad) -> None:
        self._profile = profile
        self._chance = chance
        self._load = load

    def answer(self, messages: Sequence[Message]) -> Answer:
        llm, load = self._profile.llm, self._load
        tokens = tokens_of(reply_to(messages[-1].content, llm, self._chance.line()), llm.letters)
        first = self._drawn("first_token", llm.first_token) * load.first_token + self._there_and_back("llm")
        gap = self._drawn("token", llm.token)
        return Answer(tokens, first, lambda: gap * load.token)

    def voice(self) -> Pace:
        tts, load = self._profile.tts, self._load
        first = self._drawn("first_sound", tts.first_sound) * load.first_sound + self._there_and_back("tts")
        return Pace(first, load.speed / self._drawn("speed", tts.speed))

    def face(self) -> Pace:
        face = self._profile.face
        assert isinstance(face, FaceDelays)
        first = self._drawn("first_frame", face.first_frame) * self._load.first_frame + self._there_and_back("face")
        return Pace(first, 1 / self._drawn("face speed", face.speed))

    def _drawn(self, kind: str, distribution: Distribution) -> float:
        return distribution.draw(self._chance.of(kind))

    def _there_and_back(self, service: str) -> float:
        return 2 * self._drawn(f"{service} network", self._profile.network)


def reply_to(question: str, llm: LlmDelays, line: int) -> Reply:
    """The first reply whose question fits; else of those for every other question, one line each in turn.

    Where every reply has its question, those take their turns.
    """
    for reply in llm.replies:
        if reply.question is not None and re.search(reply.question, question, re.IGNORECASE):
            return reply
    others = [reply for reply in llm.replies if reply.question is None] or llm.replies
    return others[line % len(others)]


def tokens_of(reply: Reply, letters: float | None) -> list[str]:
    """The reply in pieces of even length: as many as it has tokens, else of ``letters`` characters; else its words.

    Joined they are its text, but for white space at the end.
    """
    text = reply.text.rstrip()
    if reply.tokens is None and letters is None:
        return _WORD.findall(text)
    number = reply.tokens or max(1, round(len(text) / (letters or 1)))
    cuts = [round(i * len(text) / number) for i in range(number + 1)]
    return [piece for i in range(number) if (piece := text[cuts[i] : cuts[i + 1]])]


class _TonePhrases(Phrases):
    """The canned sentences as tones, there from the start."""

    def __init__(self, language: str, rate: int, word: float) -> None:
        super().__init__(language)
        self._rate = rate
        self._word = word

    def sound(self, phrase: Phrase) -> Pcm | None:
        seconds = len(self.texts[phrase].split()) * self._word
        return np.resize(tone(self._rate, 1.0), round(seconds * self._rate))


@lru_cache(maxsize=1)
def _model() -> RememberingModel:
    return RememberingModel()
