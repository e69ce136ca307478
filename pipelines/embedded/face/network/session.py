"""The network itself in onnxruntime: on which processor it runs, and how long a frame takes there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.embedded.face.features import Floats
from pipelines.embedded.face.network.folder import ModelUnusable
from pipelines.embedded.face.network.layout import Layout
from pipelines.settings.network import Provider

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

MOST_THREADS = 4
"""Threads that are taken where none are named: half the cores, and no more than this."""

BATCHES = {_CPU: 4, _CUDA: 30}
"""Frames of a run at most. A processor gains nothing from more, and a cancelled clip waits for the run that goes on."""

ROUNDS = 5
"""Runs that are timed at the start; the quickest counts, since the machine may be busy with other starts just then."""


class Session:
    """A loaded network; ``run`` is for one thread at a time."""

    def __init__(self, path: Path, layout: Layout, provider: Provider = "auto", threads: int = 0) -> None:
        self._layout = layout
        self.threads = threads or max(1, min(MOST_THREADS, len(os.sched_getaffinity(0)) // 2))
        self._session, self._provider, self._fell_back = _opened(path, provider, self.threads)
        self._check(path)

    @property
    def batch(self) -> int:
        """Frames of a run at most."""
        return BATCHES[self._provider]

    @property
    def place(self) -> str:
        """Where it runs, in words."""
        if self._provider == _CUDA:
            return "CUDA"
        place = f"CPU, {self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{place}, since CUDA could not be used" if self._fell_back else place

    def run(self, windows: Floats, feelings: Floats) -> Floats:
        """Answers ``(n, total)`` for windows ``(n, 1, buffer)`` and emotions ``(n, 1, feeling)``."""
        (answers,) = self._session.run(["result"], {"input": windows, "emotion": feelings})
        flat: Floats = np.asarray(answers, np.float32).reshape(len(windows), -1)
        return flat

    def measure(self) -> float:
        """Milliseconds for a frame, in batches."""
        rng = np.random.default_rng(0)
        windows = rng.uniform(-0.1, 0.1, (self.batch, 1, self._layout.buffer)).astype(np.float32)
        feelings = np.zeros((self.batch, 1, self._layout.feeling), np.float32)
        best = float("inf")
        for _ in range(ROUNDS):
            began = time.perf_counter()
            self.run(windows, feelings)
            best = min(best, time.perf_counter() - began)
        return 1000.0 * best / self.batch

    def _check(self, path: Path) -> None:
        layout = self._layout
        given = {tensor.name for tensor in self._session.get_inputs()}
        made = {tensor.name for tensor in self._session.get_outputs()}
        if not {"input", "emotion"} <= given or "result" not in made:
            raise ModelUnusable(
                f"{path} takes {', '.join(sorted(given))} and gives {', '.join(sorted(made))}; a regression model of "
                "Audio2Face-3D takes input and emotion and gives result"
            )
        windows = np.zeros((self.batch, 1, layout.buffer), np.float32)
        feelings = np.zeros((self.batch, 1, layout.feeling), np.float32)
        try:
            for size in {1, self.batch}:  # which warms it up, too
                answer = self.run(windows[:size], feelings[:size])
        except Exception as error:  # onnxruntime's own kinds
            raise ModelUnusable(f"{path} does not run on what network_info.json says: {_line(error)}") from None
        if answer.shape[1] != layout.total:
            raise ModelUnusable(
                f"{path} answers {answer.shape[1]} numbers, network_info.json says {layout.total}: files of two "
                "characters are mixed"
            )
        if not np.isfinite(answer).all():
            raise ModelUnusable(f"{path} answers what is no number to silence: it is damaged")


def providers(wanted: Provider) -> list[str]:
    """The processors that onnxruntime could use; raises :class:`ModelUnusable` where what is wanted is not among them.

    Whether CUDA really works shows when a network is loaded.
    """
    try:
        import onnxruntime as ort  # noqa: PLC0415 - 0.2 s that only this one waits for
    except ImportError:
        raise ModelUnusable(
            "onnxruntime is not installed, which runs Audio2Face-3D's network: "
            ".venv/bin/python -m pip install onnxruntime"
        ) from None
    there: list[str] = ort.get_available_providers()
    if wanted == "cuda" and _CUDA not in there:
        raise ModelUnusable(
            f"CUDA was asked for, but this onnxruntime has only {', '.join(there)}: pip uninstall onnxruntime, then "
            "pip install onnxruntime-gpu"
        )
    return there if wanted != "cpu" else [_CPU]


def _opened(path: Path, wanted: Provider, threads: int) -> tuple[Any, str, bool]:
    there = providers(wanted)
    import onnxruntime as ort  # noqa: PLC0415 - as above

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others share this machine
    options.log_severity_level = 3
    # Batches differ in size, and the default would try every algorithm anew for each.
    cuda: list[Any] = [(_CUDA, {"cudnn_conv_algo_search": "HEURISTIC"})] if _CUDA in there else []
    try:
        session = ort.InferenceSession(str(path), options, providers=[*cuda, _CPU])
    except Exception as error:  # onnxruntime's own kinds
        raise ModelUnusable(f"{path} cannot be loaded: {_line(error)}") from None
    used = session.get_providers()[0]  # it falls back without a word
    if wanted == "cuda" and used != _CUDA:
        raise ModelUnusable(
            f"CUDA was asked for, but onnxruntime could not use it and fell back to {used}: do its CUDA and cuDNN fit "
            "this machine's driver?"
        )
    return session, used, bool(cuda) and used != _CUDA


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
