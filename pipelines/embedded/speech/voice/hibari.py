"""hibari: a neural English voice by onnxruntime, streamed, with every sound's time before the first sample leaves.

A network of 6 million parameters taught by Kokoro-82M's voice "heart" (Apache-2.0, all in the wheel ``hibari-tts``).
It runs once for a clause and takes a hundredth of what it says. Of the package its rules, its filters and its network
are used, none of what would download another voice. So the other voices here are this one, its pitch and size changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any, Final

import numpy as np
import soxr

from pipelines.embedded.speech.voice.kokoro import Kokoro
from pipelines.embedded.speech.voice.network import Network
from pipelines.embedded.speech.voice.reading import Reader, Script
from pipelines.embedded.speech.voice.shaping import limited
from pipelines.embedded.speech.voice.speakable import readable
from pipelines.embedded.speech.voice.threaded import Emit, pieces_from
from pipelines.embedded.speech.voice.vocoder import HOP, RATE, Floats, Spectrum
from pipelines.embedded.speech.voice.voices import DEFAULT_VOICE, PLAIN, Manner, Piece, Timeline

_DIGEST: Final = "2a9733f265d3926d8a4482ef39a3667fa6c17c6837950621082d9a7d6cc64e92"
"""SHA-256 of the SHA-256s of what hibari-tts 0.2.1 consists of, in the order of the names."""

_LENGTHS: Final = "/Sub_output_0"
"""The tensor within the network that holds each sign's length."""

_MOST_THREADS: Final = 4
"""Sentences are shared among them, so one sentence needs no more than one."""

_FASTEST: Final = 2.0
"""Rate of the network: its short sounds take 50 ms at 1, and 25 at least."""


@dataclass(frozen=True, slots=True)
class Timbre:
    """A voice: heart's pitch times ``pitch``, from a throat 1 / ``size`` times as long, made louder by ``gain`` dB.

    Gains bring the voices to about -18 dBFS over their voiced 20 ms frames.
    """

    pitch: float
    size: float
    gain: float


_TIMBRES: Final = {
    "heart": Timbre(pitch=1.0, size=1.0, gain=6.4),
    "heart-low": Timbre(pitch=0.55, size=0.85, gain=6.6),
    "heart-mid": Timbre(pitch=0.68, size=0.9, gain=7.7),
}


class HibariEngine:
    """The :class:`~.voices.Engine` of hibari; loads in about a second, 140 MB.

    ``styles`` is the folder of Kokoro's speakers, who are voices then, too. Raises ``RuntimeError`` where a package is
    missing or another than the one that was tried, or cannot be loaded.
    """

    name = "hibari"
    rate = RATE
    voices: Mapping[str, str] = {
        DEFAULT_VOICE: "heart",
        "English-US.Male-1": "heart-low",
        "English-US.Male-2": "heart-mid",
    }

    def __init__(self, styles: Path | None = None) -> None:
        assets = package() / "assets"
        try:
            alphabet: dict[str, int] = json.loads((assets / "vocab.json").read_text("utf-8"))
            self._network = Network((assets / "hibari.onnx").read_bytes(), alphabet, _LENGTHS)
            self._reader = self._british = Reader(alphabet)
            if styles is not None:
                self._british = Reader(alphabet, british=True)
                self._kokoro = Kokoro(styles, alphabet)
                self.voices = {**self.voices, **self._kokoro.voices}
        except (ImportError, OSError) as error:
            raise RuntimeError(f"hibari cannot be loaded: {error}") from None
        threads = max(1, min(_MOST_THREADS, os.cpu_count() or 1))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hibari")

    def speakable(self, text: str) -> str:
        """hibari reads numbers and symbols itself."""
        return readable(text)

    def beyond(self, voice: str, manner: Manner) -> list[str]:
        """No sound is shorter than 25 ms, so there is a fastest. Kokoro's speakers keep their pitch."""
        timbre = _TIMBRES.get(self.voices[voice])
        fastest = _FASTEST * (timbre.size if timbre else 1.0)
        rate = [f"its rate beyond {fastest:.0%}"] if manner.rate > fastest else []
        return rate if timbre or not manner.pitch else [*rate, "pitch"]

    async def speak(self, sentence: str, voice: str, manner: Manner = PLAIN) -> AsyncGenerator[Piece, None]:
        """Pieces of at most 150 ms, the first when the network has run."""
        own, run = self.voices[voice], self._network.run_options()
        pieces_of = self._pieces if own in _TIMBRES else self._kokoro.pieces
        reader = self._british if own.startswith("b") else self._reader

        def work(emit: Emit, stop: Event) -> None:
            try:
                at = 0.0
                for script in reader.read(sentence, dict(manner.phones)):
                    before = at
                    for piece in pieces_of(script, own, manner, run):
                        if stop.is_set():
                            return
                        at += len(piece.pcm) / RATE
                        emit(replace(piece, timeline=piece.timeline and piece.timeline.later(before)))
            except Exception:
                if not stop.is_set():  # a run that is ended raises
                    raise

        try:
            async with aclosing(pieces_from(self._threads, work)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            run.terminate = True

    def _pieces(self, script: Script, own: str, manner: Manner, run: Any) -> Iterator[Piece]:
        """One run of the network, in one of its own voices."""
        timbre = _TIMBRES[own]
        outputs, edges = self._network.run(script.signs, manner.rate / timbre.size, run)
        spectrum = Spectrum({name: value[0] for name, value in outputs.items()})
        (first, last), (begin, end) = spectrum.audible, spectrum.kept
        frame = HOP / RATE  # seconds
        times = (np.clip(edges, first * frame, last * frame) - begin * frame) / timbre.size
        gain = np.float32(10 ** ((timbre.gain + manner.gain) / 20))
        told: Timeline | None = script.timeline(times.tolist(), (end - begin) * frame / timbre.size)
        for sound in resized(spectrum.sound(timbre.pitch / timbre.size, manner.pitch / timbre.size), timbre.size):
            yield Piece(limited(sound * gain), told)
            told = None

    async def aclose(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def resized(sound: Iterator[Floats], size: float) -> Iterator[Floats]:
    """The pieces of ``sound``, made ``1 / size`` times as long and as low."""
    if size == 1.0:
        yield from sound
        return
    stream = soxr.ResampleStream(RATE * size, RATE, 1, dtype="float32")
    for piece in sound:
        if len(made := stream.resample_chunk(piece)):
            yield made
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def package() -> Path:
    """Where hibari-tts lies; nothing of it is imported.

    Raises ``RuntimeError`` if it is missing, or another than the one that was tried: that may be built differently.
    """
    found = find_spec("hibari")
    if found is None or found.origin is None:
        raise RuntimeError("the package hibari-tts is not installed")
    folder, whole = Path(found.origin).parent, hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".gz", ".json", ".onnx")):
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    if whole.hexdigest() != _DIGEST:
        raise RuntimeError(f"{folder} is not hibari-tts 0.2.1, which was tried")
    return folder
