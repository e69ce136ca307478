"""flite's clustergen voices through ctypes: streamed sound and every sound's time before the first sample leaves.

Needs ``libflite.so.1`` and its voices (Debian's and Ubuntu's ``libflite1``). ctypes releases the GIL while flite
works; flite's streaming state belongs to the voice, so each voice has one thread, which is its lock.
"""

from __future__ import annotations

import ctypes as c
import re
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import numpy as np

from pipelines.embedded.speech.voice.shaping import Shaper, Tone
from pipelines.embedded.speech.voice.speakable import speakable
from pipelines.embedded.speech.voice.threaded import Emit, pieces_from
from pipelines.embedded.speech.voice.voices import PLAIN, Manner, Phone, Piece, Timeline
from sophia.audio import Pcm

RATE = 16_000

_VOICES = {
    "English-US.Female-1": "slt",
    "English-US.Male-1": "rms",
    "English-US.Male-2": "awb",
}

# Gains bring the voices to about -18 dBFS over their voiced 20 ms frames. slt is dull: her spectrum falls some 5 dB
# too fast above 2.5 kHz, next to recorded speech.
_TONES = {"slt": Tone(gain_db=-4.4, shelf_db=5.0), "rms": Tone(gain_db=2.2), "awb": Tone(gain_db=0.2)}

_USUAL_HERTZ = {"slt": 170.0, "awb": 128.0}
"""The voices' median pitch; rms has no way to change its own."""

_LOWEST_SHIFT, _HIGHEST_SHIFT = 0.5, 2.0

# flite keeps the pointers to these names, and ends the process where one has gone: they live as long as the module.
_TOKEN_FEATURES = (b"name", b"whitespace", b"prepunctuation", b"punc")
_PHONES, _STRETCH, _SHIFT = b"phones", b"duration_stretch", b"f0_shift"

_TOKEN = re.compile(r"([\"'`({\[]*)(.*?)([\"'`.,:;!?(){}\[\]]*)")
"""A word between the signs that flite's own tokeniser takes off it."""

_LEAD_KEPT = 0.02
_TAIL_KEPT = 0.1
"""Seconds of the silence around a sentence that stay; flite adds about 165 ms before and 265 ms after."""

_MIN_BUFFER = 256  # samples; makes flite call back every 320 samples, 20 ms


class _Wave(c.Structure):
    _fields_ = (
        ("type", c.c_char_p),
        ("sample_rate", c.c_int),
        ("num_samples", c.c_int),
        ("num_channels", c.c_int),
        ("samples", c.POINTER(c.c_short)),
    )


class _StreamingInfo(c.Structure):
    pass


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(_Wave), c.c_int, c.c_int, c.c_int, c.POINTER(_StreamingInfo))
_StreamingInfo._fields_ = (
    ("min_buffsize", c.c_int),
    ("asc", _Callback),
    ("utt", c.c_void_p),
    ("item", c.c_void_p),
    ("userdata", c.c_void_p),
)


class _Voice(c.Structure):
    _fields_ = (("name", c.c_char_p), ("features", c.c_void_p))


class _Library:
    """The few functions of flite that are used, typed."""

    def __init__(self) -> None:
        self._flite = c.CDLL("libflite.so.1", mode=c.RTLD_GLOBAL)
        for name in ("usenglish", "cmulex"):
            c.CDLL(f"libflite_{name}.so.1", mode=c.RTLD_GLOBAL)
        self.new_streaming_info = self._typed("new_audio_streaming_info", c.POINTER(_StreamingInfo))
        self.streaming_info_value = self._typed("audio_streaming_info_val", c.c_void_p, c.POINTER(_StreamingInfo))
        self.set_feature = self._typed("flite_feat_set", None, c.c_void_p, c.c_char_p, c.c_void_p)
        self.synth_text = self._typed("flite_synth_text", c.c_void_p, c.c_char_p, c.POINTER(_Voice))
        self.delete_utterance = self._typed("delete_utterance", None, c.c_void_p)
        self.relation = self._typed("utt_relation", c.c_void_p, c.c_void_p, c.c_char_p)
        self.head = self._typed("relation_head", c.c_void_p, c.c_void_p)
        self.next = self._typed("item_next", c.c_void_p, c.c_void_p)
        self.set_number = self._typed("flite_feat_set_float", None, c.c_void_p, c.c_char_p, c.c_float)
        self.new_utterance = self._typed("new_utterance", c.c_void_p)
        self.new_relation = self._typed("utt_relation_create", c.c_void_p, c.c_void_p, c.c_char_p)
        self.append = self._typed("relation_append", c.c_void_p, c.c_void_p, c.c_void_p)
        self.set_text = self._typed("item_set_string", None, c.c_void_p, c.c_char_p, c.c_char_p)
        self.do_synth = self._typed("flite_do_synth", c.c_void_p, c.c_void_p, c.POINTER(_Voice), c.c_void_p)
        self.synth_tokens = c.cast(self._flite.utt_synth_tokens, c.c_void_p)
        self.text_of = self._typed("flite_ffeature_string", c.c_char_p, c.c_void_p, c.c_char_p)
        self.number_of = self._typed("flite_ffeature_float", c.c_float, c.c_void_p, c.c_char_p)
        self._typed("flite_init", c.c_int)()

    def _typed(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._flite, name)
        function.restype, function.argtypes = result, arguments
        return function

    def voice(self, name: str) -> Any:
        """Loads and registers a voice; its structure lives as long as the process."""
        register = getattr(c.CDLL(f"libflite_cmu_us_{name}.so.1", mode=c.RTLD_GLOBAL), f"register_cmu_us_{name}")
        register.restype, register.argtypes = c.POINTER(_Voice), (c.c_char_p,)
        return register(None)

    def synth_words(self, words: list[str], phones: dict[int, str], voice: Any) -> int:
        """Speaks ``words`` like the text that they make, but those in ``phones`` with the sounds given there."""
        utterance = self.new_utterance()
        tokens = self.new_relation(utterance, b"Token")
        for at, word in enumerate(words):
            parts = _TOKEN.fullmatch(word)
            assert parts is not None  # each of its parts may be empty
            before, core, after = parts.groups()
            token = self.append(tokens, None)
            for name, value in zip(_TOKEN_FEATURES, (core, " ", before, after), strict=True):
                self.set_text(token, name, value.encode("ascii", "ignore"))
            if at in phones:
                self.set_text(token, _PHONES, phones[at].encode())
        return int(self.do_synth(utterance, voice, self.synth_tokens) or 0)

    def timeline(self, utterance: int) -> Timeline:
        """The sounds of an utterance that is being synthesised, times from flite's first sample."""
        phones: list[Phone] = []
        words: list[str] = []
        begin = 0.0
        item = self.head(self.relation(utterance, b"Segment"))
        while item:
            end = float(self.number_of(item, b"end"))
            word = self._feature(item, b"R:SylStructure.parent.parent.name")
            if word and not (
                self._feature(item, b"R:SylStructure.p.name")
                or self._feature(item, b"R:SylStructure.parent.p.daughter.name")
            ):  # first sound of the first syllable: a new word, even if it is called like the last one
                words.append(word)
            phones.append(Phone(self._feature(item, b"name"), begin, end, len(words) - 1 if word else -1))
            begin = end
            item = self.next(item)
        return Timeline(tuple(phones), tuple(words))

    def _feature(self, item: int, path: bytes) -> str:
        """A feature as text; empty for flite's "0", which means that there is no such thing."""
        value = (self.text_of(item, path) or b"0").decode("ascii", "replace")
        return "" if value == "0" else value


class _FliteVoice:
    """One voice: its thread, its streaming callback, its tone. All but ``__init__`` run on its thread."""

    def __init__(self, library: _Library, name: str) -> None:
        self._library = library
        self._voice = library.voice(name)
        self._tone = _TONES[name]
        self._hertz = _USUAL_HERTZ.get(name)
        self._callback = _Callback(self._on_sound)  # flite keeps only the pointer: this keeps it alive
        self._sink: Callable[[Pcm, int, int], bool] = lambda *_: False
        info = library.new_streaming_info()
        info.contents.min_buffsize = _MIN_BUFFER
        info.contents.asc = self._callback
        self._features = self._voice.contents.features
        library.set_feature(self._features, b"streaming_info", library.streaming_info_value(info))
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=f"flite-{name}")

    @property
    def has_pitch(self) -> bool:
        """Whether the voice follows a pitch."""
        return self._hertz is not None

    def synthesize(self, sentence: str, manner: Manner, emit: Emit, stop: threading.Event) -> None:
        """Speaks a sentence of plain ASCII, handing out pieces; returns early once ``stop`` is set."""
        shaper = Shaper(replace(self._tone, gain_db=self._tone.gain_db + manner.gain))
        shift = 1.0 if self._hertz is None else 1.0 + manner.pitch / self._hertz
        self._library.set_number(self._features, _STRETCH, 1.0 / manner.rate)
        self._library.set_number(self._features, _SHIFT, min(_HIGHEST_SHIFT, max(_LOWEST_SHIFT, shift)))
        timeline: Timeline | None = None
        first, last = 0, 0  # flite's samples that are kept

        def sink(pcm: Pcm, start: int, utterance: int) -> bool:
            nonlocal timeline, first, last
            if stop.is_set():
                return False
            told = None
            if timeline is None:
                timeline, first, last = _trimmed(self._library.timeline(utterance))
                told = timeline
            kept = pcm[max(0, first - start) : max(0, last - start)]
            if told is not None or len(kept):
                emit(Piece(shaper.shape(kept), told))
            return True

        self._sink = sink
        try:
            if manner.phones:
                utterance = self._library.synth_words(sentence.split(), dict(manner.phones), self._voice)
            else:
                utterance = self._library.synth_text(sentence.encode("ascii", "ignore"), self._voice)
            if utterance:
                self._library.delete_utterance(utterance)
            if timeline is not None and not stop.is_set():
                emit(Piece(shaper.finish()))
        finally:
            self._sink = lambda *_: False

    def _on_sound(self, wave: Any, start: int, size: int, _last: int, info: Any) -> int:
        samples = np.ctypeslib.as_array(wave.contents.samples, shape=(start + size,))
        return 0 if self._sink(samples[start:].copy(), start, info.contents.utt) else -1


def _trimmed(timeline: Timeline) -> tuple[Timeline, int, int]:
    """The timeline without the silence around the sentence, and the first and last sample that stay."""
    spoken = [p for p in timeline.phones if p.word >= 0]
    if not spoken:
        return Timeline(), 0, 0
    begin = max(0.0, spoken[0].start - _LEAD_KEPT)
    end = min(timeline.phones[-1].end, spoken[-1].end + _TAIL_KEPT)
    phones = [
        Phone(p.name, max(p.start, begin) - begin, min(p.end, end) - begin, p.word)
        for p in timeline.phones
        if p.end > begin and p.start < end
    ]
    return Timeline(tuple(phones), timeline.words), round(begin * RATE), round(end * RATE)


class FliteEngine:
    """The :class:`~.voices.Engine` of flite. Raises ``OSError`` when the library or a voice is missing."""

    name = "flite"
    rate = RATE
    voices: Mapping[str, str] = _VOICES

    def __init__(self) -> None:
        library = _Library()
        self._voices = {name: _FliteVoice(library, own) for name, own in _VOICES.items()}

    def speakable(self, text: str) -> str:
        """flite reads plain ASCII."""
        return speakable(text)

    def beyond(self, voice: str, manner: Manner) -> list[str]:
        """One of the voices has a pitch of its own."""
        return ["pitch"] if manner.pitch and not self._voices[voice].has_pitch else []

    async def speak(self, sentence: str, voice: str, manner: Manner = PLAIN) -> AsyncGenerator[Piece, None]:
        """Pieces as flite makes them, the first after about 20 ms."""
        flite = self._voices[voice]

        def work(emit: Emit, stop: threading.Event) -> None:
            flite.synthesize(sentence, manner, emit, stop)

        async with aclosing(pieces_from(flite.thread, work)) as pieces:
            async for piece in pieces:
                yield piece

    async def aclose(self) -> None:
        for voice in self._voices.values():
            voice.thread.shutdown(wait=False, cancel_futures=True)
