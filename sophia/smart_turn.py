"""Smart-turn v3.2: a network that hears by the sound whether a turn is over, in numpy and onnxruntime.

It is Daily's (BSD-2-Clause), the encoder of Whisper tiny with a small head, 8 million parameters. It knows no words,
but melody and pace, in 23 languages.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sophia.audio import EAR_RATE, Pcm
from sophia.log_mel import log_mel

FILE: Final = "smart-turn-v3.2-cpu.onnx"
DIGEST: Final = "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f"
"""Its SHA-256: with another file the thresholds that were measured mean nothing."""

SECONDS: Final = 8
"""What it hears at most: the end of what it is given."""


class TurnModelUnusable(Exception):
    """The network cannot be used; the message says why, in one line."""

    kind = "settings"
    hint = "Fetch it: make prepare EXTRAS=turn, or .venv/bin/python -m pipelines.embedded --prepare --turn-model."


class SmartTurn:
    """The network in ``file``, loaded once; any number of threads may use it at once, each on one core.

    Raises :class:`TurnModelUnusable` where the file is not there, or is another one.
    """

    def __init__(self, file: Path) -> None:
        try:
            model = file.read_bytes()
        except OSError as error:
            raise TurnModelUnusable(f"turns.sound_veto needs {file} ({error.strerror}).") from None
        if hashlib.sha256(model).hexdigest() != DIGEST:
            raise TurnModelUnusable(
                f"turns.sound_veto needs another {file}: this is not smart-turn v3.2 as it was tried."
            )
        import onnxruntime as ort  # noqa: PLC0415  # 0.2 s that nobody else waits for

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # none may wait busily
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def complete(self, sound: Pcm) -> float:
        """How probable it is, from 0 to 1, that the turn ends with this 16 kHz mono sound. Takes about 0.1 s."""
        (told,) = self._session.run(None, {"input_features": features(sound)[None]})
        return float(told.reshape(-1)[0])


def features(sound: Pcm) -> NDArray[np.float32]:
    """``(80, 800)``: Whisper's front end over the last 8 s, with zeros before and brought to one loudness."""
    heard = np.zeros(EAR_RATE * SECONDS, np.float32)
    last = sound[-len(heard) :]
    heard[len(heard) - len(last) :] = last / np.float32(32768)
    heard = (heard - heard.mean()) / np.sqrt(heard.var() + np.float32(1e-7))
    return log_mel(heard)
