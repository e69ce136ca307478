"""A network of Kokoro's kind by onnxruntime, with the lengths of its signs laid open: they can be read, and be given.

Such a network knows one pace for a whole clause and rounds each sign's length to 25 ms afterwards. So all short sounds
halve at once between the paces 1.3 and 1.4. A pace for each sign carries what one loses by rounding over to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_UNIT: Final = 0.025
"""Seconds, in whole numbers of which signs are said."""

_PACE, _PACES = b"speed", b"paces"
"""The network's own input, one number, and the one that takes its place, a number for each sign."""

Numbers = NDArray[np.float64]


class Network:
    """An ONNX ``model`` that says signs of ``alphabet``. Any number of threads may run it at once.

    ``lengths`` is the tensor within it that holds each sign's length in units, before its pace and rounding.
    ``threads`` share one run. Raises ``ImportError`` without onnxruntime.
    """

    def __init__(self, model: bytes, alphabet: Mapping[str, int], lengths: str, threads: int = 1) -> None:
        import onnxruntime as ort  # noqa: PLC0415  # 0.2 s that nobody else waits for

        self.run_options = ort.RunOptions
        self._alphabet, self._lengths = alphabet, lengths
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # none may wait busily
        self._session = ort.InferenceSession(opened(model, lengths), options, providers=["CPUExecutionProvider"])
        self._signs = self._session.get_inputs()[0].name
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, signs: str, rate: float, options: Any, **more: Any) -> tuple[dict[str, Any], Numbers]:
        """The outputs by name, and the seconds at which the signs begin and end.

        A ``rate`` of 2 is twice as fast; other rates than 1 take two runs. ``more`` is what else the network wants.
        Setting ``terminate`` of the ``options``, made by ``run_options``, ends a run with an exception.
        """
        ids = np.array([[0, *(self._alphabet[sign] for sign in signs), 0]], np.int64)
        put = {self._signs: ids, "speed": np.ones(1, np.float32), **more}
        outputs, natural = self._run(put, np.ones(ids.shape[1]), options)
        lengths = np.maximum(1.0, np.rint(natural))
        if rate != 1.0:
            lengths = hurried(natural, rate)
            outputs, _ = self._run(put, natural / lengths, options)
        return outputs, np.cumsum(lengths)[:-1] * _UNIT

    def _run(self, put: Mapping[str, Any], paces: Numbers, options: Any) -> tuple[dict[str, Any], Numbers]:
        found = self._session.run(None, {**put, "paces": paces.astype(np.float32)}, options)
        outputs = dict(zip(self._names, found, strict=True))
        return outputs, np.maximum(1e-3, outputs.pop(self._lengths).astype(np.float64)).reshape(-1)


def hurried(natural: Numbers, rate: float) -> Numbers:
    """Lengths of whole units, at least one each, that add up to those of ``natural`` divided by ``rate``."""
    lengths, owed = np.ones_like(natural), 0.0
    for at, length in enumerate(natural):
        owed += length / rate
        lengths[at] = max(1.0, round(owed))
        owed -= lengths[at]
    return lengths


def opened(model: bytes, lengths: str) -> bytes:
    """The ONNX ``model`` with its tensor ``lengths`` as another output, and a pace for each sign as another input.

    Protobuf merges a message with what is appended to it, so the declarations are. The first time that the model names
    the pace is where it divides by it: nodes stand before inputs. Both names are of one length.
    """
    before, _, behind = model.partition(_field(1, _PACE))
    number_for_each = _field(1, b"\x08\x01" + _field(2, _field(1, _field(2, b"signs"))))  # a tensor of float32
    paces = _field(1, _PACES) + _field(2, number_for_each)
    graph = _field(12, _field(1, lengths.encode())) + _field(11, paces)
    return before + _field(1, _PACES) + behind + _field(7, graph)


def _field(number: int, value: bytes) -> bytes:
    """A field of bytes, in protobuf; shorter than 128, so that their length is one byte."""
    return bytes([number << 3 | 2, len(value)]) + value
