"""The sound card, with a fake sounddevice module whose thread asks for samples."""

import asyncio
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from sophia.playout import Playout
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.sinks import SinkError, SinkStalled
from sophia.soundcard import NoSpeaker, SoundCard, SoundCardSettings, _Puller

RATE = 24_000


class PortAudioError(Exception):
    pass


class Device:
    """A fake of the ``sounddevice`` module; its card plays as fast as it can, ahead of its own clock."""

    PortAudioError = PortAudioError

    def __init__(self, rates=(RATE,), channels=(1, 2), *, stalls_after=None, stops_after=None, missing=False, slow=0.0):
        self.rates = rates
        self.channels = channels
        self.stalls_after = stalls_after
        self.stops_after = stops_after
        self.missing = missing
        self.slow = slow
        self.played = []
        self.opened = []
        self.closed = threading.Event()

    def query_devices(self, device, kind):
        if self.missing:
            raise PortAudioError("Error querying device -1\nand more")
        return {"default_samplerate": float(self.rates[-1]), "max_output_channels": max(self.channels)}

    def check_output_settings(self, device, channels, dtype, samplerate):
        if samplerate not in self.rates or channels not in self.channels:
            raise PortAudioError("Invalid sample rate")

    def OutputStream(self, **options):  # noqa: N802
        if options["device"] == "nowhere":
            raise ValueError("No output device matching 'nowhere'")
        time.sleep(self.slow)
        self.opened.append(options)
        return Stream(self, options)


class Stream:
    latency = 0.05

    def __init__(self, device, options):
        self.device = device
        self.options = options
        self.thread = threading.Thread(target=self.play, daemon=True)

    def start(self):
        self.thread.start()

    def close(self, ignore_errors):
        self.device.closed.set()

    def play(self):
        frames, rate = self.options["blocksize"], self.options["samplerate"]
        clock = 100.0
        count = 0
        while not self.device.closed.is_set():
            if count == self.device.stops_after:
                self.options["finished_callback"]()
                return
            if count != self.device.stalls_after:
                out = np.empty((frames, self.options["channels"]), np.int16)
                info = SimpleNamespace(outputBufferDacTime=clock + 0.05, currentTime=clock)
                self.options["callback"](out, frames, info, SimpleNamespace(output_underflow=count == 3))
                self.device.played.append(out)
                count += 1
                clock += frames / rate
            time.sleep(0.001)


async def play(device, sound, **settings):
    """Plays ``sound`` to its end; returns the events and what the card got."""
    events = []
    done = asyncio.Event()

    def on_event(event):
        events.append(event)
        if isinstance(event, PlayoutFinished):
            done.set()

    playout = Playout(RATE, on_event)
    card = SoundCard(SoundCardSettings(**settings), module=device)
    playing = asyncio.create_task(card.run(playout))
    try:
        async with asyncio.timeout(20):
            playout.open(1)
            await playout.push(1, sound)
            playout.finish(1)
            playout.release(1)
            await done.wait()
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    assert device.closed.is_set()
    return events, np.concatenate(device.played), card


async def test_the_card_gets_every_sample():
    sound = (np.arange(9600) % 1000 + 200).astype(np.int16)
    device = Device()
    loop = asyncio.get_running_loop()
    before = loop.time()
    events, played, card = await play(device, sound)
    mono = played[:, 0]
    first = int(np.flatnonzero(mono)[0])
    assert np.array_equal(mono[first : first + len(sound)], sound)
    assert isinstance(events[0], PlayoutStarted)
    assert before + 0.04 < events[0].time < loop.time() + 0.06, "the time is when the card plays it, in loop time"
    assert card.latency == 0.05
    assert card.underflows == 1
    assert device.opened[0]["blocksize"] == 480


async def test_a_stereo_card_of_another_rate_gets_resampled_sound():
    tone = np.rint(8000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)
    device = Device(rates=(48_000,), channels=(2,))
    events, played, _ = await play(device, tone)
    assert device.opened[0]["samplerate"] == 48_000
    assert events[-1].samples == RATE
    assert np.array_equal(played[:, 0], played[:, 1])
    loud = np.flatnonzero(np.abs(played[:, 0]) > 1000)
    heard = played[loud[0] : loud[-1] + 1, 0].astype(float)
    spectrum = np.abs(np.fft.rfft(heard[4800:14400]))
    assert np.argmax(spectrum) * 48_000 / 9600 == pytest.approx(440, abs=5)


async def test_times_stay_right_through_the_resampler():
    times = []
    playout = Playout(22_050, lambda event: None, tap=lambda pcm, at, _: times.append(at))
    puller = _Puller(playout, 48_000)
    for block in range(500):
        assert len(puller.pull(960, 10 + block * 0.02)) == 960
    assert np.allclose(np.diff(times), 441 / 22_050, atol=1e-9)
    assert times[0] == 10
    assert times[-1] - (10 + 499 * 0.02) == pytest.approx(0.0, abs=0.021), "it never pulls more than a block ahead"


async def test_no_card_is_one_line():
    playout = Playout(RATE, lambda event: None)
    with pytest.raises(NoSpeaker, match=r"^no sound card to play on: Error querying device -1; plug one in"):
        await SoundCard(SoundCardSettings(), module=Device(missing=True)).run(playout)
    with pytest.raises(NoSpeaker, match="No output device matching 'nowhere'"):
        await SoundCard(SoundCardSettings(device="nowhere"), module=Device()).run(playout)


async def test_a_missing_library_says_what_to_install(monkeypatch):
    def missing(name):
        raise OSError("PortAudio library not found")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(NoSpeaker, match="apt-get install libportaudio2"):
        await SoundCard(SoundCardSettings()).run(Playout(RATE, lambda event: None))


async def test_a_card_that_stalls_is_left():
    device = Device(stalls_after=5)
    with pytest.raises(SinkStalled, match=r"took no samples for 0\.1 s"):
        await SoundCard(SoundCardSettings(stall_seconds=0.1), module=device).run(Playout(RATE, lambda event: None))
    assert device.closed.is_set()


async def test_a_card_that_is_unplugged_is_told():
    device = Device(stops_after=5)
    with pytest.raises(SinkError, match="unplugged"):
        await SoundCard(SoundCardSettings(), module=device).run(Playout(RATE, lambda event: None))


async def test_a_card_that_does_not_open_is_left_and_closed_when_it_does():
    device = Device(slow=1.3)
    with pytest.raises(SinkStalled, match="did not open within 1 s"):
        await SoundCard(SoundCardSettings(open_seconds=1), module=device).run(Playout(RATE, lambda event: None))
    assert await asyncio.to_thread(device.closed.wait, 10)


async def test_a_card_that_opens_after_the_end_is_closed():
    device = Device(slow=0.2)
    running = asyncio.create_task(SoundCard(SoundCardSettings(), module=device).run(Playout(RATE, lambda event: None)))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.to_thread(device.closed.wait, 10)


@pytest.mark.parametrize("channels", [2, 6, 8, 32])
async def test_a_card_with_more_channels_plays_on_all_of_them(channels):
    sound = np.full(4800, 3000, np.int16)
    device = Device(channels=(channels,))
    _, played, _ = await play(device, sound)
    assert device.opened[0]["channels"] == channels
    assert played.shape[1] == channels
    assert np.count_nonzero(played, axis=0).min() >= 4700


async def test_a_card_that_does_neither_our_rate_nor_its_own_is_asked_for_others():
    device = Device(rates=(96_000,))
    device.query_devices = lambda device, kind: {"default_samplerate": 48_000.0, "max_output_channels": 2}
    _, _, _ = await play(device, np.full(4800, 3000, np.int16))
    assert device.opened[0]["samplerate"] == 96_000
