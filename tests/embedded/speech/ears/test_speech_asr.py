"""Recognition by the service over TLS, asked for by NVIDIA's published client."""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import riva.client
from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc
from speech_process import (
    SILENCE,
    SOUNDBITES,
    Asked,
    Service,
    chunks,
    config,
    notices,
    results,
    served,
    soundbite,
    words_of,
)

from pipelines.embedded.speech.ears.recognition import whole
from pipelines.embedded.speech.ears.sound_in import BadSound, SoundIn

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def service(pki: Path) -> Iterator[Service]:
    with served(pki) as started:
        yield started


@pytest.fixture(scope="module")
def pocketsphinx(pki: Path) -> Iterator[Service]:
    """The service where Moonshine could not be fetched."""
    with served(pki, prepared=False) as started:
        yield started


def test_streaming_recognition(service: Service) -> None:
    asked = config(enable_word_time_offsets=True, enable_automatic_punctuation=True, max_alternatives=3)
    got = results(service, SILENCE + soundbite("02_what_time.wav") + SILENCE, asked)
    interims = [r for r in got if not r.is_final and r.stability < 1]
    stables = [r for r in got if not r.is_final and r.stability == 1]
    finals = [r for r in got if r.is_final]
    assert [w.strip() for w in (finals[0].alternatives[0].transcript,)] == ["What time is it?"]
    assert len(finals) == 1
    assert stables[-1].alternatives[0].transcript == finals[0].alternatives[0].transcript
    assert {round(r.stability, 1) for r in interims} <= {0.1, 0.9}
    assert interims
    processed = [r.audio_processed for r in got]
    assert processed == sorted(processed)
    assert 1.0 < processed[-1] <= 1 + 1.2 + 1
    times = [(w.start_time, w.end_time) for w in finals[0].alternatives[0].words]
    assert len(times) == 4
    assert all(a < b for a, b in times)
    assert 900 <= times[0][0] <= 1300
    assert times[-1][1] <= 2700
    assert finals[0].alternatives[0].confidence > 0.5
    assert len(finals[0].alternatives) <= 3


def test_interims_only_when_asked_for(service: Service) -> None:
    got = results(service, soundbite("05_story.wav") + SILENCE, config(interims=False))
    assert got
    assert all(r.is_final for r in got)


def test_written_or_verbatim(service: Service) -> None:
    pcm = soundbite("03_arithmetic.wav") + SILENCE
    written = results(service, pcm, config(interims=False))
    verbatim = results(service, pcm, config(interims=False, verbatim_transcripts=True))
    assert "23" in words_of(written[-1])
    assert words_of(verbatim[-1])[-2:] == ["twenty", "three"]


def test_names_that_a_client_expects_are_heard_and_written_its_way(service: Service) -> None:
    def heard(*phrases: str) -> str:
        asked = config(interims=False, enable_automatic_punctuation=True)
        asked.config.speech_contexts.add(phrases=phrases, boost=10)
        [final] = results(service, soundbite("01_who_are_you.wav") + SILENCE, asked)
        return str(final.alternatives[0].transcript.strip())

    assert heard() == "Hello, Sophia, who are you?"
    assert heard("Omniverse", "Sofia", "Grace Blackwell") == "Hello, Sofia, who are you?"
    assert heard("Omniverse", "SOPHIA") == "Hello, SOPHIA, who are you?"


def test_stop_history_decides_whether_a_pause_ends_the_utterance(service: Service) -> None:
    pcm = soundbite("02_what_time.wav") + SILENCE[:25_600] + soundbite("05_story.wav") + SILENCE  # 0.8 s between
    patient = config(interims=False)
    patient.config.endpointing_config.stop_history = 1600
    assert len(results(service, pcm + SILENCE, patient)) == 1
    assert len(results(service, pcm, config(interims=False))) == 2


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_other_rates_are_resampled(service: Service, rate: int) -> None:
    soxr = pytest.importorskip("soxr")
    pcm = np.frombuffer(soundbite("05_story.wav") + SILENCE, "<i2")
    other = soxr.resample(pcm, 16_000, rate).astype("<i2").tobytes()
    [final] = results(service, other, config(interims=False, sample_rate_hertz=rate))
    assert "story" in words_of(final) or rate == 8_000


def test_force_eou_ends_the_utterance_without_silence(service: Service) -> None:
    def requests() -> Iterator[riva_asr_pb2.StreamingRecognizeRequest]:
        yield riva_asr_pb2.StreamingRecognizeRequest(streaming_config=config(interims=False))
        for chunk in chunks(soundbite("05_story.wav") + bytes(2560)):
            yield riva_asr_pb2.StreamingRecognizeRequest(audio_content=chunk)
        yield riva_asr_pb2.StreamingRecognizeRequest(audio_content=bytes(2560), runtime_config={"force_eou": "true"})
        assert forced.wait(10)

    import threading

    forced = threading.Event()
    stub = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(service.auth.channel)
    for response in stub.StreamingRecognize(requests(), timeout=20):
        assert response.results[0].is_final
        forced.set()
    assert forced.is_set()


def test_what_one_stream_learned_of_its_speaker_is_not_the_next_ones(pocketsphinx: Service) -> None:
    def interims(pcm: bytes) -> list[tuple[str, float, float]]:
        got = results(pocketsphinx, pcm, config())
        return [
            (r.alternatives[0].transcript, r.stability, r.audio_processed)
            for r in got
            if not r.is_final and r.stability < 1
        ]

    pcm = soundbite("05_story.wav") + SILENCE
    alone = interims(pcm)
    loud = np.clip(8.0 * np.frombuffer(soundbite("03_arithmetic.wav"), "<i2").astype(float), -32768, 32767)
    strange = loud[::2].astype("<i2").tobytes()  # twice as high and twice as fast
    interims((strange + SILENCE) * 3)
    assert alone
    assert interims(pcm) == alone


def test_noise_gives_no_words(service: Service) -> None:
    noise = np.random.default_rng(1).normal(0, 1500, 5 * 16_000).astype("<i2").tobytes()
    got = results(service, noise + SILENCE, config(enable_automatic_punctuation=True))
    assert all(not r.alternatives[0].transcript.strip() for r in got if r.is_final)


def test_offline_recognition_of_a_wav_file(service: Service) -> None:
    data = (SOUNDBITES / "06_what_did_i_say.wav").read_bytes()
    response = service.asr.offline_recognize(data, riva.client.RecognitionConfig(language_code="en-US"))
    assert words_of(response.results[0])[:3] == ["what", "did", "i"]


@pytest.mark.parametrize("encoding", ["ENCODING_UNSPECIFIED", "LINEAR_PCM", "FLAC"])
@pytest.mark.parametrize("magic", [b"fLaC\0\0\0\x22", b"OggS\0\2\0\0", b"ID3\4\0\0\0\0"])
def test_a_file_that_it_cannot_read_is_refused_in_both_calls(service: Service, encoding: str, magic: bytes) -> None:
    data = magic + np.random.default_rng(1).bytes(60_000)
    asked = config(encoding=encoding)
    for recognise in (
        lambda: service.asr.offline_recognize(data, asked.config),
        lambda: results(service, data, asked),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            recognise()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "PCM" in caught.value.details()


def test_recognition_models_are_listed(service: Service) -> None:
    listed = service.asr.stub.GetRivaSpeechRecognitionConfig(riva_asr_pb2.RivaSpeechRecognitionConfigRequest())
    assert {m.parameters["type"] for m in listed.model_config} == {"online", "offline"}
    assert {m.parameters["language_code"] for m in listed.model_config} == {"en-US"}
    [final] = results(
        service, soundbite("05_story.wav") + SILENCE, config(interims=False, model=listed.model_config[0].model_name)
    )
    assert final.is_final


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"language_code": "de-DE"}, "not found for language de-DE"),
        ({"model": "my-own-model"}, "my-own-model"),
        ({"model": "parakeet-1.1b-de-DE-asr-streaming"}, "parakeet-1.1b-de-DE"),
        ({"encoding": riva.client.AudioEncoding.FLAC}, "FLAC"),
        ({"sample_rate_hertz": 100}, "sample_rate_hertz"),
        ({"endpointing_config": riva.client.EndpointingConfig(stop_history=300, stop_history_eou=400)}, "stop_history"),
    ],
)
def test_a_wrong_configuration_is_one_clear_line(service: Service, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        results(service, SILENCE, config(**fields))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in caught.value.details()
    assert "\n" not in caught.value.details()


SOUND = Asked(audio_content=bytes(3200))


@pytest.mark.parametrize(
    ("opening", "why"),
    [
        ([Asked(streaming_config=config(language_code="de-DE"))], "not found for language de-DE"),
        ([Asked(streaming_config=config()), Asked(audio_content=b"fLaC" + bytes(3200))], "FLAC"),
        ([Asked(streaming_config=config()), SOUND, Asked(streaming_config=config())], "only be the first message"),
        ([], "the first message must hold streaming_config"),
    ],
)
async def test_a_client_that_is_still_writing_reads_why_it_is_refused(
    service: Service, opening: list[Asked], why: str
) -> None:
    async def talk(call: Any) -> None:
        for message in [*opening, *[SOUND] * 100]:
            await call.write(message)
        await call.done_writing()
        await call.read()

    credentials = grpc.ssl_channel_credentials((service.pki / "ca.crt").read_bytes())
    async with grpc.aio.secure_channel(f"localhost:{service.port}", credentials) as channel:
        for _ in range(3):  # without reading out the client, nearly every call ends as "Internal error from Core"
            call: Any = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(channel).StreamingRecognize()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await talk(call)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert why in (caught.value.details() or "")


def test_a_stream_that_ends_before_it_began_is_refused(service: Service) -> None:
    for stub, method in (
        (riva_asr_pb2_grpc.RivaSpeechRecognitionStub(service.auth.channel), "StreamingRecognize"),
        (service.tts.stub, "SynthesizeOnline"),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            list(getattr(stub, method)(iter([]), timeout=10))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_sound_before_the_configuration_is_refused(service: Service) -> None:
    stub = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(service.auth.channel)
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.StreamingRecognize(iter([riva_asr_pb2.StreamingRecognizeRequest(audio_content=b"\0\0")])))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_one_stream_too_many_is_refused_and_a_closed_one_makes_room(service: Service) -> None:
    stub = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(service.auth.channel)

    def forever(hold: Any) -> Iterator[riva_asr_pb2.StreamingRecognizeRequest]:
        yield riva_asr_pb2.StreamingRecognizeRequest(streaming_config=config())
        yield riva_asr_pb2.StreamingRecognizeRequest(audio_content=soundbite("05_story.wav"))
        hold.wait(100)

    import threading

    hold = threading.Event()
    calls = [stub.StreamingRecognize(forever(hold)) for _ in range(3)]
    try:
        for call in calls:
            next(call)  # an interim: the stream has its recogniser
        with pytest.raises(grpc.RpcError) as caught:
            results(service, SILENCE, config())
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    finally:
        for call in calls:
            call.cancel()
        hold.set()
    deadline = time.monotonic() + 5
    while True:
        try:
            results(service, SILENCE, config())
            break
        except grpc.RpcError:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("size", [60 << 20, 4 << 20])
def test_a_large_recording_is_converted_bit_by_bit_and_no_further_than_it_may_be_long(size: int) -> None:
    """Others get their turn meanwhile."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def main() -> bytes:
        other = asyncio.create_task(others())
        try:
            return await whole(b"\xff" * size, SoundIn("mulaw", 8_000))
        finally:
            other.cancel()

    if size > 600 * 8_000:
        with pytest.raises(BadSound, match="at most 600 s"):
            asyncio.run(main())
    else:
        assert len(asyncio.run(main())) == 4 * size
    assert 60 <= turns < 100


@pytest.mark.parametrize(
    "model",
    [
        "parakeet-1.1b-en-US-asr-streaming-silero-vad-sortformer",
        "conformer-en-US-asr-streaming-asr-bls-ensemble",
        "cache-aware-parakeet-rnnt-multi-asr-streaming-sortformer",
        "nemotron-asr-streaming",
    ],
)
def test_nvidias_own_recognisers_have_one_that_hears_for_them(service: Service, model: str) -> None:
    asked = config(interims=False, model=model)
    asked.config.custom_configuration["enable_vad_endpointing"] = "true"
    stream = service.asr.stub.StreamingRecognize(
        iter([Asked(streaming_config=asked), Asked(audio_content=soundbite("05_story.wav") + SILENCE)]), timeout=20
    )
    assert words_of(next(stream).results[0]) == ["tell", "me", "a", "story"]
    list(stream)
    told = notices(stream)
    assert [line.split()[0] for line in told] == ["model", "custom_configuration"]
    assert model in told[0]
    known = service.asr.stub.GetRivaSpeechRecognitionConfig(
        riva_asr_pb2.RivaSpeechRecognitionConfigRequest(model_name=model)
    )
    assert known.model_config[0].model_name == "moonshine-tiny-en-US-embedded"


def manifest() -> list[tuple[str, str]]:
    with (SOUNDBITES / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [(row["file"], row["transcript"]) for row in csv.DictReader(file)]


def test_without_its_model_the_worse_recogniser_listens(pocketsphinx: Service) -> None:
    listed = pocketsphinx.asr.stub.GetRivaSpeechRecognitionConfig(riva_asr_pb2.RivaSpeechRecognitionConfigRequest())
    assert listed.model_config[0].model_name == "pocketsphinx-en-US-embedded"
    asked = config(interims=False, enable_automatic_punctuation=True)
    [final] = results(pocketsphinx, SILENCE + soundbite("02_what_time.wav") + SILENCE, asked)
    assert final.alternatives[0].transcript == "What time is it? "


@pytest.mark.parametrize(("name", "transcript"), manifest())
def test_every_bundled_soundbite_is_recognised_word_for_word(service: Service, name: str, transcript: str) -> None:
    asked = config(verbatim_transcripts=True).config
    response = service.asr.offline_recognize(SILENCE + soundbite(name) + SILENCE, asked)
    assert " ".join(r.alternatives[0].transcript.strip() for r in response.results) == transcript
    assert (SOUNDBITES / name).stat().st_size < 100_000
