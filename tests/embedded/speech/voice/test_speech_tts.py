"""Synthesis by the service over TLS, asked for by NVIDIA's published client."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import riva.client
from riva.client.proto import riva_tts_pb2
from speech_process import SILENCE, Service, config, notices, results, served, words_of

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def service(pki: Path) -> Iterator[Service]:
    with served(pki) as started:
        yield started


def test_streaming_synthesis(service: Service) -> None:
    text = "Hello, I am Sophia. It is good to hear your voice."
    responses = list(service.tts.synthesize_online(text, sample_rate_hz=22_050, enable_word_time_offsets=True))
    assert len(responses) > 5
    assert responses[0].audio
    assert responses[0].meta.text == text
    assert max(len(response.audio) for response in responses) <= 2 * 22_050 // 4, "a piece is longer than 250 ms"
    pcm = np.frombuffer(b"".join(r.audio for r in responses), "<i2").astype(float)
    seconds = len(pcm) / 22_050
    assert 2.0 < seconds < 6.0
    durations = sum(d for r in responses for d in r.meta.predicted_durations)
    assert durations == pytest.approx(seconds, abs=0.1)
    assert -32 < 20 * np.log10(np.sqrt(np.mean(pcm**2)) / 32768) < -14
    words = [(w.word, w.start_time, w.end_time) for r in responses for w in r.meta.words]
    assert [word for word, _, _ in words] == text.replace(",", "").replace(".", "").split()
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
    assert answer.audio == own.audio
    stream = service.tts.stub.SynthesizeOnline(iter([request]), timeout=10)
    assert b"".join(response.audio for response in stream) == own.audio


def test_odd_names_are_told_in_printable_ascii(service: Service) -> None:
    odd = "Magpie\x00\x1b[31m.\u202eAria\n\N{GRINNING FACE}"
    request = riva_tts_pb2.SynthesizeSpeechRequest(text="Hello.", voice_name=odd, sample_rate_hz=16_000, encoding=1)
    _, call = service.tts.stub.Synthesize.with_call(request, timeout=10)
    stream = service.tts.stub.SynthesizeOnline(iter([request]), timeout=10)
    list(stream)
    for [told] in (notices(call), notices(stream)):
        assert told.startswith("voice Magpie [31m.")
        assert all(" " <= c <= "~" for c in told)


def test_ssml_and_the_dictionary_are_heard(service: Service) -> None:
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
    assert " s oʊ f aɪ ə " in said.meta.processed_text
    assert " s oʊ f aɪ ə " not in plain.meta.processed_text
    assert say("Hello Sophia, how are you?") == plain, "what one request asked for stayed with the voice"
    words = say("<speak>Hi<break time='1s'/>you</speak>", enable_word_time_offsets=True).meta.words
    assert [word.word for word in words] == ["Hi", "you"]
    assert words[1].start_time > words[0].end_time + 900


def test_what_a_voice_cannot_do_is_told(service: Service) -> None:
    text = "<speak><prosody rate='200%' pitch='high'>Hello.</prosody></speak>"
    request = riva_tts_pb2.SynthesizeSpeechRequest(text=text, sample_rate_hz=16_000, encoding=1)
    _, call = service.tts.stub.Synthesize.with_call(request, timeout=10)
    assert notices(call) == []
    request.voice_name = "English-US.Male-1"
    _, call = service.tts.stub.Synthesize.with_call(request, timeout=10)
    assert notices(call) == ["English-US.Male-1 cannot change its rate beyond 170%: that is left out"]
