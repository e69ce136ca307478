"""Where a conversation's sound comes from and goes to: the sound card, or soundbites and a file where there is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from pipelines.conversation.events import DeviceBack, DeviceLost, Failed
from pipelines.settings.model import Settings
from pipelines.settings.outputs import STANDARD_OUTPUT, opened_bytes, shown
from sophia.audio import EAR_RATE, AudioSource, Pcm
from sophia.cue import cue
from sophia.echo import EchoCanceller, EchoError, EchoGuard
from sophia.half_duplex import HalfDuplexGuard
from sophia.languages import code_of
from sophia.microphone import Microphone
from sophia.portaudio import sounddevice
from sophia.recognition_wire import AUTO
from sophia.returning import ReturningMicrophone, ReturningSink
from sophia.sinks import FallbackSink, NullSink, Sink, SinkError, WavSink
from sophia.soundbite import Bite, Soundbite, SoundbiteSettings
from sophia.soundcard import SoundCard
from sophia.wav import WavWriter, read_wav

BUNDLED = Path(__file__).parents[1] / "soundbites"
"""Questions that come with the project, spoken by a synthetic voice; German ones lie in a folder of their own."""


HALF_DUPLEX = (
    "The microphone is closed while she speaks, or she would hear herself. To be able to interrupt her: with a headset "
    "--set microphone.echo=off; on open speakers install the extra aec (make talk EXTRAS=aec)."
)


@dataclass(slots=True)
class Devices:
    """What a conversation listens to and plays on; ``reply`` is the file that holds her voice, if one does.
    ``cue`` is what is played when she begins to listen to a microphone.

    ``notes`` are worth telling, one line each.
    """

    source: AudioSource
    sink: Sink
    echo: EchoGuard | None
    cue: Pcm | None
    notes: list[str]
    reply: Path | None


@dataclass(frozen=True, slots=True)
class Bites:
    """Soundbites that were read, and what had to be overlooked in them, one line each."""

    bites: Sequence[Bite]
    notes: Sequence[str]


def _bundled(settings: Settings) -> list[Path]:
    """The questions that come with the project, in her language; in each of them by turns if she follows the user."""
    english, german = (sorted(folder.glob("*.wav")) for folder in (BUNDLED, BUNDLED / "german"))
    if settings.asr.language != AUTO:
        return german if code_of(settings.asr.language) == "de" else english
    spoken = {code_of(tag) for tag in (settings.turns.language, *settings.turns.languages)}
    by_turns = [bite for pair in zip_longest(english, german if "de" in spoken else ()) for bite in pair if bite]
    return by_turns if "en" in spoken else german


def read_bites(paths: Sequence[Path]) -> Bites:
    """Reads WAV files; raises :class:`sophia.wav.WavError` for one that cannot be played."""
    sounds = [(path.name, read_wav(path, EAR_RATE)) for path in paths]
    bites = [Bite(name, sound.pcm) for name, sound in sounds]
    return Bites(bites, [f"{name}: {sound.note}." for name, sound in sounds if sound.note])


def open_devices(
    settings: Settings,
    soundbites: Bites,
    reply: Path | None,
    rate: int,
    tell: Callable[[DeviceLost | DeviceBack | Failed], None],
) -> Devices:
    """Chooses source and sink: soundbites if there are any, else the microphone, else the bundled soundbites.

    Her voice of ``rate`` Hz goes to the loudspeaker, or into ``reply`` where there is none or a file was asked for.
    ``tell`` hears of devices that are lost and come back. A sink that is lost for good is a failure, and the
    conversation goes on without being heard. Raises ``OSError`` for a reply file that cannot be written.
    """
    loop = asyncio.get_running_loop()

    def lost(service: str) -> Callable[[Exception], None]:
        return lambda error: tell(DeviceLost(at=loop.time(), service=service, error=error))

    def back(service: str) -> Callable[[], None]:
        return lambda: tell(DeviceBack(at=loop.time(), service=service))

    def failed(error: SinkError) -> None:
        tell(Failed(at=loop.time(), service="speaker", error=error))

    notes = list(soundbites.notes)
    trouble = missing_device("output")
    if not soundbites.bites:
        trouble = trouble or missing_device("input")
    played_by_itself = bool(trouble) and not soundbites.bites
    if played_by_itself:
        notes.append(f"No sound card here ({trouble}): playing the bundled soundbites instead.")
        soundbites = read_bites(_bundled(settings))
    kept: WavWriter | None = None
    if reply:
        kept = WavWriter(reply, rate, file=opened_bytes(reply) if reply == STANDARD_OUTPUT else None)
    elif played_by_itself:
        kept = kept_nearby(rate, notes)
    source: AudioSource
    if soundbites.bites:
        source = Soundbite(soundbites.bites, SoundbiteSettings(tail_seconds=None, wait_for_cue=True))
    else:
        microphone = settings.microphone
        source = ReturningMicrophone(
            lambda: Microphone(microphone), microphone.return_seconds, lost("microphone"), back("microphone")
        )
    sink: Sink
    if kept:
        sink = FallbackSink(WavSink(kept, shown(kept.path)), failed)
    elif trouble:
        sink = NullSink()
    else:
        speaker = settings.speaker
        sink = ReturningSink(
            lambda: SoundCard(speaker), speaker.return_seconds, lost("speaker"), back("speaker"), failed
        )
    echo = None if soundbites.bites else _echo(settings.microphone.echo)
    if isinstance(echo, HalfDuplexGuard) and settings.microphone.echo == "auto":
        notes.append(HALF_DUPLEX)
    sound = cue(rate) if settings.microphone.cue and not soundbites.bites else None
    return Devices(source, sink, echo, sound, notes, kept.path if kept else None)


def kept_nearby(rate: int, notes: list[str]) -> WavWriter | None:
    """Her voice in a new file of this folder, where there is no loudspeaker; None, and a note, if there can be none."""
    path, number = Path("reply.wav"), 1
    while os.path.lexists(path):
        number += 1
        path = Path(f"reply-{number}.wav")
    try:
        return WavWriter(path, rate)
    except OSError as error:
        notes.append(f"Her voice is not kept: {path} cannot be written here ({error.strerror}).")
        return None


def missing_device(kind: Literal["input", "output"]) -> str | None:
    """Why there is no microphone or loudspeaker, in a few words; None if there is one."""
    try:
        sounddevice().query_devices(kind=kind)
    except OSError:
        return "the PortAudio library is not installed"
    except Exception:  # sounddevice has several types for "there is none"
        return "no microphone" if kind == "input" else "no loudspeaker"
    return None


def _echo(mode: str) -> EchoGuard | None:
    if mode == "off":
        return None
    if mode != "half-duplex":
        try:
            return EchoCanceller()
        except EchoError:
            if mode == "cancel":  # asked for by name, so not silently replaced
                raise
    return HalfDuplexGuard()
