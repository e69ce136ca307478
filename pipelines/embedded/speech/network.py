"""hibari's network by onnxruntime, with the lengths of its signs laid open: they can be read, and be given.

The network knows one pace for a whole clause and rounds each sign's length to 25 ms afterwards. So all short sounds
halve at once between the paces 1.3 and 1.4. A pace for each sign carries what one loses by rounding over to the next.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.embedded.speech.vocoder import Spectrum

_LENGTHS: Final = "/Sub_output_0"
"""The tensor within the network that holds each sign's length in units of 25 ms, before its pace and rounding."""

_PACE, _PACES = b"speed", b"paces"
"""The network's own input, one number, and the one that takes its place, a number for each sign."""

Numbers = NDArray[np.float64]


class Network:
    """The network in ``assets``. Any number of threads may run it at once.

    Raises ``ImportError`` or ``OSError`` where onnxruntime or a file is missing.
    """

    def __init__(self, assets: Path) -> None:
        import onnxruntime as ort  # noqa: PLC0415  # 0.2 s that nobody else waits for

        self.alphabet: dict[str, int] = json.loads((assets / "vocab.json").read_text("utf-8"))
        self.run_options = ort.RunOptions
        options = ort.SessionOptions()
        # Sentences are shared among threads, so one of them needs no more than one, and none may wait busily.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = opened((assets / "hibari.onnx").read_bytes())
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, signs: str, rate: float, options: Any) -> tuple[Spectrum, Numbers]:
        """The spectrum, and how many of its frames belong to the silence before, to each sign, to the silence behind.

        A ``rate`` of 2 is twice as fast; other rates than 1 take two runs. Setting ``terminate`` of the ``options``,
        made by ``run_options``, ends a run with an exception.
        """
        ids = np.array([[0, *(self.alphabet[sign] for sign in signs), 0]], np.int64)
        spectrum, natural = self._run(ids, np.ones(ids.shape[1]), options)
        lengths = np.maximum(1.0, np.rint(natural))
        if rate != 1.0:
            lengths = hurried(natural, rate)
            spectrum, _ = self._run(ids, natural / lengths, options)
        return spectrum, lengths * (spectrum.frames / lengths.sum())

    def _run(self, ids: NDArray[np.int64], paces: Numbers, options: Any) -> tuple[Spectrum, Numbers]:
        put = {"ids": ids, "paces": paces.astype(np.float32), "speed": np.ones(1, np.float32)}
        out = dict(zip(self._names, self._session.run(None, put, options), strict=True))
        lengths = np.maximum(1e-3, out.pop(_LENGTHS).astype(np.float64))
        return Spectrum({name: value[0] for name, value in out.items()}), lengths


def hurried(natural: Numbers, rate: float) -> Numbers:
    """Lengths of whole units, at least one each, that add up to those of ``natural`` divided by ``rate``."""
    lengths, owed = np.ones_like(natural), 0.0
    for at, length in enumerate(natural):
        owed += length / rate
        lengths[at] = max(1.0, round(owed))
        owed -= lengths[at]
    return lengths


def opened(model: bytes) -> bytes:
    """The ONNX ``model`` with the lengths as another output, and a pace for each sign as another input.

    Protobuf merges a message with what is appended to it, so the declarations are. The first time that the model names
    the pace is where it divides by it: nodes stand before inputs. Both names are of one length.
    """
    before, _, behind = model.partition(_field(1, _PACE))
    number_for_each = _field(1, b"\x08\x01" + _field(2, _field(1, _field(2, b"signs"))))  # a tensor of float32
    paces = _field(1, _PACES) + _field(2, number_for_each)
    graph = _field(12, _field(1, _LENGTHS.encode())) + _field(11, paces)
    return before + _field(1, _PACES) + behind + _field(7, graph)


def _field(number: int, value: bytes) -> bytes:
    """A field of bytes, in protobuf; shorter than 128, so that their length is one byte."""
    return bytes([number << 3 | 2, len(value)]) + value
