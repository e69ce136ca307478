"""What a Riva client asks of the recogniser, checked: ``RecognitionConfig`` to plain settings or one clear sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from riva.client.proto.riva_asr_pb2 import EndpointingConfig, RecognitionConfig
from riva.client.proto.riva_audio_pb2 import AudioEncoding

from pipelines.embedded.speech import nvidia_names
from pipelines.embedded.speech.ears.boosting import LONGEST_PHRASE, MOST_PHRASES, Boosts
from pipelines.embedded.speech.ears.endpointing import Endpointing
from pipelines.embedded.speech.ears.sound_in import HIGHEST_RATE, LOWEST_RATE
from pipelines.embedded.speech.languages import ENGLISH, GERMAN, MULTILINGUAL, alike

_ENCODINGS = {
    AudioEncoding.ENCODING_UNSPECIFIED: None,
    AudioEncoding.LINEAR_PCM: "pcm",
    AudioEncoding.MULAW: "mulaw",
    AudioEncoding.ALAW: "alaw",
}
_MOST_ALTERNATIVES = 10


class BadConfig(ValueError):
    """A configuration the service cannot honour; the message says what it can."""


@dataclass(frozen=True, slots=True)
class Recogniser:
    """What a client is told of the ears: their ``name``, their ``language``, and if they can be told what to expect."""

    name: str
    language: str = ENGLISH
    boosts: bool = False

    def hears(self, asked: str) -> bool:
        """Whether it knows a language that a client asks for."""
        if self.language != MULTILINGUAL:
            return alike(asked, self.language)
        return asked == MULTILINGUAL or any(alike(asked, known) for known in (ENGLISH, GERMAN))

    def answers_to(self, asked: str) -> bool:
        """Whether it may be called so: by its own name, none, or one of NVIDIA's that it stands in for."""
        return asked in ("", self.name) or nvidia_names.recogniser(asked, self.language)


@dataclass(frozen=True, slots=True)
class RecognitionSettings:
    """A checked configuration. ``rate`` and ``encoding`` may be 0 and ``None``: then a WAV header must tell.

    ``notices`` say what was asked for and is done otherwise.
    """

    encoding: str | None = "pcm"
    rate: int = 16_000
    channels: int = 1
    language: str = ENGLISH
    alternatives: int = 1
    punctuation: bool = False
    numbers: bool = True
    word_times: bool = False
    clean: bool = False
    interims: bool = False
    endpointing: Endpointing = field(default_factory=Endpointing)
    boosts: Boosts = ()
    notices: tuple[str, ...] = ()


def settings_from(config: RecognitionConfig, model: Recogniser, *, interims: bool = False) -> RecognitionSettings:
    """Checks a client's configuration against the one ``model`` there is; raises :class:`BadConfig`.

    ``custom_configuration`` is accepted without effect, and so are ``speech_contexts`` where the engine cannot be told
    what to expect: they are hints. So are the names of NVIDIA's own models of its language. There is a notice of each.
    """
    if config.encoding not in _ENCODINGS:
        name = AudioEncoding.Name(config.encoding) if config.encoding in AudioEncoding.values() else config.encoding
        raise BadConfig(f"encoding {name} is not supported; send LINEAR_PCM, MULAW or ALAW, raw or in a WAV file")
    language = config.language_code or model.language
    if not model.hears(language):
        raise BadConfig(f"Model not found for language {language}: {model.name} knows {model.language} only")
    if not model.answers_to(config.model):
        raise BadConfig(f"Model {config.model} is not available; leave it empty or ask for {model.name}")
    rate = config.sample_rate_hertz
    if rate and not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise BadConfig(f"sample_rate_hertz must be {LOWEST_RATE} to {HIGHEST_RATE}, not {rate}")
    if config.audio_channel_count > 8 or config.audio_channel_count < 0:
        raise BadConfig(f"audio_channel_count must be 1 to 8, not {config.audio_channel_count}")
    if config.enable_separate_recognition_per_channel and config.audio_channel_count > 1:
        raise BadConfig("enable_separate_recognition_per_channel is not supported; send one stream for each channel")
    if config.diarization_config.enable_speaker_diarization:
        raise BadConfig("speaker diarization is not supported by the embedded recogniser")
    if not 0 <= config.max_alternatives <= 30:
        raise BadConfig(f"max_alternatives must be 0 to 30, not {config.max_alternatives}")
    return RecognitionSettings(
        encoding=_ENCODINGS[config.encoding],
        rate=rate,
        channels=config.audio_channel_count or 1,
        language=model.language,
        alternatives=min(max(1, config.max_alternatives), _MOST_ALTERNATIVES),
        punctuation=config.enable_automatic_punctuation,
        numbers=not config.verbatim_transcripts,
        word_times=config.enable_word_time_offsets,
        clean=config.profanity_filter,
        interims=interims,
        endpointing=endpointing_from(config.endpointing_config),
        boosts=_boosts(config),
        notices=tuple(_notices(config, model)),
    )


def _notices(config: RecognitionConfig, model: Recogniser) -> Iterator[str]:
    if config.model not in ("", model.name):
        yield f"model {config.model} is not here; {model.name} recognises in its place"
    asked = [phrase for context in config.speech_contexts for phrase in context.phrases if phrase.strip()]
    if asked and not model.boosts:
        yield f"speech_contexts have no effect: {model.name} does not boost words"
    elif (refused := len(asked) - len(_boosts(config))) > 0:
        yield (
            f"speech_contexts: {refused} of {len(asked)} phrases have no effect; a boost must be above 0, a phrase of "
            f"at most {LONGEST_PHRASE} characters, and there may be {MOST_PHRASES} of them"
        )
    if config.custom_configuration:
        names = ", ".join(sorted(config.custom_configuration))
        yield f"custom_configuration has no effect on the embedded recogniser: {names}"


def _boosts(config: RecognitionConfig) -> Boosts:
    every = ((phrase, context.boost) for context in config.speech_contexts for phrase in context.phrases)
    taken = ((phrase, boost) for phrase, boost in every if 0 < len(phrase.strip()) <= LONGEST_PHRASE and boost > 0)
    return tuple(islice(taken, MOST_PHRASES))


def endpointing_from(config: EndpointingConfig) -> Endpointing:
    """The windows a client asks for; unset and -1 mean this recogniser's own. Raises :class:`BadConfig`.

    A ``stop_history`` so short that our own first pass does not fit in it switches the first pass off.
    """
    asked: dict[str, int | float] = {}
    for name in Endpointing.__dataclass_fields__:
        if config.HasField(name):
            value = getattr(config, name)
            if value > 0 or (name == "stop_history_eou" and value == 0):
                asked[name] = value
            elif value not in (-1, 0):
                raise BadConfig(f"endpointing_config: {name} must be positive, or -1 for the model's own, not {value}")
    own = Endpointing()
    stop = int(asked.get("stop_history", own.stop_history))
    if "stop_history_eou" not in asked and stop <= own.stop_history_eou:
        asked["stop_history_eou"] = 0
    try:
        return Endpointing(**asked)  # type: ignore[arg-type]  # names and kinds are the protocol's own
    except ValueError as error:
        raise BadConfig(f"endpointing_config: {error}") from None
