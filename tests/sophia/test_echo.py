"""Her own voice in the microphone: a simulated room, the canceller, and the simple way out."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soxr

from pipelines.virtual_time import run
from sophia.audio import Frame, dbfs
from sophia.echo import EchoCanceller, EchoError, EchoGuard
from sophia.silero import SileroModel, VoiceDetector
from sophia.vad import VadSettings, VoiceStarted
from sophia.wav import read_wav

RATE = 24_000  # of her voice
BLOCK = RATE // 50
NEAR_AT = 7.0


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return read_wav(Path(__file__).parents[1] / "data" / "where_is_my_order.wav").pcm.astype(float)


@pytest.fixture(scope="module")
def far(speech: np.ndarray) -> np.ndarray:
    """Nine seconds of her: the same sentence at different pitches."""
    said = [soxr.resample(speech, 16_000, RATE * pitch) for pitch in (0.8, 1.2, 0.9, 1.1, 0.75, 1.3, 0.85, 1.15)]
    return np.concatenate([np.concatenate([sentence, np.zeros(RATE // 8)]) for sentence in said])


def room(delay: float) -> np.ndarray:
    """An impulse response that begins after ``delay`` s and decays by 60 dB in a quarter of a second."""
    rng = np.random.default_rng(3)
    response = rng.standard_normal(3200) * 10 ** (-3 * np.arange(3200) / 16_000 / 0.25)
    response[0] = 3
    return np.concatenate([np.zeros(round(delay * 16_000)), 0.5 * response / np.sqrt(np.sum(response**2))])


def microphone(far: np.ndarray, near: np.ndarray, delay: float) -> np.ndarray:
    """What the microphone hears: her through the room, the user from ``NEAR_AT`` on, and a little noise."""
    echo = np.convolve(soxr.resample(far, RATE, 16_000), room(delay))
    echo = echo[: len(echo) // 320 * 320]
    at = round(NEAR_AT * 16_000)
    echo[at : at + len(near)] += near
    return np.clip(echo + np.random.default_rng(5).normal(0, 8, len(echo)), -32768, 32767).astype(np.int16)


def through(guard: EchoGuard, far: np.ndarray, heard: np.ndarray, ahead: float) -> np.ndarray:
    """Plays ``far`` with blocks told ``ahead`` s before they sound, and takes the microphone through the guard."""
    out, told = [], 0
    for i in range(0, len(heard), 320):
        now = (i + 320) / 16_000
        while (told + 1) * BLOCK <= len(far) and told * 0.02 <= now + ahead:
            guard.reference(far[told * BLOCK : (told + 1) * BLOCK].astype(np.int16), RATE, told * 0.02)
            told += 1
        out += [frame.pcm for frame in guard.process(Frame(heard[i : i + 320], i / 16_000))]
    return np.concatenate(out)


def onsets(sound: np.ndarray) -> list[float]:
    async def main() -> list[float]:
        starts: list[float] = []
        detector = VoiceDetector(
            SileroModel(), VadSettings(), lambda e: starts.append(e.time) if isinstance(e, VoiceStarted) else None
        )
        detector.push(Frame(sound, 0.0))
        await asyncio.sleep(0)
        return starts

    return run(main())


@pytest.mark.parametrize(("delay", "ahead"), [(0.04, 0.04), (0.2, 0.1)])
def test_her_echo_is_no_voice_but_an_interruption_is(
    far: np.ndarray, speech: np.ndarray, delay: float, ahead: float
) -> None:
    pytest.importorskip("livekit.rtc")
    heard = microphone(far, speech, delay)
    assert len([t for t in onsets(heard) if t < NEAR_AT]) >= 5  # without a canceller she interrupts herself
    clean = through(EchoCanceller(), far, heard, ahead)
    alone = slice(2 * 16_000, round((NEAR_AT - 0.1) * 16_000))
    assert dbfs(heard[alone]) - dbfs(clean[alone]) > 25
    after_settling = [t for t in onsets(clean) if t > 1.0]
    assert after_settling
    assert NEAR_AT - 0.05 < after_settling[0] < NEAR_AT + 0.5


class Mirror:
    """Stands in for livekit.rtc: hands back nothing, keeps what it was told is played."""

    def __init__(self) -> None:
        self.told: list[np.ndarray] = []

    def AudioProcessingModule(self, **options: bool) -> Any:  # noqa: N802
        assert options["echo_cancellation"]
        return SimpleNamespace(
            process_reverse_stream=lambda f: self.told.append(np.frombuffer(f.data, np.int16)),
            process_stream=lambda f: None,
        )

    def AudioFrame(self, data: bytearray, rate: int, channels: int, samples: int) -> Any:  # noqa: N802
        assert (rate, channels, samples, len(data)) == (16_000, 1, 160, 320)
        return SimpleNamespace(data=data)


def told(ahead: list[float], stop: int = 10_000, restart: int = 10_000) -> list[int]:
    """Which 10 ms of what she plays the canceller was told for each 10 ms of the microphone, 0 for silence.

    Her n-th 10 ms are filled with n, from 1 on. ``ahead`` says how many seconds before it sounds each 20 ms block is
    known; from block ``stop`` to ``restart`` nothing is played.
    """
    mirror = Mirror()
    canceller = EchoCanceller(module=mirror)
    due = sorted((n * 0.02 - a, n) for n, a in enumerate(ahead) if not stop <= n < restart)
    for i in range(len(ahead)):
        now = (i + 1) * 0.02 + 1e-6
        while due and due[0][0] <= now:
            n = due.pop(0)[1]
            canceller.reference(np.repeat(np.array([2 * n + 1, 2 * n + 2], np.int16), 160), 16_000, n * 0.02)
        canceller.process(Frame(np.zeros(320, np.int16), i * 0.02))
    return [int(block[80]) for block in mirror.told]


def test_what_is_played_is_told_at_a_steady_distance() -> None:
    steady = [n - i for i, n in enumerate(told([0.1] * 100)) if n]
    assert set(steady) == {1 + 4}  # 40 ms ahead of the microphone


def test_a_sink_that_tells_late_costs_one_hole_and_then_a_shorter_distance() -> None:
    distance = [n - i for i, n in enumerate(told([0.1] * 50 + [0.0] * 50)) if n]
    assert distance[0] == 1 + 4
    assert distance[-1] < distance[0]
    assert distance[-1] >= 1  # never after its echo
    assert len(set(distance)) <= 3
    assert distance == sorted(distance, reverse=True)


@pytest.mark.parametrize("size", [4, 16, 80, 160])
def test_how_a_sink_cuts_her_sound_costs_nothing_while_the_microphone_lags(size: int) -> None:
    def heard(size: int) -> list[int]:
        mirror = Mirror()
        canceller = EchoCanceller(module=mirror)
        for first in range(0, 9_600, size):
            canceller.reference(np.arange(first, first + size).astype(np.int16), 16_000, first / 16_000)
        for i in range(20):
            canceller.process(Frame(np.zeros(320, np.int16), i * 0.02))
        return [int(block[80]) for block in mirror.told]

    assert heard(size) == heard(320)


def test_when_she_stops_the_distance_is_kept_for_the_next_time() -> None:
    sequence = told([0.1] * 300, stop=50, restart=200)
    distance = [n - i for i, n in enumerate(sequence) if n]
    assert set(distance) == {1 + 4}
    assert sequence.count(0) == pytest.approx(2 * 150, abs=5)


def test_where_it_is_not_installed_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(EchoError, match=r"pip install -e '\.\[aec\]'"):
        EchoCanceller()


def test_the_canceller_wants_whole_ten_milliseconds() -> None:
    with pytest.raises(ValueError, match="whole 10 ms"):
        EchoCanceller(module=Mirror()).process(Frame(np.zeros(100, np.int16), 0.0))
