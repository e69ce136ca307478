"""Digital silence: the network is spared it, and nothing else changes."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from pipelines.virtual_time import run
from sophia.audio import EAR_RATE, Frame
from sophia.silero import STILL_AFTER, WINDOW, Floats, SileroModel, VoiceDetector
from sophia.vad import VadSettings, VoiceStarted, VoiceStopped
from sophia.wav import read_wav

SOUNDBITES = Path(__file__).parents[2] / "pipelines/soundbites"
FRAME = 320
NOISE = np.random.default_rng(0).normal(0, 20, 40 * WINDOW).astype(np.int16)


class Counting(SileroModel):
    """Counts the windows that the network is asked about."""

    def __init__(self) -> None:
        super().__init__(exact=True)
        self.asked = 0

    def forward(self, sound: Floats, hidden: Floats, cell: Floats) -> tuple[Floats, Floats, Floats]:
        self.asked += len(sound)
        return super().forward(sound, hidden, cell)


@pytest.fixture(scope="module")
def model() -> SileroModel:
    return SileroModel()


def silence(windows: float, value: int = 0) -> np.ndarray:
    return np.full(round(windows * WINDOW), value, np.int16)


def bite(name: str) -> np.ndarray:
    """A sentence with digital silence in its pauses, as a noise gate leaves it."""
    pcm = read_wav(SOUNDBITES / name, EAR_RATE).pcm.copy()
    loudness = np.convolve(np.abs(pcm.astype(np.float32)), np.ones(FRAME) / FRAME, "same")
    pcm[loudness < 60] = 0
    voiced = np.flatnonzero(pcm)
    return pcm[voiced[0] : voiced[-1] + 1]


def heard(
    model: SileroModel, sound: np.ndarray, settings: VadSettings | None = None
) -> list[VoiceStarted | VoiceStopped]:
    edges: list[VoiceStarted | VoiceStopped] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        detector = VoiceDetector(model, settings or VadSettings(), edges.append)
        for i in range(0, len(sound), FRAME):
            await asyncio.sleep((i + FRAME) / EAR_RATE - loop.time())
            detector.push(Frame(sound[i : i + FRAME], i / EAR_RATE))
        await asyncio.sleep(0)

    run(main())
    return edges


@pytest.mark.parametrize("gap", [0.3, 0.7, 1.4, 1.9])
@pytest.mark.parametrize("name", ["01_who_are_you.wav", "03_arithmetic.wav", "05_story.wav"])
def test_speech_after_digital_silence_has_the_same_edges(
    model: SileroModel, monkeypatch: pytest.MonkeyPatch, name: str, gap: float
) -> None:
    pause = np.zeros(round(gap * EAR_RATE), np.int16)
    sound = np.concatenate([silence(20.3), bite(name), pause, bite("02_what_time.wav"), silence(20)])
    edges = heard(model, sound)
    monkeypatch.setattr("sophia.silero.STILL_AFTER", 10**9)
    asked = heard(model, sound)
    assert len(edges) >= 4
    assert [type(edge) for edge in edges] == [type(edge) for edge in asked]
    window = WINDOW / EAR_RATE + 1e-6
    assert [edge.time for edge in edges] == pytest.approx([edge.time for edge in asked], abs=window)
    assert [edge.at for edge in edges] == pytest.approx([edge.at for edge in asked], abs=window)


@pytest.mark.parametrize(("value", "asked"), [(0, STILL_AFTER), (8, STILL_AFTER), (-8, STILL_AFTER), (9, 60)])
def test_the_network_is_asked_about_the_first_half_second(value: int, asked: int) -> None:
    model = Counting()
    heard(model, silence(60, value))
    # The context of the first window is zero, so that one is no constant where the silence is another value.
    assert model.asked == asked + (value in (8, -8))


def test_what_stirs_is_judged_again_and_still_means_the_context_too() -> None:
    for last in (0, 1):
        model = Counting()
        sound = silence(40)
        sound[-1] = last  # the last sample of the 40th window is in the 41st one's context
        heard(model, np.concatenate([sound, silence(20)]))
        assert model.asked == STILL_AFTER + last * (2 + STILL_AFTER)


def test_the_memory_stands_still_and_is_not_emptied(model: SileroModel) -> None:
    async def main() -> None:
        detector = VoiceDetector(model, VadSettings(), print)
        detector.push(Frame(np.concatenate([NOISE, silence(STILL_AFTER + 1)]), 0.0))
        await asyncio.sleep(0)
        memory, probability = detector.memory.copy(), detector.probability
        assert memory.any()
        for i in range(200):
            detector.push(Frame(silence(1), (57 + i) * 0.032))
            await asyncio.sleep(0)
        assert np.array_equal(detector.memory, memory)
        assert detector.probability == probability < 0.05
        detector.push(Frame(NOISE[:WINDOW], 257 * 0.032))
        await asyncio.sleep(0)
        assert detector.memory.any()
        assert not np.array_equal(detector.memory, memory)

    run(main())


def test_a_memory_that_was_just_emptied_hears_half_a_second_of_silence_first() -> None:
    model = Counting()
    noisy = 55  # windows; the memory is emptied after 63 of clear non-speech, in the middle of the silence
    heard(model, np.concatenate([NOISE, NOISE[: noisy * WINDOW - len(NOISE)], silence(100)]))
    assert model.asked == 63 + STILL_AFTER


@pytest.mark.parametrize("probability", [0.9, 0.4])
def test_the_network_is_asked_as_long_as_it_is_not_sure(model: SileroModel, probability: float) -> None:
    """A voice that is on, or a probability between the thresholds."""

    async def main() -> None:
        detector = VoiceDetector(model, VadSettings(), lambda _: None)
        for i in range(STILL_AFTER + 4):
            detector.push(Frame(silence(1), i * 0.032))
            assert detector.ready()
            detector.take_window()
            detector.judged(probability, (i + 1) * 0.032)

    run(main())


@pytest.mark.parametrize("patience", [2, STILL_AFTER + 10])
def test_a_voice_that_breaks_off_into_silence_is_reported_as_stopped(model: SileroModel, patience: int) -> None:
    sound = np.concatenate([silence(30), bite("02_what_time.wav"), silence(100)])
    edges = heard(model, sound, VadSettings(offset_windows=patience))
    assert [type(edge) for edge in (edges[0], edges[-1])] == [VoiceStarted, VoiceStopped]
