"""The user's own models through sherpa-onnx: a streaming transducer for the ears, a VITS or Kokoro voice.

An extra (``.venv/bin/python -m pip install -e '.[sherpa]'``). Models are folders as sherpa-onnx' own releases unpack;
which files are what is found by name. sherpa-onnx releases the GIL, so streams run in threads and share one model.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.embedded.speech.ears.hypothesis import HeardWord, Hypothesis
from pipelines.embedded.speech.voice.shaping import Shaper, Tone
from pipelines.embedded.speech.voice.speakable import speakable
from pipelines.embedded.speech.voice.voices import DEFAULT_VOICE, PLAIN, Manner, Piece, Timeline

_RATE = 16_000
_THREADS = 2
_TAIL = np.zeros(int(0.5 * _RATE), np.float32)
"""Silence that flushes a streaming model's right context at the end of an utterance."""


def _sherpa() -> Any:
    try:
        import sherpa_onnx  # noqa: PLC0415  # an extra
    except ImportError:
        raise RuntimeError(
            "models of your own need sherpa-onnx: .venv/bin/python -m pip install -e '.[sherpa]'"
        ) from None
    return sherpa_onnx


def find(folder: Path, *patterns: str) -> Path:
    """The file in ``folder`` that matches the first pattern that any file matches; int8 only if there is no other.

    Raises ``RuntimeError`` naming what is missing.
    """
    if not folder.is_dir():
        raise RuntimeError(f"{folder} is not a folder with a model")
    for pattern in patterns:
        found = sorted(folder.glob(pattern), key=lambda path: (".int8." in path.name, path.name))
        if found:
            return found[0]
    raise RuntimeError(f"{folder} holds no {' or '.join(patterns)}; it should hold a model as sherpa-onnx releases it")


def recognizer_files(folder: Path) -> dict[str, str]:
    """A streaming transducer's files as ``OnlineRecognizer.from_transducer`` names them."""
    return {
        "tokens": str(find(folder, "tokens.txt")),
        "encoder": str(find(folder, "encoder*.onnx", "*encoder*.onnx")),
        "decoder": str(find(folder, "decoder*.onnx", "*decoder*.onnx")),
        "joiner": str(find(folder, "joiner*.onnx", "*joiner*.onnx")),
    }


def voice_files(folder: Path) -> tuple[str, dict[str, str]]:
    """``"kokoro"`` or ``"vits"`` and the files of the voice, as sherpa-onnx names them."""
    files = {"model": str(find(folder, "model*.onnx", "*.onnx")), "tokens": str(find(folder, "tokens.txt"))}
    if (folder / "espeak-ng-data").is_dir():
        files["data_dir"] = str(folder / "espeak-ng-data")
    lexicons = sorted(folder.glob("lexicon*.txt"))
    if lexicons:
        files["lexicon"] = ",".join(str(path) for path in lexicons)
    if not ("data_dir" in files or "lexicon" in files):
        raise RuntimeError(f"{folder} holds neither espeak-ng-data nor lexicon.txt: the voice cannot read words")
    if (folder / "voices.bin").is_file():
        return "kokoro", {"data_dir": "", **files, "voices": str(folder / "voices.bin")}
    return "vits", files


class SherpaRecognizer:
    """A streaming transducer, loaded once. Raises ``RuntimeError`` naming what is wrong with the folder."""

    def __init__(self, folder: Path) -> None:
        files = recognizer_files(folder)
        self._recognizer = _sherpa().OnlineRecognizer.from_transducer(
            **files, num_threads=_THREADS, sample_rate=_RATE, feature_dim=80, enable_endpoint_detection=False
        )

    def transcriber(self) -> SherpaTranscriber:
        """One stream's recogniser."""
        return SherpaTranscriber(self._recognizer)


class SherpaTranscriber:
    """A :class:`~.listening.Transcriber`: one pass, good enough to be final."""

    memory: str | None = ""  # nothing to learn and nothing to wait for
    writes = False

    def __init__(self, recognizer: Any) -> None:
        self._recognizer = recognizer
        self._stream: Any = None
        self._fed = 0
        self.looks = 0

    def start(self) -> None:
        self._stream = self._recognizer.create_stream()
        self._fed = 0

    def feed(self, pcm: bytes) -> None:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0
        self._fed += len(samples)
        self._decode(samples)
        self.looks += 1

    def text(self, deadline: float) -> str:
        return " ".join(str(self._recognizer.get_result(self._stream)).lower().split()) if self._stream else ""

    def speculate(self, pcm: bytes) -> None:
        """There is no second pass."""

    def second_pass(self, deadline: float) -> Hypothesis | None:
        return None

    def resume(self) -> None:
        """There is nothing to drop."""

    def end(self) -> Hypothesis:
        self._decode(_TAIL)
        self._stream.input_finished()
        while self._recognizer.is_ready(self._stream):
            self._recognizer.decode_stream(self._stream)
        result = self._recognizer.get_result_all(self._stream)
        words = _words(list(result.tokens), [float(t) for t in result.timestamps], 1000 * self._fed // _RATE)
        self._stream = None
        return Hypothesis(words, 1.0 if words else 0.0)

    def abandon(self) -> None:
        self._stream = None

    def _decode(self, samples: Any) -> None:
        self._stream.accept_waveform(_RATE, samples)
        while self._recognizer.is_ready(self._stream):
            self._recognizer.decode_stream(self._stream)


def _words(tokens: list[str], starts: list[float], end: int) -> tuple[HeardWord, ...]:
    """Words from subword tokens, a word beginning where a token begins with a space (or its mark U+2581)."""
    words: list[tuple[str, int]] = []
    for token, start in zip(tokens, starts, strict=False):
        piece = token.replace("\u2581", " ")
        if piece.startswith(" ") or not words:
            words.append((piece.strip(), round(1000 * start)))
        else:
            words[-1] = (words[-1][0] + piece, words[-1][1])
    ends = [start for _, start in words[1:]] + [end]
    return tuple(HeardWord(w.lower(), s, max(s, e), 1.0) for (w, s), e in zip(words, ends, strict=False) if w)


class SherpaEngine:
    """The :class:`~.voices.Engine` of the user's own voice."""

    name = "sherpa-onnx"
    voices: Mapping[str, str] = {DEFAULT_VOICE: "0"}

    def __init__(self, folder: Path) -> None:
        kind, files = voice_files(folder)
        s = _sherpa()
        if kind == "kokoro":
            model = s.OfflineTtsModelConfig(kokoro=s.OfflineTtsKokoroModelConfig(**files), num_threads=_THREADS)
        else:
            model = s.OfflineTtsModelConfig(vits=s.OfflineTtsVitsModelConfig(**files), num_threads=_THREADS)
        config = s.OfflineTtsConfig(model=model, max_num_sentences=1)
        if not config.validate():
            raise RuntimeError(f"sherpa-onnx does not accept the voice in {folder}; its message is above")
        self._tts = s.OfflineTts(config)
        self.rate = int(self._tts.sample_rate)
        speakers = max(1, int(self._tts.num_speakers))
        self.voices = {DEFAULT_VOICE: "0"} | {f"English-US.Speaker-{i}": str(i) for i in range(1, speakers)}
        self._turn = asyncio.Lock()

    def speakable(self, text: str) -> str:
        """What such models read is not known; plain words are."""
        return speakable(text)

    def beyond(self, voice: str, manner: Manner) -> list[str]:
        """The models know rates only."""
        asked = {"pitch": manner.pitch, "the pronunciation of single words": manner.phones}
        return [name for name, value in asked.items() if value]

    async def speak(self, sentence: str, voice: str, manner: Manner = PLAIN) -> AsyncGenerator[Piece, None]:
        """Pieces as the model makes them; sherpa-onnx tells no times, so the timeline is empty."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Any] = asyncio.Queue()  # bounded by the sentence
        stop = threading.Event()

        def on_sound(samples: Any, _progress: float) -> int:
            loop.call_soon_threadsafe(pieces.put_nowait, np.array(samples, np.float32))
            return 0 if stop.is_set() else 1  # 0 stops

        def work() -> None:
            try:
                self._tts.generate(sentence, sid=int(self.voices[voice]), speed=manner.rate, callback=on_sound)
            finally:
                loop.call_soon_threadsafe(pieces.put_nowait, None)

        async with self._turn:
            done = loop.run_in_executor(None, work)
            try:
                shaper, first = Shaper(Tone(gain_db=manner.gain)), True
                while (samples := await pieces.get()) is not None:
                    pcm = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)
                    yield Piece(shaper.shape(pcm), Timeline() if first else None)
                    first = False
            finally:
                stop.set()
                await done

    async def aclose(self) -> None:
        """Nothing to close: a synthesis ends with its generator."""
