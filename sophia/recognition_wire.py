"""Riva's recognition messages to and from our own words. No channel, no task, no clock but the stream's own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, model_validator
from riva.client.proto import riva_asr_pb2, riva_audio_pb2

from sophia.audio import EAR_RATE
from sophia.transcripts import Transcript, Word, joined

FINISH_SILENCE = bytes(2 * EAR_RATE * 80 // 1000)
"""80 ms, one step of a streaming model: what ``force_eou`` is sent with."""


AUTO = "auto"
"""The language of a user whom the service may tell it of."""

MULTILINGUAL = "multi"
"""The language code that asks Riva's multilingual models to find out."""


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model that the service offers, with its parameters as the service words them."""

    name: str
    parameters: dict[str, str]


class RecognizerSettings(BaseModel):
    """What is asked of Riva, and how patient we are with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str = Field(
        "en-US",
        description="language of the user, for example en-US or de-DE; auto: the service tells it",
        min_length=2,
    )
    model: str = Field("", description="name of the model; empty lets the server choose by language")
    punctuation: bool = Field(True, description="ask for punctuation and capitals")
    verbatim: bool = Field(False, description="leave numbers and dates as they were spoken")
    boost_phrases: tuple[str, ...] = Field((), description="words and phrases to expect", max_length=1000)
    boost: float = Field(10.0, description="how much to favour the expected phrases", ge=-100, le=100)
    stop_history: int = Field(
        500, description="ms of blanks after which an utterance is final; a multiple of 80 or the model's -1", ge=-1
    )
    stop_history_eou: int = Field(
        240, description="ms of blanks after which a stable partial is sent; less than stop_history, or -1", ge=-1
    )
    custom: dict[str, str] = Field({}, description="custom_configuration entries, passed on as they are")
    chunk_milliseconds: int = Field(20, description="sound sent at once; a frame is 20 ms", ge=20, le=200)
    replay_seconds: float = Field(
        20.0, description="unfinished sound kept for a reopened stream; older is dropped", ge=1, le=60
    )
    max_stream_seconds: float = Field(300.0, description="age at which a stream is renewed in a silence", ge=10)
    idle_seconds: float = Field(5.0, description="time without any sound after which the stream is closed", ge=0.5)
    open_seconds: float = Field(5.0, description="how long opening a stream may take", gt=0, le=60)
    answer_seconds: float = Field(
        3.0,
        description="how long a voice may go unanswered before the stream is tested; longer if no partials ever come",
        gt=0,
    )
    drain_seconds: float = Field(2.0, description="how long an ended stream may take for its last results", gt=0, le=30)
    give_up_seconds: float | None = Field(
        None,
        description="how long a recogniser that is away is waited for (.inf: for ever); by default 300 s with a "
        "microphone, 20 s with soundbites, for ever in a server",
        ge=0,
    )

    @property
    def assumed(self) -> str:
        """The language of words of which the service tells none; empty if nobody knows."""
        return "" if self.language == AUTO else self.language

    @model_validator(mode="after")
    def _two_passes(self) -> RecognizerSettings:
        if 0 <= self.stop_history <= self.stop_history_eou:
            raise ValueError(
                f"stop_history_eou ({self.stop_history_eou}) must be less than stop_history ({self.stop_history})"
            )
        return self


def first_message(settings: RecognizerSettings) -> riva_asr_pb2.StreamingRecognizeRequest:
    """The message that opens a stream: its whole configuration.

    The endpointing fields are set one by one, since Riva's own helper cannot send 0 or -1.
    """
    config = riva_asr_pb2.RecognitionConfig(
        encoding=riva_audio_pb2.AudioEncoding.LINEAR_PCM,
        sample_rate_hertz=EAR_RATE,
        audio_channel_count=1,
        language_code=MULTILINGUAL if settings.language == AUTO else settings.language,
        model=settings.model,
        max_alternatives=1,
        enable_automatic_punctuation=settings.punctuation,
        enable_word_time_offsets=True,
        verbatim_transcripts=settings.verbatim,
        custom_configuration=settings.custom,
        endpointing_config=riva_asr_pb2.EndpointingConfig(
            stop_history=settings.stop_history, stop_history_eou=settings.stop_history_eou
        ),
    )
    if settings.boost_phrases:
        config.speech_contexts.add(phrases=settings.boost_phrases, boost=settings.boost)
    streaming = riva_asr_pb2.StreamingRecognitionConfig(config=config, interim_results=True)
    return riva_asr_pb2.StreamingRecognizeRequest(streaming_config=streaming)


def sound_message(sound: bytes) -> riva_asr_pb2.StreamingRecognizeRequest:
    """A piece of the user's sound, 16-bit little-endian."""
    return riva_asr_pb2.StreamingRecognizeRequest(audio_content=sound)


def finish_message() -> riva_asr_pb2.StreamingRecognizeRequest:
    """Asks for the final now. Models without it take it for 80 ms of silence."""
    return riva_asr_pb2.StreamingRecognizeRequest(audio_content=FINISH_SILENCE, runtime_config={"force_eou": "true"})


@dataclass(slots=True)
class _Stretch:
    stream: int  # position in the stream, samples
    session: int  # the same in the session
    samples: int
    pushed: bool  # False for silence of our own


class StreamClock:
    """Translates a stream's time into the session's: seconds of sound since the first frame ever pushed.

    Streams begin anywhere, sound may be missing where it was dropped, and silence of our own may lie between.
    """

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []
        self._sent = 0

    def sent(self, session: int, samples: int) -> None:
        """``samples`` of the user's sound, which begin at sample ``session``, went into the stream."""
        last = self._stretches[-1] if self._stretches else None
        if last is not None and last.pushed and last.session + last.samples == session:
            last.samples += samples
        else:
            self._stretches.append(_Stretch(self._sent, session, samples, True))
        self._sent += samples

    def padded(self, samples: int) -> None:
        """``samples`` of silence of our own went into the stream."""
        last = self._stretches[-1] if self._stretches else _Stretch(0, 0, 0, True)
        session = last.session + (last.samples if last.pushed else 0)
        self._stretches.append(_Stretch(self._sent, session, samples, False))
        self._sent += samples

    def session(self, seconds: float) -> float:
        """The session's time, in seconds, of ``seconds`` into the stream; never past what was sent."""
        at = seconds * EAR_RATE if math.isfinite(seconds) else 0.0
        found = None
        for stretch in reversed(self._stretches):  # the newest is nearly always right
            found = stretch
            if stretch.stream <= at:
                break
        if found is None:
            return 0.0
        inside = min(max(at - found.stream, 0.0), found.samples) if found.pushed else 0.0
        return (found.session + inside) / EAR_RATE


def read_response(
    response: riva_asr_pb2.StreamingRecognizeResponse, clock: StreamClock, language: str
) -> Iterator[Transcript]:
    """What a response says, in session time; an answer without words has an empty text.

    Each final is a transcript of its own. Interims of one response are parts of one utterance, the steadier first:
    they are joined, and together are as stable as the least stable part. ``language`` is that of words of which the
    service tells none.
    """
    parts: list[str] = []
    told = ""
    stability, processed = 1.0, 0.0
    for result in response.results:
        best = result.alternatives[0] if result.alternatives else riva_asr_pb2.SpeechRecognitionAlternative()
        text = " ".join(best.transcript.split())
        tongue = _language_of(best)
        if result.is_final:
            yield Transcript(
                text,
                final=True,
                confidence=best.confidence,
                words=tuple(
                    Word(w.word, clock.session(w.start_time / 1000), clock.session(w.end_time / 1000), w.confidence)
                    for w in best.words
                ),
                audio_processed=clock.session(result.audio_processed),
                language=tongue or language,
            )
        else:
            parts.append(text)
            told = told or tongue
            stability = min(stability, result.stability)
            processed = max(processed, result.audio_processed)
    if parts:
        yield Transcript(
            joined(parts), stability=stability, audio_processed=clock.session(processed), language=told or language
        )


def _language_of(told: riva_asr_pb2.SpeechRecognitionAlternative) -> str:
    """The language that a result says it is in, or most of its words; empty if it says none."""
    codes = Counter(word.language_code for word in told.words if _is_language(word.language_code))
    named = next((code for code in told.language_code if _is_language(code)), "")
    return named if len(told.language_code) == 1 or not codes else codes.most_common(1)[0][0]


def _is_language(code: str) -> bool:
    return bool(code) and code != MULTILINGUAL
