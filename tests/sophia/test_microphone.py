"""The microphone with a card of our own making: frames, times, losses, and cards that fail."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.audio import Frame
from sophia.framing import Framer
from sophia.microphone import FrameClock, Microphone, MicrophoneLost, MicrophoneSettings, NoMicrophone


class PortAudioError(Exception):
    pass


class Card:
    """Stands in for the sounddevice module: one microphone, whose blocks the test delivers."""

    PortAudioError = PortAudioError

    def __init__(
        self, rates: tuple[int, ...] = (16_000,), own: int = 48_000, channels: tuple[int, ...] = (1, 2)
    ) -> None:
        self.rates, self.own, self.channels = rates, own, channels
        self.opened = asyncio.Event()
        self.shut = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.options: dict[str, Any] = {}
        self.closed = False
        self.fail: Callable[[], object] = lambda: None
        self.begun = time.monotonic()

    def query_devices(self, device: object, kind: str) -> dict[str, float]:
        self.fail()
        return {"default_samplerate": float(self.own), "max_input_channels": max(self.channels)}

    def check_input_settings(self, *, samplerate: int, channels: int, **_: object) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")
        if channels not in self.channels:
            raise PortAudioError("Invalid number of channels")

    def RawInputStream(self, **options: Any) -> Any:  # noqa: N802
        self.options = options
        return SimpleNamespace(start=self._start, close=self._close, latency=0.04)

    def _start(self) -> None:
        self.loop.call_soon_threadsafe(self.opened.set)

    def _close(self, ignore_errors: bool) -> None:
        assert ignore_errors
        assert not self.closed
        self.closed = True
        self.loop.call_soon_threadsafe(self.shut.set)

    def deliver(self, pcm: np.ndarray, *, overflow: bool = False, ago: float | None = 0.03, samples: int = 0) -> None:
        """Calls back as PortAudio does: from another thread, with a buffer that is used again."""
        buffer = bytearray(pcm.tobytes())
        adc = 0.0 if ago is None else 100.0 - ago
        info = SimpleNamespace(currentTime=100.0, inputBufferAdcTime=adc)
        status = SimpleNamespace(input_overflow=overflow)
        thread = threading.Thread(target=self.options["callback"], args=(buffer, samples or len(pcm), info, status))
        thread.start()
        thread.join()
        buffer[:] = bytes(len(buffer))


async def take(frames: AsyncIterator[Frame], count: int) -> list[Frame]:
    return [await anext(frames) for _ in range(count)]


async def started(card: Card, **settings: object) -> tuple[Microphone, AsyncIterator[Frame], asyncio.Task[Frame]]:
    microphone = Microphone(MicrophoneSettings.model_validate(settings), module=card)
    frames = microphone.frames()
    first = asyncio.ensure_future(anext(frames))
    opened = asyncio.ensure_future(card.opened.wait())
    await asyncio.wait({first, opened}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    opened.cancel()
    return microphone, frames, first


def ramp(start: int, count: int = 320) -> np.ndarray:
    return np.arange(start, start + count, dtype=np.int16)


async def test_blocks_become_frames_with_the_cards_times() -> None:
    card = Card()
    microphone, frames, first = await started(card, device="usb")
    loop = asyncio.get_running_loop()
    before = loop.time()
    card.deliver(ramp(0))
    frame = await first
    assert before - 0.031 <= frame.time <= loop.time() - 0.029
    np.testing.assert_array_equal(frame.pcm, ramp(0))  # a copy: the card's buffer is zeros by now
    card.deliver(ramp(320))
    following = await anext(frames)
    assert following.time == pytest.approx(frame.end, abs=0.021)  # delivered early, so little by little
    assert (card.options["device"], card.options["blocksize"], card.options["samplerate"]) == ("usb", 320, 16_000)
    await microphone.aclose()
    assert card.closed
    assert [f async for f in frames] == []


async def test_a_card_that_does_not_tell_its_times_is_dated_by_its_calls() -> None:
    card = Card()
    microphone, _, first = await started(card)
    before = asyncio.get_running_loop().time()
    card.deliver(ramp(0), ago=None)
    assert before - 0.021 <= (await first).time <= asyncio.get_running_loop().time() - 0.019
    await microphone.aclose()


@pytest.mark.parametrize("own", [44_100, 48_000])
async def test_a_card_with_its_own_rate_is_resampled(own: int) -> None:
    card = Card(rates=(own,), own=own)
    microphone, frames, first = await started(card)
    tone = np.rint(8000 * np.sin(2 * np.pi * 440 * np.arange(own) / own)).astype(np.int16)
    for i in range(0, own, own // 50):
        card.deliver(tone[i : i + own // 50])
    got = [await first, *await take(frames, 40)]
    assert {(len(f.pcm), f.rate) for f in got} == {(320, 16_000)}
    sound = np.concatenate([f.pcm for f in got])[1600:11_200].astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert spectrum.argmax() * 16_000 / len(sound) == pytest.approx(440, abs=2)
    await microphone.aclose()


@pytest.mark.parametrize("channels", [2, 6, 8, 32])
@pytest.mark.parametrize("rate", [16_000, 32_000, 96_000])
async def test_what_the_card_offers_is_opened_and_mixed(channels: int, rate: int) -> None:
    card = Card(rates=(rate,), own=48_000, channels=(channels,))
    microphone, frames, first = await started(card)
    assert (card.options["channels"], card.options["samplerate"]) == (channels, rate)
    block = np.zeros((rate // 50, channels), np.int16)
    block[:, -1] = np.rint(8000 * np.sin(2 * np.pi * 440 * np.arange(len(block)) / rate))  # the voice is on the last
    for _ in range(12):
        card.deliver(block.reshape(-1), samples=len(block))
    sound = np.concatenate([(await first).pcm, *[frame.pcm for frame in await take(frames, 8)]])
    assert sound[320:].max() > 7000
    await microphone.aclose()


async def test_a_format_that_the_driver_promised_and_then_refuses_is_not_the_last() -> None:
    card = Card(rates=(16_000, 48_000), channels=(1, 2))
    honest = card.RawInputStream

    def lying(**options: Any) -> Any:
        if options["samplerate"] == 16_000:
            raise PortAudioError("Error opening RawInputStream: Invalid sample rate [PaErrorCode -9997]")
        return honest(**options)

    card.RawInputStream = lying  # type: ignore[method-assign]
    microphone, _, first = await started(card)
    assert card.options["samplerate"] == 48_000
    card.deliver(np.zeros(960, np.int16))
    card.deliver(np.zeros(960, np.int16))
    await first
    await microphone.aclose()


async def test_what_nobody_takes_is_dropped_oldest_first_and_counted() -> None:
    card = Card()
    microphone, frames, first = await started(card)
    for i in range(60):
        card.deliver(ramp(i * 320))
    card.deliver(ramp(60 * 320), overflow=True)
    kept = [await first, *await take(frames, 49)]
    assert kept[0].pcm[0] == 11 * 320
    assert kept[-1].pcm[0] == 60 * 320
    assert microphone.overflows == 11 + 1
    await microphone.aclose()


async def test_a_card_that_goes_away_is_lost_after_what_it_gave() -> None:
    card = Card()
    _, frames, first = await started(card)
    card.deliver(ramp(0))
    threading.Thread(target=card.options["finished_callback"]).start()
    assert (await first).pcm[0] == 0
    with pytest.raises(MicrophoneLost, match="unplugged"):
        await anext(frames)
    assert card.closed


async def test_a_card_that_falls_silent_is_lost() -> None:
    card = Card()
    _, _, first = await started(card, stall_seconds=0.1)
    with pytest.raises(MicrophoneLost, match=r"no sound from the microphone for 0\.1 s"):
        await first
    assert card.closed


@pytest.mark.parametrize(
    "error", [PortAudioError("Error querying device -1"), ValueError("No input device matching 'x'")]
)
async def test_without_a_microphone_it_says_so_in_a_line(error: Exception) -> None:
    card = Card()

    def fail() -> None:
        raise error

    card.fail = fail
    _, _, first = await started(card)
    with pytest.raises(NoMicrophone, match=r"^no microphone: .*; plug one in") as caught:
        await first
    assert "\n" not in str(caught.value)


async def test_without_portaudio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(NoMicrophone, match="apt-get install libportaudio2"):
        await anext(Microphone(MicrophoneSettings()).frames())


async def test_a_card_that_hangs_in_opening_is_left_to_itself() -> None:
    card = Card()
    released = threading.Event()
    card.fail = lambda: released.wait(10)
    microphone, _, first = await started(card, open_seconds=0.1)
    with pytest.raises(NoMicrophone, match=r"did not open within 0\.1 s"):
        await first
    released.set()  # it opens after all, and is closed at once by its thread
    async with asyncio.timeout(5):
        await card.shut.wait()
    await microphone.aclose()


async def test_closing_while_a_frame_is_awaited_ends_the_frames() -> None:
    card = Card()
    microphone, _, first = await started(card)
    await microphone.aclose()
    with pytest.raises(StopAsyncIteration):
        await first


@given(st.lists(st.floats(-0.02, 0.02), min_size=20, max_size=200), st.floats(-3e-4, 3e-4))
def test_stamps_follow_the_card_and_not_the_jitter(jitter: list[float], drift: float) -> None:
    clock = FrameClock()
    stamps = []
    for i, late in enumerate(jitter):
        true = 50 + i * 0.02 * (1 + drift)
        stamps.append((clock.stamp(true + late, 0.02), true))
    assert all(abs(stamp - true) <= 0.0201 + 1e-3 for stamp, true in stamps)
    steps = np.diff([stamp for stamp, _ in stamps])
    assert np.all(np.abs(steps - 0.02) <= 0.04 * 0.05 + 1e-5)


def test_a_card_that_runs_fast_is_followed() -> None:
    clock = FrameClock()
    for i in range(15_000):  # five minutes at 200 ppm: 60 ms if nothing were done
        said = 1.0 + i * 0.02 * (1 - 2e-4)
        assert clock.stamp(said, 0.02) == pytest.approx(said, abs=1e-4)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_resampling_does_not_shift_the_time(rate: int) -> None:
    framer = Framer(rate)
    sound = np.zeros(rate, np.int16)
    sound[rate // 2 :] = 10_000  # a step at 0.5 s
    block = rate // 50
    frames = [f for i in range(0, rate, block) for f in framer.cut(sound[i : i + block], 7.0 + i / rate)]
    step = next(f for f in frames if f.pcm.max() > 5_000)
    assert step.time + np.argmax(step.pcm > 5_000) / 16_000 == pytest.approx(7.5, abs=2e-4)


def test_a_gap_is_believed_at_once() -> None:
    clock = FrameClock()
    clock.stamp(1.0, 0.02)
    assert clock.stamp(1.52, 0.02) == 1.52
