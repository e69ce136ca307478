"""The engines themselves, without gRPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import pytest

from pipelines.embedded.speech.sherpa import SherpaEngine, SherpaRecognizer, _words, find, recognizer_files, voice_files
from pipelines.embedded.speech.voice.engines import open_engine
from pipelines.embedded.speech.voice.hibari import HibariEngine
from pipelines.embedded.speech.voice.voices import PLAIN, Engine, Manner, Piece, Timeline, find_voice


def flite() -> Engine:
    from pipelines.embedded.speech.voice.flite import FliteEngine

    try:
        return FliteEngine()
    except OSError:
        pytest.skip("libflite1 is not installed")


async def spoken(
    engine: Engine, sentence: str, voice: str = "English-US.Female-1", manner: Manner = PLAIN
) -> tuple[np.ndarray, Timeline]:
    pieces: list[Piece] = [piece async for piece in engine.speak(sentence, voice, manner)]
    assert pieces[0].timeline is not None
    assert all(piece.timeline is None for piece in pieces[1:])
    return np.concatenate([piece.pcm for piece in pieces]), pieces[0].timeline


@pytest.mark.parametrize("make", [HibariEngine, flite])
async def test_a_sentence_with_its_times(make: Callable[[], Engine]) -> None:
    engine = make()
    try:
        pcm, timeline = await spoken(engine, "Hello Sophia, how are you?")
    finally:
        await engine.aclose()
    seconds = len(pcm) / engine.rate
    assert 1.0 < seconds < 3.0
    assert timeline.phones[-1].end == pytest.approx(seconds, abs=0.05)
    assert all(a.end == pytest.approx(b.start) for a, b in zip(timeline.phones, timeline.phones[1:], strict=False))
    words = timeline.word_times()
    assert [w.lower().strip(",?") for w, _, _ in words] == ["hello", "sophia", "how", "are", "you"]
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > 300) / engine.rate
    assert loud[0] < 0.12, "no silence to wait through"
    assert seconds - loud[-1] < 0.2
    start, end = words[0][1:]
    assert abs(start - loud[0]) < 0.1
    assert end > start


def test_one_of_flites_voices_has_a_pitch_of_its_own() -> None:
    high = Manner(pitch=30.0)
    assert flite().beyond("English-US.Male-1", high) == ["pitch"]
    assert flite().beyond("English-US.Female-1", high) == []


async def test_the_same_word_twice_is_two_words() -> None:
    engine = flite()
    _, timeline = await spoken(engine, "No no, the the cat can can.")
    assert timeline.words == ("no", "no", "the", "the", "cat", "can", "can")
    await engine.aclose()


def hertz(pcm: np.ndarray, rate: int) -> float:
    """The median pitch of the loud parts, by autocorrelation."""
    found = []
    for at in range(0, len(pcm) - 1024, 320):
        frame = pcm[at : at + 1024].astype(float)
        if np.std(frame) > 800:
            alike = np.correlate(frame, frame, "full")[1023:]
            lag = rate // 400 + int(np.argmax(alike[rate // 400 : rate // 70]))
            if alike[lag] > 0.5 * alike[0]:
                found.append(rate / lag)
    return float(np.median(found))


@pytest.mark.parametrize("make", [HibariEngine, flite])
async def test_rate_pitch_and_volume_are_those_of_the_sentence_alone(make: Callable[[], Engine]) -> None:
    engine, text = make(), "Today is a sunny day and everybody is well."
    try:
        usual, _ = await spoken(engine, text)
        fast, _ = await spoken(engine, text, manner=Manner(rate=1.5))
        high, _ = await spoken(engine, text, manner=Manner(pitch=60.0))
        soft, _ = await spoken(engine, text, manner=Manner(gain=-10.0))
        after, _ = await spoken(engine, text)
    finally:
        await engine.aclose()
    assert len(usual) / len(fast) == pytest.approx(1.5, rel=0.12)
    assert hertz(high, engine.rate) > hertz(usual, engine.rate) + 25
    assert np.std(soft) == pytest.approx(np.std(usual) * 10 ** (-10 / 20), rel=0.15)
    assert len(after) == len(usual)
    assert abs(hertz(after, engine.rate) - hertz(usual, engine.rate)) < 8


async def test_a_words_sounds_may_be_given_and_the_rest_stays_as_it_was() -> None:
    engine = flite()
    text = '"You" say tomato, (I) say tomato.'
    _, usual = await spoken(engine, text)
    _, same = await spoken(engine, text, manner=Manner(phones=((2, "t ax0 m ey1 t ow0"),)))
    _, other = await spoken(engine, text, manner=Manner(phones=((5, "t ax0 m aa1 t ow0"),)))
    await engine.aclose()
    assert [p.name for p in same.phones] == [p.name for p in usual.phones]
    assert same.words == other.words == usual.words
    changed = [(a.name, b.name) for a, b in zip(usual.phones, other.phones, strict=True) if a.name != b.name]
    assert changed == [("ey", "aa")]


async def test_the_first_piece_comes_before_the_sentence_is_done() -> None:
    engine = flite()
    sizes = [
        len(piece.pcm) async for piece in engine.speak("one two three four five six seven eight.", "English-US.Male-1")
    ]
    assert len(sizes) > 20
    assert max(sizes) < 0.05 * sum(sizes)
    await engine.aclose()


async def test_closing_stops_the_synthesis_and_frees_the_voice() -> None:
    engine = flite()
    long = engine.speak("this is a very long sentence that nobody wants to hear " * 6, "English-US.Female-1")
    await anext(long)
    await long.aclose()
    pcm, _ = await spoken(engine, "Hi.")
    assert len(pcm) < 16_000
    await engine.aclose()


@pytest.mark.parametrize("text", ["...", "1234567890123456789012345678901234567890", "((((", "a" * 399, "\x01"])
async def test_odd_texts_do_not_break_flite(text: str) -> None:
    engine = flite()
    async for piece in engine.speak(text, "English-US.Female-1"):
        assert piece.pcm.dtype == np.int16
    assert len((await spoken(engine, "Still here."))[0]) > 4_000
    await engine.aclose()


def gone() -> None:
    raise RuntimeError("the package hibari-tts is not installed")


def test_without_hibari_flite_speaks_and_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flite()
    monkeypatch.setattr("pipelines.embedded.speech.voice.hibari.HibariEngine", gone)
    assert open_engine().name == "flite"
    assert capsys.readouterr().err == "the worse voice, flite, speaks: the package hibari-tts is not installed\n"


def test_without_any_voice_both_reasons_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OSError("libflite.so.1: cannot open shared object file")

    monkeypatch.setattr("pipelines.embedded.speech.voice.hibari.HibariEngine", gone)
    monkeypatch.setattr("pipelines.embedded.speech.voice.flite.FliteEngine", missing)
    with pytest.raises(RuntimeError, match=r"hibari-tts is not installed; libflite.so.1: .*apt-get install libflite1"):
        open_engine()


@pytest.mark.parametrize("asked", ["", "English-US.Female-1", "english-us-female-1"])
def test_voices_are_found(asked: str) -> None:
    assert find_voice(cast(Engine, HibariEngine), asked) == "English-US.Female-1"
    with pytest.raises(KeyError):
        find_voice(cast(Engine, HibariEngine), "Aria")


# sherpa-onnx: what can be told without a model -----------------------------------------------------------------------


def touch(folder: object, *names: str) -> None:
    for name in names:
        (folder / name).touch()  # type: ignore[operator]


def test_recognizer_files_are_found_whatever_the_release_calls_them(tmp_path: object) -> None:
    touch(tmp_path, "tokens.txt", "encoder-epoch-99.int8.onnx", "encoder-epoch-99.onnx", "decoder-epoch-99.onnx")
    with pytest.raises(RuntimeError, match="joiner"):
        recognizer_files(tmp_path)  # type: ignore[arg-type]
    touch(tmp_path, "joiner-epoch-99.int8.onnx")
    files = recognizer_files(tmp_path)  # type: ignore[arg-type]
    assert files["encoder"].endswith("encoder-epoch-99.onnx")
    assert files["joiner"].endswith("joiner-epoch-99.int8.onnx")


def test_voice_files_tell_kokoro_from_vits(tmp_path: object) -> None:
    touch(tmp_path, "tokens.txt", "en_US-amy-low.onnx")
    with pytest.raises(RuntimeError, match="espeak-ng-data"):
        voice_files(tmp_path)  # type: ignore[arg-type]
    touch(tmp_path, "lexicon.txt")
    assert voice_files(tmp_path)[0] == "vits"  # type: ignore[arg-type]
    touch(tmp_path, "voices.bin")
    kind, files = voice_files(tmp_path)  # type: ignore[arg-type]
    assert kind == "kokoro"
    assert set(files) == {"model", "tokens", "lexicon", "voices", "data_dir"}


def test_a_folder_that_is_none_is_told(tmp_path: object) -> None:
    with pytest.raises(RuntimeError, match="not a folder"):
        find(tmp_path / "nowhere", "*.onnx")  # type: ignore[operator]


def test_without_the_extra_the_command_is_told(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sherpa_onnx", None)
    touch(tmp_path, "tokens.txt", "encoder.onnx", "decoder.onnx", "joiner.onnx", "model.onnx", "lexicon.txt")
    for load in (SherpaRecognizer, SherpaEngine):
        with pytest.raises(RuntimeError, match=r"pip install -e '\.\[sherpa\]'"):
            load(tmp_path)  # type: ignore[arg-type]


def test_words_from_subword_tokens() -> None:
    words = _words(["\u2581HE", "LLO", "\u2581WORLD"], [0.1, 0.2, 0.5], 900)
    assert [(w.text, w.start, w.end) for w in words] == [("hello", 100, 500), ("world", 500, 900)]
