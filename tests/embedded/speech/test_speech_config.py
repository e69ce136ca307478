from __future__ import annotations

from typing import Any

import pytest
from riva.client.proto.riva_asr_pb2 import EndpointingConfig, RecognitionConfig, SpeakerDiarizationConfig, SpeechContext

from pipelines.embedded.speech.endpointing import Endpointing
from pipelines.embedded.speech.profanity import WORDS, masked
from pipelines.embedded.speech.recognition_config import BadConfig, endpointing_from, settings_from


def test_nothing_asked_for_is_fine() -> None:
    settings = settings_from(RecognitionConfig(), "m")
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
    settings = settings_from(config, "m", interims=True)
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
        settings_from(RecognitionConfig(**fields), "m")


def test_profanity_is_masked_and_only_that() -> None:
    word = sorted(WORDS)[0]
    assert masked(word.capitalize() + ".") == word[0].upper() + "*" * (len(word) - 1) + "."
    assert masked("class.") == "class."
    assert not WORDS & {"hello", "class", "therapist", "scunthorpe", "analysis", "cockpit"}


def told(model: str, *phrases: str, boost: float = 10.0) -> list[str]:
    config = RecognitionConfig(speech_contexts=[SpeechContext(phrases=phrases, boost=boost)])
    return list(settings_from(config, model).notices)


def test_who_boosts_words_is_told_where_that_does_nothing() -> None:
    assert not told("moonshine-tiny", "Nova")
    assert not told("pocketsphinx", "", " ")
    assert told("pocketsphinx", "Nova") == ["speech_contexts have no effect: pocketsphinx does not boost words"]
    assert told("moonshine-tiny", "Nova", "x" * 61)[0].startswith("speech_contexts: 1 of 2 phrases have no effect")
    for boost in (-20.0, 0.0, float("nan")):
        assert told("moonshine-tiny", "Nova", boost=boost)[0].startswith("speech_contexts: 1 of 1 phrases")
    assert told("moonshine-tiny", *map(str, range(1003)))[0].startswith("speech_contexts: 3 of 1003 phrases")
