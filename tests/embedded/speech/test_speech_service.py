"""The service as its own process over TLS, spoken to by NVIDIA's published client, unmodified."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import riva.client
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc, riva_tts_pb2

from pipelines.embedded.notices import KEY
from pipelines.embedded.speech import workers
from pipelines.embedded.speech.endpointing import Endpointing
from pipelines.embedded.speech.prepare import build_language_model
from pipelines.embedded.speech.recognition import whole
from pipelines.embedded.speech.service import ASR, TTS
from pipelines.embedded.speech.sound_in import BadSound, SoundIn
from pipelines.home import home

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

SOUNDBITES = Path(__file__).parents[3] / "pipelines" / "soundbites"
SILENCE = bytes(2 * 16_000)


def start(pki: Path, *arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-m", "pipelines.embedded.speech", "--tls", str(pki), "--home", str(home()), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def descendants(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return children + [grandchild for child in children for grandchild in descendants(child)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def all_gone(pids: list[int], within: float) -> bool:
    deadline = time.monotonic() + within
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@dataclass
class Service:
    port: int
    pki: Path
    process: subprocess.Popen[str]

    @property
    def auth(self) -> riva.client.Auth:
        return riva.client.Auth(ssl_root_cert=str(self.pki / "ca.crt"), uri=f"localhost:{self.port}")

    @property
    def asr(self) -> riva.client.ASRService:
        return riva.client.ASRService(self.auth)

    @property
    def tts(self) -> riva.client.SpeechSynthesisService:
        return riva.client.SpeechSynthesisService(self.auth)


@pytest.fixture(scope="module")
def service(pki: Path) -> Iterator[Service]:
    build_language_model(home(), print)  # half a minute, once for each version
    process, line = start(pki, "--streams", "3")
    yield Service(line["ready"]["port"], pki, process)
    process.terminate()
    process.wait(5)


def soundbite(name: str) -> bytes:
    with wave.open(str(SOUNDBITES / name)) as sound:
        return sound.readframes(sound.getnframes())


def config(interims: bool = True, **fields: Any) -> riva.client.StreamingRecognitionConfig:
    settings = {"encoding": riva.client.AudioEncoding.LINEAR_PCM, "sample_rate_hertz": 16_000, "language_code": "en-US"}
    return riva.client.StreamingRecognitionConfig(
        config=riva.client.RecognitionConfig(**{**settings, **fields}), interim_results=interims
    )


def chunks(pcm: bytes, size: int = 640) -> Iterator[bytes]:
    for i in range(0, len(pcm), size):
        yield pcm[i : i + size]


def results(service: Service, pcm: bytes, asked: riva.client.StreamingRecognitionConfig) -> list[Any]:
    responses = service.asr.streaming_response_generator(chunks(pcm), asked)
    return [result for response in responses for result in response.results]


def words_of(result: Any) -> list[str]:
    return result.alternatives[0].transcript.lower().strip(" .?").split()


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
    assert times[-1][1] <= 2400
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


def test_what_one_stream_learned_of_its_speaker_is_not_the_next_ones(service: Service) -> None:
    def interims(pcm: bytes) -> list[tuple[str, float, float]]:
        got = results(service, pcm, config())
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


Asked = riva_asr_pb2.StreamingRecognizeRequest
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
        hold.wait(20)

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


def test_streaming_synthesis(service: Service) -> None:
    text = "Hello, I am Sophia. It is good to hear your voice."
    responses = list(service.tts.synthesize_online(text, sample_rate_hz=22_050, enable_word_time_offsets=True))
    assert len(responses) > 5
    assert responses[0].audio
    assert responses[0].meta.text == text
    pcm = np.frombuffer(b"".join(r.audio for r in responses), "<i2").astype(float)
    seconds = len(pcm) / 22_050
    assert 2.0 < seconds < 6.0
    durations = sum(d for r in responses for d in r.meta.predicted_durations)
    assert durations == pytest.approx(seconds, abs=0.1)
    assert -32 < 20 * np.log10(np.sqrt(np.mean(pcm**2)) / 32768) < -14
    words = [(w.word, w.start_time, w.end_time) for r in responses for w in r.meta.words]
    if words:  # espeak-ng and sherpa-onnx name fewer
        assert words[0][0].lower() == "hello"
        assert all(a[2] <= b[1] for a, b in pairwise(words))
        assert words[-1][2] <= 1000 * seconds


def test_texts_of_a_stream_are_spoken_in_order(service: Service) -> None:
    one = b"".join(r.audio for r in service.tts.synthesize_online(["First this.", "Then that."], sample_rate_hz=16_000))
    first = b"".join(r.audio for r in service.tts.synthesize_online("First this.", sample_rate_hz=16_000))
    second = b"".join(r.audio for r in service.tts.synthesize_online("Then that.", sample_rate_hz=16_000))
    assert len(one) == len(first) + len(second)
    level = [np.sqrt(np.mean(np.frombuffer(part, "<i2").astype(float) ** 2)) for part in (one[: len(first)], first)]
    assert level[0] == pytest.approx(level[1], rel=0.1)


def test_what_she_says_can_be_recognised(service: Service) -> None:
    spoken = service.tts.synthesize("Tell me a story.", voice_name="English-US.Male-1", sample_rate_hz=16_000)
    [final] = results(service, spoken.audio + SILENCE, config(interims=False))
    assert sum(word in words_of(final) for word in ("tell", "me", "story")) >= 2


def test_voices_are_listed_and_all_speak(service: Service) -> None:
    listed = service.tts.stub.GetRivaSynthesisConfig(riva_tts_pb2.RivaSynthesisConfigRequest())
    parameters = listed.model_config[0].parameters
    names = [f"{parameters['voice_name']}.{s.split(':')[0]}" for s in parameters["subvoices"].split(",")]
    assert names[0] == "English-US.Female-1"
    for name in names:
        assert len(service.tts.synthesize("Hello.", voice_name=name, sample_rate_hz=16_000).audio) > 8_000


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"language_code": "de-DE"}, "de-DE"),
        ({"voice_name": "nobody"}, "English-US.Female-1"),
        ({"voice_name": "Magpie-Multilingual.DE-DE.Aria"}, "English-US.Female-1"),
        ({"text": "<speak><voice name='x'>Hello.</voice></speak>"}, "<voice> is not supported"),
        ({"text": "<speak>Hello."}, "no valid XML"),
        ({"custom_dictionary": {"Sophia": "§"}}, "no sound"),
        ({"encoding": riva.client.AudioEncoding.OGGOPUS}, "LINEAR_PCM"),
        ({"sample_rate_hz": 100}, "sample_rate_hz"),
        ({"text": "a" * 2001}, "2000"),
        ({"text": " ?! "}, "nothing to say"),
        ({"text": ""}, "nothing to say"),
        ({"text": "\u4f60\u597d"}, "nothing to say"),
        ({"text": "\n\U0001f600"}, "nothing to say"),
    ],
)
def test_a_wrong_synthesis_request_is_one_clear_line_in_both_calls(
    service: Service, fields: dict[str, Any], said: str
) -> None:
    asked = {"text": "Hello.", **fields}
    for synthesize in (service.tts.synthesize, lambda **asked: list(service.tts.synthesize_online(**asked))):
        with pytest.raises(grpc.RpcError) as caught:
            synthesize(**asked)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert said in caught.value.details()


def test_a_blank_text_among_others_is_passed_over(service: Service) -> None:
    alone = [r.audio for r in service.tts.synthesize_online(["Hello."], sample_rate_hz=16_000)]
    among = [r.audio for r in service.tts.synthesize_online(["\n", "Hello.", " "], sample_rate_hz=16_000)]
    assert len(b"".join(among)) == len(b"".join(alone))


def notices(call: Any) -> list[str]:
    return [value for key, value in call.trailing_metadata() if key == KEY]


@pytest.mark.parametrize(
    ("asked", "speaks"),
    [
        ("Magpie-Multilingual.EN-US.Aria", "English-US.Female-1"),
        ("Magpie-Multilingual.EN-US.Leo", "English-US.Male-1"),
        ("Magpie-Multilingual.EN-US.Mia.Happy", "English-US.Female-1"),
        ("Magpie-ZeroShot.Male-Angry", "English-US.Male-1"),
        ("English-US-RadTTS.Male-1", "English-US.Male-1"),
        ("English-US-Magpie-Flow.Female.Calm", "English-US.Female-1"),
        ("Chatterbox-Multilingual.en-US.Male", "English-US.Male-1"),
    ],
)
def test_nvidias_own_voices_have_somebody_who_speaks_for_them(service: Service, asked: str, speaks: str) -> None:
    request = riva_tts_pb2.SynthesizeSpeechRequest(text="Hello.", voice_name=asked, sample_rate_hz=16_000, encoding=1)
    answer, call = service.tts.stub.Synthesize.with_call(request, timeout=10)
    assert notices(call) == [f"voice {asked} is not here; {speaks} speaks in its place"]
    request.voice_name = speaks
    own, call = service.tts.stub.Synthesize.with_call(request, timeout=10)
    assert notices(call) == []
    assert answer.meta == own.meta
    assert len(answer.audio) == len(own.audio)  # the vocoder's noise differs from time to time
    stream = service.tts.stub.SynthesizeOnline(iter([request]), timeout=10)
    assert len(b"".join(response.audio for response in stream)) == len(own.audio)


def test_odd_names_are_told_in_printable_ascii(service: Service) -> None:
    odd = "Magpie\x00\x1b[31m.\u202eAria\n\N{GRINNING FACE}"
    request = riva_tts_pb2.SynthesizeSpeechRequest(text="Hello.", voice_name=odd, sample_rate_hz=16_000, encoding=1)
    _, call = service.tts.stub.Synthesize.with_call(request, timeout=10)
    stream = service.tts.stub.SynthesizeOnline(iter([request]), timeout=10)
    list(stream)
    for [told] in (notices(call), notices(stream)):
        assert told.startswith("voice Magpie [31m.")
        assert all(" " <= c <= "~" for c in told)


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
    asked.config.speech_contexts.add(phrases=["Nova"], boost=20)
    asked.config.custom_configuration["enable_vad_endpointing"] = "true"
    stream = service.asr.stub.StreamingRecognize(
        iter([Asked(streaming_config=asked), Asked(audio_content=soundbite("05_story.wav") + SILENCE)]), timeout=20
    )
    assert words_of(next(stream).results[0]) == ["tell", "me", "a", "story"]
    list(stream)
    told = notices(stream)
    assert [line.split()[0] for line in told] == ["model", "speech_contexts", "custom_configuration"]
    assert model in told[0]
    known = service.asr.stub.GetRivaSpeechRecognitionConfig(
        riva_asr_pb2.RivaSpeechRecognitionConfigRequest(model_name=model)
    )
    assert known.model_config[0].model_name == "pocketsphinx-en-US-embedded"


def flite_or_skip(service: Service) -> None:
    listed = service.tts.stub.GetRivaSynthesisConfig(riva_tts_pb2.RivaSynthesisConfigRequest())
    if not listed.model_config[0].model_name.startswith("flite"):
        pytest.skip("libflite1 is not installed")


def test_ssml_and_the_dictionary_are_heard(service: Service) -> None:
    flite_or_skip(service)

    def say(text: str, **asked: Any) -> Any:
        return service.tts.synthesize(text, sample_rate_hz=16_000, **asked)

    plain = say("Hello Sophia, how are you?")
    slow = say("<speak><prosody rate='50%'>Hello Sophia, how are you?</prosody></speak>")
    assert 1.6 * len(plain.audio) < len(slow.audio) < 2.4 * len(plain.audio)
    soft = say("<speak><prosody volume='-12dB'>Hello Sophia, how are you?</prosody></speak>")
    level = [np.std(np.frombuffer(answer.audio, "<i2").astype(float)) for answer in (plain, soft)]
    assert level[1] == pytest.approx(level[0] * 10 ** (-12 / 20), rel=0.1)
    paused = say("<speak>Hello Sophia, <break time='1s'/>how are you?</speak>")
    assert len(paused.audio) > len(plain.audio) + 24_000
    said = say("Hello Sophia, how are you?", custom_dictionary={"Sophia": "s oʊ ˈf aɪ ə"})
    assert " s ow f ay ax " in said.meta.processed_text
    assert " s ow f ay ax " not in plain.meta.processed_text
    again = say("Hello Sophia, how are you?")
    assert (again.meta, len(again.audio)) == (plain.meta, len(plain.audio)), (
        "what one request asked for stayed with the voice"
    )
    words = say("<speak>Hi<break time='1s'/>you</speak>", enable_word_time_offsets=True).meta.words
    assert [word.word for word in words] == ["hi", "you"]
    assert words[1].start_time > words[0].end_time + 900


def test_what_a_voice_cannot_do_is_told(service: Service) -> None:
    flite_or_skip(service)
    text = "<speak><prosody pitch='high'>Hello.</prosody></speak>"
    request = riva_tts_pb2.SynthesizeSpeechRequest(text=text, sample_rate_hz=16_000, encoding=1)
    _, call = service.tts.stub.Synthesize.with_call(request, timeout=10)
    assert notices(call) == []
    request.voice_name = "English-US.Male-1"
    _, call = service.tts.stub.Synthesize.with_call(request, timeout=10)
    assert notices(call) == ["English-US.Male-1 cannot change pitch: it is said as usual"]


def test_health(service: Service) -> None:
    check = service.auth.channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"", timeout=5) == b"\x08\x01"  # SERVING


def test_it_tells_its_calls_to_whoever_asks(service: Service) -> None:
    told = ProtoReflectionDescriptorDatabase(service.auth.channel)
    assert {ASR, TTS, "grpc.health.v1.Health"} <= set(told.get_services())
    method = DescriptorPool(told).FindServiceByName(ASR).methods_by_name["StreamingRecognize"]
    assert method.input_type.full_name == "nvidia.riva.asr.StreamingRecognizeRequest"


@pytest.mark.parametrize("how", ["terminate", "interrupt", "close standard input"])
def test_it_ends_within_two_seconds_with_all_its_processes(pki: Path, how: str) -> None:
    process, line = start(pki)
    pids = [process.pid, *descendants(process.pid)]
    assert len(pids) >= 2
    begun = time.monotonic()
    if how == "close standard input":
        assert process.stdin is not None
        process.stdin.close()
    else:
        process.send_signal(signal.SIGTERM if how == "terminate" else signal.SIGINT)
    assert process.wait(5) == 0
    assert time.monotonic() - begun < 2
    assert all_gone(pids, 1)
    assert "ready" in line


def test_a_killed_service_leaves_nothing_behind(pki: Path) -> None:
    process, line = start(pki)
    auth = riva.client.Auth(ssl_root_cert=str(pki / "ca.crt"), uri=f"localhost:{line['ready']['port']}")
    call = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(auth.channel).StreamingRecognize(
        iter(
            [
                riva_asr_pb2.StreamingRecognizeRequest(streaming_config=config()),
                *(
                    riva_asr_pb2.StreamingRecognizeRequest(audio_content=soundbite("01_who_are_you.wav"))
                    for _ in range(20)
                ),
            ]
        )
    )
    next(call)  # a recogniser is at work
    pids = descendants(process.pid)
    assert len(pids) >= 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)
    assert all_gone(pids, 3)


def test_a_port_in_use_is_told(pki: Path, service: Service) -> None:
    process, line = start(pki, "--port", str(service.port))
    assert process.wait(10) == 1
    assert str(service.port) in line["failed"]


def test_missing_certificates_are_told(tmp_path: Path) -> None:
    process, line = start(tmp_path)
    assert process.wait(10) == 1
    assert "server.key" in line["failed"]


def test_a_model_that_is_none_is_told(pki: Path, tmp_path: Path) -> None:
    process, line = start(pki, "--asr-model", str(tmp_path))
    assert process.wait(10) == 1
    assert "tokens.txt" in line["failed"]


def test_the_service_ends_when_its_recogniser_dies(pki: Path) -> None:
    process, _ = start(pki)
    [worker] = descendants(process.pid)
    os.kill(worker, signal.SIGKILL)
    assert process.wait(5) == 1
    assert process.stdout is not None
    assert process.stdout.read() == "", "the one line was said already"


async def test_a_recogniser_that_hangs_is_lost_and_one_that_answers_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SIGN_SECONDS", 0.05)
    monkeypatch.setattr(workers, "HANG_SECONDS", 5.0)
    others = descendants(os.getpid())
    async with workers.running_workers([], 1, 60.0) as running:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running.lost(), 0.5)
        async with running.stream(Endpointing()) as stream:  # as before: a sign of life is no stream
            await stream.close_sound()
            assert [heard.kind async for heard in stream.results()] == []
        worker = next(pid for pid in descendants(os.getpid()) if pid not in others)
        monkeypatch.setattr(workers, "HANG_SECONDS", 0.3)
        os.kill(worker, signal.SIGSTOP)
        async with asyncio.timeout(10):
            assert await running.lost() == "gave no sign of life for 0.3 s"
    assert not alive(worker)


def test_mutual_tls(pki: Path, other_pki: Path) -> None:
    process, line = start(pki, "--mtls")
    check = "/grpc.health.v1.Health/Check"

    def auth(identity: Path | None) -> riva.client.Auth:
        files = {}
        if identity:
            files = {"ssl_client_cert": str(identity / "client.crt"), "ssl_client_key": str(identity / "client.key")}
        return riva.client.Auth(ssl_root_cert=str(pki / "ca.crt"), uri=f"localhost:{line['ready']['port']}", **files)

    try:
        assert auth(pki).channel.unary_unary(check)(b"", timeout=5) == b"\x08\x01"
        for stranger in (None, other_pki):
            with pytest.raises(grpc.RpcError):
                auth(stranger).channel.unary_unary(check)(b"", timeout=5)
    finally:
        process.terminate()
        process.wait(5)


def manifest() -> list[tuple[str, str]]:
    with (SOUNDBITES / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [(row["file"], row["transcript"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("name", "transcript"), manifest())
def test_every_bundled_soundbite_is_recognised_word_for_word(service: Service, name: str, transcript: str) -> None:
    asked = config(verbatim_transcripts=True).config
    response = service.asr.offline_recognize(SILENCE + soundbite(name) + SILENCE, asked)
    assert " ".join(r.alternatives[0].transcript.strip() for r in response.results) == transcript
    assert (SOUNDBITES / name).stat().st_size < 100_000
