from __future__ import annotations

from typing import Any

import pytest
from riva.client.proto.riva_asr_pb2 import EndpointingConfig, RecognitionConfig, SpeakerDiarizationConfig, SpeechContext

from pipelines.embedded.speech.ears.endpointing import Endpointing
from pipelines.embedded.speech.ears.profanity import WORDS, masked
from pipelines.embedded.speech.ears.recognition_config import BadConfig, Recogniser, endpointing_from, settings_from

ENGLISH, GERMAN = Recogniser("m", boosts=True), Recogniser("whisper", "de-DE")


def test_nothing_asked_for_is_fine() -> None:
    settings = settings_from(RecognitionConfig(), ENGLISH)
    assert (settings.encoding, settings.rate, settings.channels, settings.alternatives) == (None, 0, 1, 1)
    assert settings.numbers
    assert not settings.punctuation
    assert settings.endpointing == Endpointing()


def test_wishes_are_carried() -> None:
    config = RecognitionConfig(
        encoding="LINEAR_PCM",
        sample_rate_hertz=8000,
        language_code="en-GB",
        max_alternatives=5,
        profanity_filter=True,
        verbatim_transcripts=True,
        enable_automatic_punctuation=True,
        model="m",
        speech_contexts=[SpeechContext(phrases=["Nova  Aurora", ""], boost=10)],
    )
    settings = settings_from(config, ENGLISH, interims=True)
    assert settings.boosts == (("Nova  Aurora", 10.0),)
    assert settings.encoding == "pcm"
    assert settings.alternatives == 5
    assert settings.clean
    assert settings.interims
    assert not settings.numbers


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, Endpointing()),
        ({"stop_history": -1, "stop_history_eou": -1}, Endpointing()),
        ({"stop_history": 800, "stop_history_eou": 320}, Endpointing(stop_history=800, stop_history_eou=320)),
        ({"stop_history": 200}, Endpointing(stop_history=200, stop_history_eou=0)),
        ({"stop_history_eou": 0}, Endpointing(stop_history_eou=0)),
        ({"start_history": 200, "start_threshold": 0.5}, Endpointing(start_history=200, start_threshold=0.5)),
    ],
)
def test_endpointing_windows(asked: dict[str, float], expected: Endpointing) -> None:
    assert endpointing_from(EndpointingConfig(**asked)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"language_code": "de-DE"}, "Model not found for language de-DE"),
        ({"model": "other"}, "other"),
        ({"model": "parakeet-0.6b-de-DE-asr"}, "not available"),
        ({"model": "parakeet-ctc-0.6b-es"}, "not available"),
        ({"model": "parakeet-ctc-0.6b-zh-cn"}, "not available"),
        ({"model": "stt_de_conformer_ctc_large"}, "not available"),
        ({"encoding": "OGGOPUS"}, "OGGOPUS"),
        ({"sample_rate_hertz": 1}, "8000 to 96000"),
        ({"audio_channel_count": 12}, "audio_channel_count"),
        ({"max_alternatives": 99}, "max_alternatives"),
        ({"diarization_config": SpeakerDiarizationConfig(enable_speaker_diarization=True)}, "diarization"),
        ({"audio_channel_count": 2, "enable_separate_recognition_per_channel": True}, "one stream for each"),
        ({"endpointing_config": EndpointingConfig(stop_history=-5)}, "stop_history"),
        ({"endpointing_config": EndpointingConfig(stop_history=400, stop_history_eou=600)}, "stop_history_eou"),
    ],
)
def test_what_cannot_be_is_one_clear_line(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        settings_from(RecognitionConfig(**fields), ENGLISH)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"language_code": "de-DE"},
        {"language_code": "de-at"},
        {"language_code": "de", "model": "whisper"},
        {"model": "parakeet-0.6b-de-DE-asr"},
        {"model": "stt_de_conformer_ctc_large"},
        {"model": "parakeet-rnnt-1.1b"},
    ],
)
def test_german_ears_answer_to_german_names(fields: dict[str, Any]) -> None:
    assert settings_from(RecognitionConfig(**fields), GERMAN).language == "de-DE"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"language_code": "en-US"}, "Model not found for language en-US: whisper knows de-DE only"),
        ({"language_code": "den-DE"}, "Model not found for language den-DE"),
        ({"model": "parakeet-1.1b-en-US-asr-streaming"}, "not available"),
        ({"model": "stt_en_conformer_ctc_large"}, "not available"),
    ],
)
def test_german_ears_refuse_the_rest(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        settings_from(RecognitionConfig(**fields), GERMAN)


@pytest.mark.parametrize("language", ["", "multi", "en-GB", "de"])
def test_ears_of_both_languages_answer_to_each(language: str) -> None:
    both = Recogniser("whisper", "multi")
    asked = RecognitionConfig(language_code=language, model="parakeet-1.1b-rnnt-multilingual-asr")
    assert settings_from(asked, both).language == "multi"
    with pytest.raises(BadConfig, match="knows multi only"):
        settings_from(RecognitionConfig(language_code="fr-FR"), both)


def test_profanity_is_masked_and_only_that() -> None:
    word = sorted(WORDS)[0]
    assert masked(word.capitalize() + ".") == word[0].upper() + "*" * (len(word) - 1) + "."
    assert masked("class.") == "class."
    assert not WORDS & {"hello", "class", "therapist", "scunthorpe", "analysis", "cockpit"}


def test_profanity_is_that_of_the_language() -> None:
    assert masked("Shit!", "de-DE") == "S***!"
    assert masked("dick,", "de-DE") == "dick,"  # thick
    assert masked("dick,") == "d***,"


def told(model: Recogniser, *phrases: str, boost: float = 10.0) -> list[str]:
    config = RecognitionConfig(speech_contexts=[SpeechContext(phrases=phrases, boost=boost)])
    return list(settings_from(config, model).notices)


def test_who_boosts_words_is_told_where_that_does_nothing() -> None:
    assert not told(ENGLISH, "Nova")
    assert not told(GERMAN, "", " ")
    assert told(GERMAN, "Nova") == ["speech_contexts have no effect: whisper does not boost words"]
    assert told(ENGLISH, "Nova", "x" * 61)[0].startswith("speech_contexts: 1 of 2 phrases have no effect")
    for boost in (-20.0, 0.0, float("nan")):
        assert told(ENGLISH, "Nova", boost=boost)[0].startswith("speech_contexts: 1 of 1 phrases")
    assert told(ENGLISH, *map(str, range(1003)))[0].startswith("speech_contexts: 3 of 1003 phrases")
