"""Silero's network on many windows at once, in arrays that are kept: what live sound is judged by.

It computes what :meth:`sophia.silero_network.SileroNetwork.forward` does, to 1e-5, in half the time. A window's last
bits depend on how many others are judged beside it, which is why simulations take ``forward``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sophia.audio import Pcm
from sophia.silero_network import BINS, CONTEXT, DFT, HIDDEN, HOP, SPECTRA, WINDOW, Floats, SileroNetwork

_SEEN = CONTEXT + WINDOW
_ONE_BY_ONE = 4  # from so many windows on, BLAS is quicker with the gates of all in one product
_HALF = np.float32(0.5)


class SileroBatch:
    """The network on up to ``room`` windows; 32 of them, with the weights, fit into a core's second cache."""

    def __init__(self, network: SileroNetwork, room: int = 32) -> None:
        self.room = room

        def zeros(*shape: int) -> Floats:
            return np.zeros((room, *shape), np.float32)

        def sliding(array: Floats, outputs: int, length: int, step: int) -> Floats:
            """Overlapping pieces of ``length`` values, ``step`` values apart, of each row."""
            row, item = array.strides[0], array.itemsize
            return as_strided(array, (room, outputs, length), (row, step * item, item))

        self._pcm = np.zeros((room, _SEEN), np.int16)
        self._memory = zeros(2 * HIDDEN)  # hidden, then cell
        self._sound = zeros(_SEEN + CONTEXT)
        self._pieces = sliding(self._sound, SPECTRA, DFT, HOP)
        self._windowed = zeros(SPECTRA, DFT)
        self._spectra = zeros(SPECTRA + 2, BINS)  # with a column of padding on either side
        self._seen1 = sliding(self._spectra, SPECTRA, 3 * BINS, BINS)
        self._columns1 = zeros(SPECTRA, 3 * BINS + 1)
        self._columns1[:, :, -1] = 1  # meets the bias
        self._layer1 = zeros(SPECTRA, 128)
        self._padded2 = zeros(SPECTRA + 1, 128)
        self._seen2 = sliding(self._padded2, 2, 3 * 128, 2 * 128)
        self._columns2 = zeros(2, 3 * 128)
        self._layer2 = zeros(2, 64)
        self._layer3 = zeros(64)
        self._layer4 = zeros(128)
        self._gated = zeros(2 * HIDDEN)  # what the gates see: layer 4, then hidden
        self._gates = zeros(4 * HIDDEN)
        self._spare = zeros(HIDDEN)

        n = network
        self._window = n.hann / np.float32(32768)
        self._conv1 = np.vstack([n.conv1, n.bias1])
        self._conv2, self._conv3, self._conv4 = n.conv2, n.conv3, n.conv4
        self._bias2, self._bias3, self._bias4 = n.bias2, n.bias3, n.bias4
        # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: with three gates halved beforehand, one tanh does for all four.
        enter, forget, candidate, leave = np.split(np.arange(4 * HIDDEN), 4)
        order = np.concatenate([enter, forget, leave, candidate])
        halved = np.repeat(np.array([0.5, 0.5, 0.5, 1.0], np.float32), HIDDEN)
        self._weights = np.ascontiguousarray(n.gates[:, order] * halved)
        self._bias = n.gates_bias[order] * halved
        self._head, self._head_bias = n.head * _HALF, np.float32(n.head_bias) * _HALF

    def judge(self, windows: Sequence[Pcm], memories: Sequence[Floats]) -> tuple[list[float], Floats]:
        """Judges one window of each of 1 to ``room`` streams.

        A window is 576 int16 samples, 64 of context first; a memory is 256 values, hidden and then cell. Returns the
        speech probabilities, and the new memories, ``(n, 256)``, which the next call overwrites.
        """
        n = len(windows)
        memory = self._memory[:n]
        np.concatenate(windows, out=self._pcm[:n].reshape(-1))
        np.concatenate(memories, out=memory.reshape(-1))
        hidden, cell = memory[:, :HIDDEN], memory[:, HIDDEN:]
        seen = self._gated[:n]
        self._encode(n, seen[:, :HIDDEN])
        seen[:, HIDDEN:] = hidden

        gates = self._gates[:n]
        if n < _ONE_BY_ONE:
            np.matmul(seen[:, None], self._weights, out=gates[:, None])
        else:
            np.matmul(seen, self._weights, out=gates)
        gates += self._bias
        np.tanh(gates, out=gates)
        sigmoids = gates[:, : 3 * HIDDEN]
        sigmoids *= _HALF
        sigmoids += _HALF
        enter, forget = gates[:, :HIDDEN], gates[:, HIDDEN : 2 * HIDDEN]
        leave, candidate = gates[:, 2 * HIDDEN : 3 * HIDDEN], gates[:, 3 * HIDDEN :]
        cell *= forget
        enter *= candidate
        cell += enter
        spare = self._spare[:n]
        np.tanh(cell, out=spare)
        np.multiply(leave, spare, out=hidden)
        np.maximum(hidden, 0, out=spare)
        speech = np.tanh(spare @ self._head + self._head_bias)
        return [0.5 * value + 0.5 for value in speech.tolist()], memory

    def _encode(self, n: int, into: Floats) -> None:
        """The four convolutions over the windows in ``_pcm``; ``into`` has shape ``(n, 128)``."""
        sound = self._sound[:n]
        sound[:, :_SEEN] = self._pcm[:n]
        sound[:, _SEEN:] = sound[:, _SEEN - 2 : _SEEN - 2 - CONTEXT : -1]  # mirrored at the end
        windowed = np.multiply(self._pieces[:n], self._window, out=self._windowed[:n])
        np.abs(np.fft.rfft(windowed), out=self._spectra[:n, 1:-1])

        columns1 = self._columns1[:n]
        columns1[:, :, :-1] = self._seen1[:n]
        layer1 = self._layer1[:n]
        np.matmul(columns1.reshape(SPECTRA * n, -1), self._conv1, out=layer1.reshape(SPECTRA * n, -1))
        np.maximum(layer1, 0, out=self._padded2[:n, 1:])

        columns2 = self._columns2[:n]
        columns2[:] = self._seen2[:n]
        layer2 = self._layer2[:n]
        np.matmul(columns2.reshape(2 * n, -1), self._conv2, out=layer2.reshape(2 * n, -1))
        layer2 += self._bias2
        np.maximum(layer2, 0, out=layer2)

        layer3 = np.matmul(layer2.reshape(n, -1), self._conv3, out=self._layer3[:n])
        layer3 += self._bias3
        np.maximum(layer3, 0, out=layer3)

        layer4 = np.matmul(layer3, self._conv4, out=self._layer4[:n])
        layer4 += self._bias4
        np.maximum(layer4, 0, out=into)
