"""Speech to train the lips on, made here: three synthesisers that tell when each sound of speech begins and ends.

hibari is her own voice, flite speaks where hibari cannot, espeak-ng gives many voices. The last two are C libraries
with global state, and espeak-ng is GPLv3. So all run in processes of their own (:func:`workers`).
"""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from pipelines.embedded.face.features import RATE
from pipelines.embedded.face.visemes import Phone, plain
from pipelines.embedded.speech.voice.hibari import HibariEngine
from pipelines.embedded.speech.voice.voices import Manner, Piece

LEAD_IN, LEAD_OUT = 0.3, 0.5
"""Seconds of silence before and after each clip, so that the network learns what rest is."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A text in a voice such as ``espeak:en-us+f3`` or ``hibari:heart``; ``pace`` and ``pitch`` are relative to 1."""

    text: str
    voice: str
    pace: float = 1.0
    pitch: float = 1.0


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound at :data:`RATE`, float32 in -1..1, shape ``(n,)``, with the times of its phones, which leave no gaps."""

    saying: Saying
    sound: NDArray[np.float32]
    phones: tuple[Phone, ...]

    @property
    def seconds(self) -> float:
        return len(self.sound) / RATE


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that run :func:`say`."""
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def say(saying: Saying) -> Clip:
    """Synthesises one clip; raises ``RuntimeError`` if the voice or its library is missing. Runs in a worker."""
    engine, _, voice = saying.voice.partition(":")
    speak = {"espeak": _espeak, "flite": _flite, "hibari": _hibari}[engine]
    pcm, rate, phones = speak(saying, voice)
    sound = soxr.resample(pcm.astype(np.float32) / 32768.0, rate, RATE)
    sound = np.concatenate([np.zeros(int(LEAD_IN * RATE)), sound, np.zeros(int(LEAD_OUT * RATE))]).astype(np.float32)
    shifted = [Phone(p.start + LEAD_IN, p.end + LEAD_IN, p.name) for p in phones]
    ends = shifted[-1].end if shifted else LEAD_IN
    phones = [Phone(0.0, LEAD_IN, ""), *shifted, Phone(ends, len(sound) / RATE, "")]
    return Clip(saying, sound, tuple(_without_doubled_silence(phones)))


def _without_doubled_silence(phones: list[Phone]) -> Iterator[Phone]:
    for silent, group in groupby(phones, key=lambda phone: not plain(phone.name)):
        some = list(group)
        yield from [Phone(some[0].start, some[-1].end, "")] if silent else some


def save(clips: Sequence[Clip], path: Path) -> None:
    """Writes clips to a file that :func:`load` reads, their sound as int16."""
    phones = [phone for clip in clips for phone in clip.phones]
    np.savez_compressed(
        path,
        said=np.array([(clip.saying.text, clip.saying.voice) for clip in clips]),
        sound=np.concatenate([(clip.sound * 32768.0).clip(-32768, 32767).astype(np.int16) for clip in clips]),
        samples=np.array([len(clip.sound) for clip in clips]),
        times=np.array([(phone.start, phone.end) for phone in phones], np.float32),
        names=np.array([phone.name for phone in phones]),
        phones=np.array([len(clip.phones) for clip in clips]),
    )


def load(path: Path) -> list[Clip]:
    """The clips of a file; raises ``OSError`` if it cannot be read."""
    with np.load(path) as kept:
        sounds = np.split(kept["sound"].astype(np.float32) / 32768.0, np.cumsum(kept["samples"])[:-1])
        phones = [Phone(float(a), float(b), str(c)) for (a, b), c in zip(kept["times"], kept["names"], strict=True)]
        counts = kept["phones"].tolist()
        each = zip(kept["said"], sounds, np.cumsum(counts).tolist(), counts, strict=True)
        return [
            Clip(Saying(str(text), str(voice)), sound, tuple(phones[end - count : end]))
            for (text, voice), sound, end, count in each
        ]


Spoken = tuple[NDArray[np.int16], int, list[Phone]]

# --- hibari ----------------------------------------------------------------------------------------------------------

_REDUCED = frozenset(["a", "am", "an", "and", "as", "at", "can", "had", "has", "have"])
"""Words whose æ or ɐ hibari's lexicon spells, and its voice does not say."""
_SHIFT = 60.0
"""Hz by which a pitch of 2 is above one of 1: a third of hers."""


def _hibari(saying: Saying, voice: str) -> Spoken:
    """The embedded voice itself, as clients hear it. Its times are rough: see :mod:`benchmarks.assets.alignment`."""
    if "hibari" not in _engines:
        _engines["hibari"] = HibariEngine()
    engine: HibariEngine = _engines["hibari"]
    name = next(riva for riva, own in engine.voices.items() if own == voice)
    manner = Manner(rate=saying.pace, pitch=_SHIFT * (saying.pitch - 1))

    async def pieces() -> list[Piece]:
        return [piece async for piece in engine.speak(saying.text, name, manner)]

    made = asyncio.run(pieces())
    phones: list[Phone] = []
    for timeline in (piece.timeline for piece in made if piece.timeline):
        for phone in timeline.phones:
            weak = phone.word >= 0 and timeline.words[phone.word].lower() in _REDUCED
            phones.append(Phone(phone.start, phone.end, "ə" if weak and phone.name in "æɐ" else plain(phone.name)))
    return np.concatenate([piece.pcm for piece in made]), engine.rate, phones


# --- espeak-ng -------------------------------------------------------------------------------------------------------


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_ESPEAK_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_SYNCHRONOUS, _PHONEME_EVENTS, _IPA, _NEVER_EXIT = 2, 0x0001, 0x0002, 0x8000
_EVENT_END, _EVENT_PHONEME = 0, 7
_PARAMETER_RATE, _PARAMETER_PITCH = 1, 3
_UTF8 = 1
_WORDS_A_MINUTE, _PITCH = 165, 50


class _Espeak:
    """espeak-ng in this process, from the ``espeakng-loader`` wheel."""

    def __init__(self) -> None:
        import espeakng_loader  # noqa: PLC0415 - only in a worker

        self._pcm: list[NDArray[np.int16]] = []
        self._starts: list[tuple[int, str]] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._callback = _ESPEAK_CALLBACK(self._heard)  # kept, or the library would call freed memory
        data = espeakng_loader.get_data_path().encode()
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _PHONEME_EVENTS | _IPA | _NEVER_EXIT)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng could not load its data")
        self._library.espeak_SetSynthCallback(self._callback)

    def _heard(self, wav: Any, count: int, events: Any) -> int:
        if wav and count > 0:
            self._pcm.append(np.ctypeslib.as_array(wav, (count,)).copy())
        i = 0
        while events[i].type != _EVENT_END:
            if events[i].type == _EVENT_PHONEME:
                name = bytes(events[i].id.string).split(b"\0")[0].decode("utf-8", "replace")
                self._starts.append((events[i].sample, name))
            i += 1
        return 0

    def say(self, saying: Saying, voice: str) -> Spoken:
        self._pcm.clear()
        self._starts.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(_PARAMETER_RATE, round(_WORDS_A_MINUTE * saying.pace), 0)
        self._library.espeak_SetParameter(_PARAMETER_PITCH, round(_PITCH * saying.pitch), 0)
        text = saying.text.encode()
        self._library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        pcm = np.concatenate(self._pcm) if self._pcm else np.zeros(0, np.int16)
        starts = sorted(self._starts, key=lambda start: start[0])
        ends = [sample for sample, _ in starts[1:]] + [len(pcm)]
        phones = [
            Phone(start / self.rate, end / self.rate, name)
            for (start, name), end in zip(starts, ends, strict=True)
            if end > start
        ]
        return pcm, self.rate, phones


_engines: dict[str, Any] = {}


def _espeak(saying: Saying, voice: str) -> Spoken:
    if "espeak" not in _engines:
        _engines["espeak"] = _Espeak()
    spoken: Spoken = _engines["espeak"].say(saying, voice)
    return spoken


# --- flite -----------------------------------------------------------------------------------------------------------

_FLITE_PHONES = {
    "aa": "ɑː", "ae": "æ", "ah": "ʌ", "ao": "ɔː", "aw": "aʊ", "ax": "ə", "ay": "aɪ", "b": "b", "ch": "tʃ", "d": "d",
    "dh": "ð", "eh": "ɛ", "er": "ɜː", "ey": "eɪ", "f": "f", "g": "ɡ", "hh": "h", "ih": "ɪ", "iy": "iː", "jh": "dʒ",
    "k": "k", "l": "l", "m": "m", "n": "n", "ng": "ŋ", "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s",
    "sh": "ʃ", "t": "t", "th": "θ", "uh": "ʊ", "uw": "uː", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
}  # fmt: skip
"""flite's American phone set in IPA; ``pau`` is silence."""


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class _Flite:
    """flite in this process, from the system's ``libflite1``."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise RuntimeError("flite is not installed; on Debian and Ubuntu: apt install libflite1") from error
        pointer = ctypes.c_void_p
        for name, result, arguments in (
            ("flite_synth_text", pointer, [ctypes.c_char_p, pointer]),
            ("utt_wave", ctypes.POINTER(_Wave), [pointer]),
            ("utt_relation", pointer, [pointer, ctypes.c_char_p]),
            ("relation_head", pointer, [pointer]),
            ("item_next", pointer, [pointer]),
            ("item_feat_string", ctypes.c_char_p, [pointer, ctypes.c_char_p]),
            ("item_feat_float", ctypes.c_float, [pointer, ctypes.c_char_p]),
            ("feat_set_float", None, [pointer, ctypes.c_char_p, ctypes.c_float]),
            ("delete_utterance", None, [pointer]),
        ):
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._library.flite_init()
        self._voices: dict[str, tuple[int, ctypes.c_void_p]] = {}

    def _voice(self, name: str) -> tuple[int, ctypes.c_void_p]:
        """The voice and its features: the first field of flite's voice structure after the name."""
        if name not in self._voices:
            library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1", mode=ctypes.RTLD_GLOBAL)
            register = getattr(library, f"register_cmu_us_{name}")
            register.restype, register.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
            voice = register(None)
            features = ctypes.cast(voice, ctypes.POINTER(ctypes.c_void_p))[1]
            self._voices[name] = voice, ctypes.c_void_p(features)
        return self._voices[name]

    def say(self, saying: Saying, voice: str) -> Spoken:
        handle, features = self._voice(voice)
        self._library.feat_set_float(features, b"duration_stretch", 1.0 / saying.pace)
        utterance = self._library.flite_synth_text(saying.text.encode("ascii", "ignore"), handle)
        try:
            wave = self._library.utt_wave(utterance).contents
            pcm = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).copy()
            phones = []
            start = 0.0
            item = self._library.relation_head(self._library.utt_relation(utterance, b"Segment"))
            while item:
                end = self._library.item_feat_float(item, b"end")
                name = self._library.item_feat_string(item, b"name").decode()
                phones.append(Phone(start, end, _FLITE_PHONES.get(name, "")))
                start, item = end, self._library.item_next(item)
            return pcm, wave.sample_rate, phones
        finally:
            self._library.delete_utterance(utterance)


def _flite(saying: Saying, voice: str) -> Spoken:
    if "flite" not in _engines:
        _engines["flite"] = _Flite()
    spoken: Spoken = _engines["flite"].say(saying, voice)
    return spoken
