"""What is pure about recognition: the stream's clock, the sound that is kept, the messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from riva.client.proto import riva_asr_pb2 as pb

from sophia.audio import Frame
from sophia.recognition_buffer import SoundBuffer
from sophia.recognition_wire import RecognizerSettings, StreamClock, first_message, read_response


def clock() -> StreamClock:
    """One second from 5 s of the session on, half a second of our silence, one second from 10 s on."""
    it = StreamClock()
    for i in range(50):
        it.sent(80_000 + i * 320, 320)
    it.padded(8_000)
    it.sent(160_000, 16_000)
    return it


@pytest.mark.parametrize(("stream", "session"), [
    (0.0, 5.0), (0.5, 5.5), (0.99, 5.99), (1.2, 6.0), (1.5, 10.0), (2.0, 10.5), (2.5, 11.0), (9.0, 11.0),
])  # fmt: skip
def test_stream_time_becomes_session_time(stream: float, session: float) -> None:
    assert clock().session(stream) == pytest.approx(session)


def test_a_stream_that_got_nothing_is_at_zero() -> None:
    assert StreamClock().session(3.0) == 0.0


def test_nonsense_times_of_a_service_stay_within_what_was_sent() -> None:
    for nonsense in (float("nan"), float("inf"), -1e30):
        assert StreamClock().session(nonsense) == 0.0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 1000), st.integers(0, 500)), max_size=30),
    st.lists(st.floats(0, 3), min_size=2, max_size=2),
)
def test_the_clock_never_runs_backwards_nor_ahead(parts: list[tuple[bool, int, int]], times: list[float]) -> None:
    it, session = StreamClock(), 0
    for pushed, samples, gap in parts:
        if pushed:
            session += gap
            it.sent(session, samples)
            session += samples
        else:
            it.padded(samples)
    early, late = sorted(times)
    assert it.session(early) <= it.session(late) <= session / 16_000


def frame(number: int) -> Frame:
    return Frame(np.full(320, number, np.int16), number * 0.02)


def numbers(sound: bytes) -> list[int]:
    return np.frombuffer(sound, np.int16)[::320].tolist()


@given(st.lists(st.one_of(
    st.tuples(st.just("push"), st.integers(1, 8)),
    st.tuples(st.just("take"), st.integers(0, 2000)),
    st.tuples(st.just("settle"), st.integers(-500, 12_000)),
    st.tuples(st.just("rewind"), st.just(0)),
), max_size=60))  # fmt: skip
def test_the_buffer_keeps_order_loses_only_the_oldest_and_counts_it(steps: list[tuple[str, int]]) -> None:
    buffer = SoundBuffer(0.2)  # ten frames
    pushed, sent, settled = 0, 0, 0  # in frames; what a plain model expects
    lost: set[int] = set()
    for step, value in steps:
        if step == "push":
            for _ in range(value):
                buffer.push(frame(pushed))
                pushed += 1
                oldest = pushed - 10
                if sent < oldest:
                    lost |= set(range(sent, oldest))
                    sent = oldest
        elif step == "take":
            piece = buffer.take(value)
            assert (piece is None) == (sent == pushed)
            if piece is not None:
                taken = numbers(piece.sound)
                assert piece.start == taken[0] * 320
                assert taken == list(range(sent, sent + len(taken)))
                assert len(taken) == 1 or len(taken) * 320 <= value
                sent += len(taken)
        elif step == "settle":
            buffer.settle(value)
            settled = max(settled, min(sent, value // 320))
        else:
            buffer.rewind()
            sent = max(settled, pushed - 10, 0)
        assert buffer.waiting == (pushed - sent) * 320
        assert buffer.pushed == pushed * 320
    assert buffer.dropped == len(lost)


def test_an_empty_frame_is_nothing() -> None:
    buffer = SoundBuffer(1)
    buffer.push(Frame(np.zeros(0, np.int16), 0.0))
    assert (buffer.waiting, buffer.take(320)) == (0, None)


def result(
    text: str, stability: float = 0.0, processed: float = 0.0, final: bool = False
) -> pb.StreamingRecognitionResult:
    it = pb.StreamingRecognitionResult(stability=stability, audio_processed=processed, is_final=final)
    it.alternatives.add(transcript=text)
    return it


def test_parts_of_an_interim_are_joined_and_as_stable_as_the_least() -> None:
    response = pb.StreamingRecognizeResponse(
        results=[result(" where is ", 0.9, 0.5), result("my", 0.1, 0.6), result("order", 1.0)]
    )
    (interim,) = read_response(response, clock(), "en-US")
    assert (interim.text, interim.stability, interim.final) == ("where is my order", pytest.approx(0.1), False)
    assert interim.audio_processed == pytest.approx(5.6)
    assert not interim.stable


def test_a_stable_partial_is_known_by_its_stability() -> None:
    (interim,) = read_response(pb.StreamingRecognizeResponse(results=[result("yes", 1.0)]), clock(), "en-US")
    assert interim.stable


def test_a_final_and_the_next_interim_may_share_a_response() -> None:
    response = pb.StreamingRecognizeResponse(results=[result("One.", final=True), result("two", 0.1)])
    assert [(t.text, t.final) for t in read_response(response, clock(), "en-US")] == [("One.", True), ("two", False)]


def test_answers_without_words_have_no_text() -> None:
    response = pb.StreamingRecognizeResponse(results=[pb.StreamingRecognitionResult(audio_processed=0.5)])
    (empty,) = read_response(response, clock(), "en-US")
    assert (empty.text, empty.audio_processed) == ("", pytest.approx(5.5))
    assert list(read_response(pb.StreamingRecognizeResponse(), clock(), "en-US")) == []


def test_the_models_own_endpointing_can_be_asked_for() -> None:
    message = first_message(RecognizerSettings(stop_history=-1, stop_history_eou=-1))
    endpointing = message.streaming_config.config.endpointing_config
    assert (endpointing.stop_history, endpointing.stop_history_eou) == (-1, -1)
    assert not message.streaming_config.config.speech_contexts


def test_the_first_pass_must_end_before_the_second() -> None:
    with pytest.raises(ValidationError, match="must be less than stop_history"):
        RecognizerSettings(stop_history=240, stop_history_eou=240)


def test_auto_asks_the_multilingual_model() -> None:
    asked = first_message(RecognizerSettings(language="auto")).streaming_config.config
    assert asked.language_code == "multi"
    assert RecognizerSettings(language="auto").assumed == ""


@pytest.mark.parametrize(
    ("codes", "words", "told"),
    [
        (["de-DE"], [], "de-DE"),
        ([], ["de-DE", "en-US", "de-DE"], "de-DE"),
        (["en-US", "de-DE"], ["de-DE", "de-DE", "en-US"], "de-DE"),
        (["en-US", "de-DE"], [], "en-US"),
        (["multi"], [], "fr-FR"),
        ([], [], "fr-FR"),
    ],
)
@pytest.mark.parametrize("final", [True, False])
def test_a_transcript_is_in_the_language_that_the_service_tells(
    codes: list[str], words: list[str], told: str, final: bool
) -> None:
    said = [pb.WordInfo(word="ja", language_code=code) for code in words]
    best = pb.SpeechRecognitionAlternative(transcript="ja genau", language_code=codes, words=said)
    result = pb.StreamingRecognitionResult(alternatives=[best], is_final=final)
    answer = pb.StreamingRecognizeResponse(results=[result])
    assert [one.language for one in read_response(answer, StreamClock(), "fr-FR")] == [told]
