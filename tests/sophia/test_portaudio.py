"""Devices are listed anew once nobody has a stream, so that one with another number is found."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from sophia.microphone import Microphone, MicrophoneLost, MicrophoneSettings, NoMicrophone
from sophia.playout import Playout
from sophia.portaudio import _Streams
from sophia.soundcard import NoSpeaker, SoundCard, SoundCardSettings


class PortAudioError(Exception):
    pass


class Library:
    """Stands in for the ``sounddevice`` module: it knows the devices that were there when it was started."""

    PortAudioError = PortAudioError

    def __init__(self, *plugged):
        self.plugged = set(plugged)
        self.starts = 0
        self.open = []
        self.latency = 0.04
        self.loop = asyncio.get_running_loop()
        self.playing = asyncio.Event()
        self._initialize()

    def _initialize(self):
        self.starts += 1
        self.listed = set(self.plugged)

    def _terminate(self):
        assert not self.open, "that would end a stream"
        self.listed = set()

    def query_devices(self, device, kind):
        if device not in self.listed:
            raise ValueError(f"No {kind} device matching {device!r}")
        return {"default_samplerate": 16_000.0, f"max_{kind}_channels": 1}

    def check_input_settings(self, **_):
        pass

    check_output_settings = check_input_settings

    def stream(self, **options):
        if options["device"] not in self.plugged:
            raise PortAudioError("Device unavailable")
        stream = SimpleNamespace(latency=self.latency, options=options, start=self._start)
        stream.close = lambda ignore_errors: self.open.remove(stream)
        self.open.append(stream)
        return stream

    def _start(self):
        self.loop.call_soon_threadsafe(self.playing.set)

    RawInputStream = OutputStream = stream

    def unplug(self, device):
        """The card says so from a thread of its own, as PortAudio does."""
        self.plugged.discard(device)
        for stream in [one for one in self.open if one.options["device"] == device]:
            thread = threading.Thread(target=stream.options["finished_callback"])
            thread.start()
            thread.join()


def microphone(library, device):
    return Microphone(MicrophoneSettings(device=device), module=library)


@pytest.fixture(autouse=True)
def streams(monkeypatch):
    """Of a process of its own."""
    fresh = _Streams()
    for module in ("microphone", "soundcard"):
        monkeypatch.setattr(f"sophia.{module}.STREAMS", fresh)
    return fresh


async def lost(library, device):
    """Opens a microphone and loses it; what that raised."""
    waiting = asyncio.ensure_future(anext(microphone(library, device).frames()))
    library.playing.clear()
    opening = asyncio.ensure_future(library.playing.wait())
    await asyncio.wait([waiting, opening], return_when=asyncio.FIRST_COMPLETED)
    opening.cancel()
    library.unplug(device)
    with pytest.raises((MicrophoneLost, NoMicrophone)) as raised:
        await waiting
    return raised.value


async def played_on(card):
    """The task that plays on the card, once that is open; raises what keeps it from opening."""
    playing = asyncio.create_task(card.run(Playout(16_000, lambda _: None)))
    opening = asyncio.create_task(card.opened.wait())
    await asyncio.wait([playing, opening], return_when=asyncio.FIRST_COMPLETED)
    opening.cancel()
    if playing.done():
        playing.result()
    return playing


async def test_a_microphone_that_was_plugged_in_again_under_another_number_is_found():
    library = Library("usb at 2")
    assert "unplugged" in str(await lost(library, "usb at 2"))
    assert library.starts == 1
    library.plugged.add("usb at 3")
    assert "unplugged" in str(await lost(library, "usb at 3"))
    assert library.starts == 2


async def test_it_is_looked_for_anew_at_each_attempt():
    library = Library("usb")
    await lost(library, "usb")
    assert "No input device" in str(await lost(library, "other"))
    assert "No input device" in str(await lost(library, "other"))
    library.plugged.add("other")
    assert "unplugged" in str(await lost(library, "other"))


async def test_a_loudspeaker_that_plays_is_never_stopped_for_it():
    library = Library("usb", "speaker")
    card = SoundCard(SoundCardSettings(device="speaker"), module=library)
    playing = await played_on(card)
    library.unplug("usb")
    assert "Device unavailable" in str(await lost(library, "usb"))
    assert "Device unavailable" in str(await lost(library, "usb"))
    assert library.starts == 1
    playing.cancel()
    await asyncio.wait([playing])
    assert "No input device" in str(await lost(library, "usb"))
    assert library.starts == 2


async def test_a_loudspeaker_that_was_not_there_is_found_later():
    library = Library()
    card = SoundCard(SoundCardSettings(device="speaker"), module=library)
    with pytest.raises(NoSpeaker):
        await card.run(Playout(16_000, lambda _: None))
    library.plugged.add("speaker")
    again = SoundCard(SoundCardSettings(device="speaker"), module=library)
    playing = await played_on(again)
    playing.cancel()
    await asyncio.wait([playing])
    assert not library.open


@pytest.mark.parametrize("told", [-0.2, 0.0, float("nan"), 60.0])
async def test_a_latency_that_cannot_be_is_not_believed(told):
    library = Library("speaker")
    library.latency = told
    card = SoundCard(SoundCardSettings(device="speaker", latency=0.05), module=library)
    playing = await played_on(card)
    assert card.latency == 0.05
    playing.cancel()
    await asyncio.wait([playing])
