"""The German service over TLS, where its extra is installed and its model was fetched: it hears what it says."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grpc
import pytest
import riva.client
from speech_process import SILENCE, Service, config, results, soundbite, start

from pipelines.embedded.speech.fetched import WHISPER, is_whole, place
from pipelines.home import home

pytestmark = [
    pytest.mark.services,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not (find_spec("ctranslate2") and find_spec("py_nanotts") and is_whole(WHISPER, place(WHISPER, home()))),
        reason="German is not prepared: make talk EXTRAS=german CONFIG=embedded-de.yaml",
    ),
]


@pytest.fixture(scope="module")
def service(pki: Path) -> Iterator[Service]:
    process, line = start(pki, "--language", "de-DE")
    try:
        yield Service(line["ready"]["port"], pki, process)
    finally:
        process.terminate()
        process.wait(5)


def heard(service: Service, **fields: Any) -> str:
    asked = config(interims=False, language_code="de-DE", enable_automatic_punctuation=True, **fields)
    got = results(service, SILENCE + soundbite("german/03_rechnen.wav") + SILENCE, asked)
    finals = [result.alternatives[0] for result in got if result.is_final]
    assert [list(final.language_code) for final in finals] == [["de-DE"]]
    return str(finals[0].transcript).strip()


def test_german_is_heard(service: Service) -> None:
    assert heard(service) == "Was ist 17 x 23?"
    assert heard(service, verbatim_transcripts=True) == "Was ist siebzehn mal dreiundzwanzig?"


def test_another_language_is_refused(service: Service) -> None:
    with pytest.raises(grpc.RpcError, match="knows de-DE only"):
        results(service, SILENCE, config(language_code="en-US"))
    with pytest.raises(grpc.RpcError, match="speak de-DE only"):
        service.tts.synthesize("Hello.", language_code="en-US")


def test_german_is_spoken(service: Service) -> None:
    response = service.tts.synthesize("Guten Tag.", "Magpie-Multilingual.DE-DE.Aria", "de-DE", sample_rate_hz=22_050)
    assert 0.4 < len(response.audio) / 2 / 22_050 < 1.5
    listed = service.tts.stub.GetRivaSynthesisConfig(riva.client.proto.riva_tts_pb2.RivaSynthesisConfigRequest())
    assert dict(listed.model_config[0].parameters)["language_code"] == "de-DE"
    assert dict(listed.model_config[0].parameters)["voice_name"] == "German-DE"


@pytest.fixture(scope="module")
def bilingual(pki: Path) -> Iterator[Service]:
    process, line = start(pki, "--language", "auto")
    try:
        yield Service(line["ready"]["port"], pki, process)
    finally:
        process.terminate()
        process.wait(5)


def test_both_languages_are_told_apart(bilingual: Service) -> None:
    asked = config(interims=True, language_code="multi", enable_automatic_punctuation=True)
    both = soundbite("02_what_time.wav") + 2 * SILENCE + soundbite("german/03_rechnen.wav")
    got = results(bilingual, SILENCE + both + SILENCE, asked)
    finals = [result.alternatives[0] for result in got if result.is_final]
    assert [(list(one.language_code), one.transcript.strip()) for one in finals] == [
        (["en-US"], "What time is it?"), (["de-DE"], "Was ist 17 x 23?"),
    ]  # fmt: skip
    stable = [list(one.alternatives[0].language_code) for one in got if one.stability == 1.0 and not one.is_final]
    assert all(codes in (["en-US"], ["de-DE"]) for codes in stable)  # a reply may be begun on them


def test_each_language_has_its_voice(bilingual: Service) -> None:
    lasts = {
        tag: len(bilingual.tts.synthesize("Guten Tag.", "", tag, sample_rate_hz=22_050).audio)
        for tag in ("en-US", "de-DE", "en-GB")
    }
    assert lasts["en-US"] == lasts["en-GB"] != lasts["de-DE"]
    listed = bilingual.tts.stub.GetRivaSynthesisConfig(riva.client.proto.riva_tts_pb2.RivaSynthesisConfigRequest())
    assert {model.parameters["language_code"] for model in listed.model_config} >= {"en-US", "de-DE"}
    with pytest.raises(grpc.RpcError, match="speak en-US and de-DE only"):
        bilingual.tts.synthesize("Bonjour.", language_code="fr-FR")
