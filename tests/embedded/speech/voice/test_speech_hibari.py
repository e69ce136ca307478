"""The neural voice: what it reads, when each sound comes, and that nothing of a client's breaks it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.embedded.speech.voice import hibari
from pipelines.embedded.speech.voice.hibari import HibariEngine
from pipelines.embedded.speech.voice.network import hurried, opened
from pipelines.embedded.speech.voice.reading import MOST_PHONEMES, PAUSE, Reader, Script, kokoro_signs
from pipelines.embedded.speech.voice.speakable import LONGEST_WORD, readable, sentences
from pipelines.embedded.speech.voice.utterances import dictionary_from, utterances
from pipelines.embedded.speech.voice.voices import PLAIN, Manner, Phone, Piece, Timeline

HER = "English-US.Female-1"


@pytest.fixture(scope="module")
def engine() -> HibariEngine:
    return HibariEngine()


@pytest.fixture(scope="module")
def reader(engine: HibariEngine) -> Reader:
    return engine._reader


async def pieces(engine: HibariEngine, sentence: str, voice: str = HER, manner: Manner = PLAIN) -> list[Piece]:
    return [piece async for piece in engine.speak(sentence, voice, manner)]


async def pcm(engine: HibariEngine, sentence: str, voice: str = HER, manner: Manner = PLAIN) -> np.ndarray:
    return np.concatenate([piece.pcm for piece in await pieces(engine, sentence, voice, manner)])


def signs(reader: Reader, text: str) -> str:
    return " ".join(script.signs.strip() for s in sentences(readable(text)) for script in reader.read(s, {}))


# What is read ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1,234 apples", "one thousand two hundred thirty four apples"),  # not the year 1234
        ("it cost $3.50", "it cost three dollars and fifty cents"),
        ("€1 is 50%", "one euro is fifty percent"),
        ("at 7:30 sharp", "at seven thirty sharp"),
        ("-5 °C", "minus five degrees Celsius"),
        ("17 × 23 − 1 = 390", "seventeen times twenty three minus one equals three hundred ninety"),
        ("17 * 23 - 1", "seventeen times twenty three minus one"),
        ("½ of 2²", "one half of two squared"),
        ("**bold** `code` [link](http://x.y/z) <b>tag</b>", "bold code link tag"),
        ("# Title", "Title"),
        ("#5", "number five"),
        ("café in Zürich 😀", "cafe in Zurich"),
        ("1" * 17, " ".join(["one"] * 17)),
        ("5 < 6", "five less than six"),
    ],
)
def test_what_is_written_is_read_once(reader: Reader, written: str, said: str) -> None:
    strip = str.maketrans("", "", "ˈˌ,.-")
    assert signs(reader, written).translate(strip) == signs(reader, said).translate(strip)


@pytest.mark.parametrize("text", ["", " ?! ", "\n😀", "你好", "مرحبا", "\u202e\u200b", "***", "—", "\x00\x1b"])
def test_what_nobody_can_say_is_nothing(text: str) -> None:
    assert readable(text) == ""


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=80) | st.text("aA1$%&-–.,:;!?'/()=+*<>°½²€ \n", max_size=80))
def test_any_text_is_read(text: str) -> None:
    plain = readable(text)
    assert max(map(len, plain.split()), default=0) <= LONGEST_WORD
    assert all(sentence.strip() for sentence in sentences(plain))
    for sentence in sentences(plain):
        for script in reader_of_examples().read(sentence, {}):
            assert len(script.signs) == len(script.places) <= MOST_PHONEMES
            assert max(script.places) == len(script.words) - 1


_readers: list[Reader] = []


def reader_of_examples() -> Reader:
    """One for all examples: hypothesis knows no fixtures."""
    if not _readers:
        _readers.append(HibariEngine()._reader)
    return _readers[0]


@pytest.mark.parametrize("word", ["a-", "1/", "aA", "1a", "'", "x"])
def test_endless_words_are_parted(word: str) -> None:
    """The rules take a minute for two hundred parts of one word."""
    assert max(map(len, readable(word * 900).split()), default=0) <= LONGEST_WORD


def test_a_long_sentence_is_said_in_parts(reader: Reader) -> None:
    scripts = reader.read("1" + " 1" * 199, {})
    assert len(scripts) > 1
    assert "".join(script.signs for script in scripts).count("wˈʌn") == 200


@pytest.mark.parametrize(
    ("sounds", "kokoro"),
    [("t ax0 m ey1 t ow0", "təmˈAtO"), ("b er1 d er0", "bˈɜɹdəɹ"), ("dh ih0 ch iy1 z", "ðɪʧˈiz"), ("y uw1", "jˈu")],
)
def test_sounds_in_kokoros_alphabet(sounds: str, kokoro: str) -> None:
    assert kokoro_signs(sounds) == kokoro


def test_every_sound_has_a_sign(reader: Reader) -> None:
    from pipelines.embedded.speech.voice.pronunciation import _CONSONANTS, _VOWELS

    for sound in _VOWELS | _CONSONANTS:
        assert set(kokoro_signs(sound + "1")) <= set(reader._alphabet)


def test_given_sounds_take_the_place_of_one_word(reader: Reader) -> None:
    text = '"You" say tomato, (I) say tomato.'
    [usual] = reader.read(text, {})
    [given] = reader.read(text, {5: "t ax0 m aa1 t ow0"})
    assert given.words == usual.words == ('"You"', "say", "tomato", "I", "say", "tomato")
    assert given.signs == usual.signs[: usual.signs.rindex("t", 0, -6)] + "təmˈɑtO."


# When it is said ------------------------------------------------------------------------------------------------------


def test_stress_and_space_belong_to_their_neighbours() -> None:
    script = Script("hˈO, I", (0, 0, 0, -1, -1, 1), ("ho", "I"))
    told = script.timeline([0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.9], 1.0)
    assert [(p.name, p.start, p.end, p.word) for p in told.phones] == [
        (PAUSE, 0.0, 0.1, -1), ("h", 0.1, 0.2, 0), ("oʊ", 0.2, 0.5, 0), (PAUSE, 0.5, 0.7, -1), ("aɪ", 0.7, 0.9, 1),
        (PAUSE, 0.9, 1.0, -1),
    ]  # fmt: skip
    assert told.word_times() == [("ho", 0.1, 0.5), ("I", 0.7, 0.9)]


async def test_every_sound_has_its_time_before_the_first_sample(engine: HibariEngine) -> None:
    for voice in engine.voices:
        first, *rest = await pieces(engine, "Ten miles are $5, is that right?", voice)
        told = first.timeline
        assert told is not None
        assert all(piece.timeline is None for piece in rest)
        assert all(len(piece.pcm) <= 0.25 * engine.rate for piece in [first, *rest])
        sound = np.concatenate([piece.pcm for piece in [first, *rest]]).astype(float)
        seconds = len(sound) / engine.rate
        assert told.phones[0].start == 0.0
        assert told.phones[-1].end == pytest.approx(seconds, abs=0.002)
        assert all(a.end == pytest.approx(b.start) for a, b in zip(told.phones, told.phones[1:], strict=False))
        assert told.words == ("Ten", "miles", "are", "5", "is", "that", "right")
        said = [phone for phone in told.phones if phone.word >= 0]
        vowels = [loudness(sound, phone, engine.rate) for phone in said if phone.name in ("ɛ", "aɪ", "ɑ")]
        assert min(vowels) > 5 * loudness(sound, told.phones[-1], engine.rate)


def loudness(sound: np.ndarray, phone: Phone, rate: int) -> float:
    return float(np.sqrt(np.mean(sound[round(phone.start * rate) : round(phone.end * rate)] ** 2)))


@pytest.mark.parametrize("text", ["Hello there.", "Yes.", "Five.", "Shh, it is fine.", "Put it back", "Hm?", "Nine."])
async def test_silence_is_trimmed_and_the_level_is_that_of_other_voices(engine: HibariEngine, text: str) -> None:
    sound = (await pcm(engine, text)).astype(float)
    audible = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    assert 0.01 < audible[0] / engine.rate < 0.06
    assert 0.05 < (len(sound) - audible[-1]) / engine.rate < 0.2
    frames = np.sqrt(np.mean(sound[: len(sound) // 480 * 480].reshape(-1, 480) ** 2, axis=1))
    level = 10 * np.log10(np.mean(frames[frames > 0.1 * frames.max()] ** 2) / 32768**2)
    assert -23 < level < -14


# How it is said -------------------------------------------------------------------------------------------------------


async def test_the_same_text_is_the_same_sound_also_beside_others(engine: HibariEngine) -> None:
    text = "The same words sound the same."
    alone = await pcm(engine, text)
    several = await asyncio.gather(pcm(engine, text), pcm(engine, "Something else."), pcm(engine, text))
    assert alone.tobytes() == several[0].tobytes() == several[2].tobytes()


async def test_male_voices_are_lower_and_keep_the_pace(engine: HibariEngine) -> None:
    text = "Today is a sunny day and everybody is well."
    sounds = {voice: await pcm(engine, text, voice) for voice in engine.voices}
    pitches = [hertz(sound, engine.rate) for sound in sounds.values()]
    assert 170 < pitches[0] < 230
    assert 95 < pitches[1] < 130 < pitches[2] < 160
    assert max(map(len, sounds.values())) < 1.05 * min(map(len, sounds.values()))


def hertz(sound: np.ndarray, rate: int) -> float:
    """The median pitch of the loud parts, by autocorrelation."""
    found = []
    for at in range(0, len(sound) - rate // 16, rate // 50):
        frame = sound[at : at + rate // 16].astype(float)
        if np.std(frame) > 1500:
            alike = np.correlate(frame, frame, "full")[len(frame) - 1 :]
            lag = rate // 400 + int(np.argmax(alike[rate // 400 : rate // 70]))
            if alike[lag] > 0.5 * alike[0]:
                found.append(rate / lag)
    return float(np.median(found))


async def test_closing_ends_the_network_and_leaves_the_thread_to_the_next(engine: HibariEngine) -> None:
    long = ["this is a very long sentence that nobody wants to hear " * 6 + "." for _ in range(8)]
    speaking = [engine.speak(text, HER) for text in long]
    await asyncio.gather(*(anext(one) for one in speaking))
    for one in speaking:
        await one.aclose()
    assert len(await pcm(engine, "Hi.")) < engine.rate


async def test_a_run_that_nobody_waits_for_ends(engine: HibariEngine) -> None:
    run = engine._network.run_options()
    run.terminate = True
    with pytest.raises(Exception, match="terminate"):
        engine._network.run("hˈI", 1.0, run)


@pytest.mark.parametrize("text", ["...", "1" * 40, "((((", "a" * 399, "\x01", "'", "$", "“”", "-- a --", "½"])
async def test_odd_sentences_do_not_break_it(engine: HibariEngine, text: str) -> None:
    for sentence in sentences(readable(text)):
        for piece in await pieces(engine, sentence):
            assert piece.pcm.dtype == np.int16
    assert len(await pcm(engine, "Still here.")) > 4_000


def test_dictionary_and_ssml_reach_the_rules(reader: Reader) -> None:
    dictionary = dictionary_from("Sophia  s oʊ f aɪ ə")
    text = "<speak>Sophia has <sub alias='1,000'>M</sub> <phoneme ph='ˈkæts'>dogs</phoneme>.</speak>"
    [one] = utterances(text, dictionary, readable)
    [script] = reader.read(one.sentence, dict(one.manner.phones))
    assert script.signs.startswith("sˈOfIə ")
    assert script.signs.endswith(" kˈæts.")
    assert "θˈWzᵊnd" in script.signs
    assert script.words == ("Sophia", "has", "1,000", "dogs")


# What it is made of ---------------------------------------------------------------------------------------------------


def test_the_network_is_opened_as_onnx_reads_it() -> None:
    import onnx

    closed = (hibari.package() / "assets" / "hibari.onnx").read_bytes()
    before, after = onnx.load_from_string(closed).graph, onnx.load_from_string(opened(closed, "/Sub_output_0")).graph
    assert [put.name for put in after.input] == [*(put.name for put in before.input), "paces"]
    assert [out.name for out in after.output] == [*(out.name for out in before.output), "/Sub_output_0"]
    changed = [(a.input, b.input) for a, b in zip(before.node, after.node, strict=True) if a != b]
    assert changed == [(["/Sub_output_0", "speed"], ["/Sub_output_0", "paces"])]


@given(st.lists(st.floats(0.001, 30), min_size=1, max_size=60), st.floats(0.25, 2.5))
def test_lengths_add_up_at_any_rate(natural: list[float], rate: float) -> None:
    lengths = hurried(np.array(natural), rate)
    assert all(lengths >= 1)
    assert all(lengths == np.rint(lengths))
    assert sum(lengths) >= sum(natural) / rate - 0.5
    if min(natural) >= rate:
        assert sum(lengths) == pytest.approx(sum(natural) / rate, abs=0.51)


def test_another_package_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hibari").mkdir()
    (tmp_path / "hibari" / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.setattr(hibari, "find_spec", lambda _: None)
    with pytest.raises(RuntimeError, match="hibari-tts is not installed"):
        HibariEngine()
    from importlib.machinery import PathFinder

    monkeypatch.setattr(hibari, "find_spec", lambda name: PathFinder.find_spec(name, [str(tmp_path)]))
    with pytest.raises(RuntimeError, match="is not hibari-tts"):
        HibariEngine()


def test_its_licence_and_notice_come_with_it() -> None:
    from importlib.metadata import distribution

    kept = {Path(str(file)).name for file in distribution("hibari-tts").files or () if file.locate().is_file()}
    assert {"LICENSE", "NOTICE"} <= kept


def test_an_empty_timeline_is_moved(engine: HibariEngine) -> None:
    assert Timeline().later(1.0) == Timeline()
