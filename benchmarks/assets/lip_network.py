"""Trains the lip network on speech made here, judges it on voices it never heard, and writes ``weights.npz``.

    python -m benchmarks.assets.lip_network [--output weights.npz] [--seed 0] [--epochs 10]

Needs espeak-ng (the espeakng-loader wheel) and flite (``apt install libflite1``), two minutes of a CPU core and
about 300 MB. With the same seed and libraries it gives the same network, up to the rounding of the linear algebra.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.assets import sentences
from benchmarks.assets.corpus import Clip, Saying, say, workers
from benchmarks.assets.verdict import Verdict, judge
from pipelines.embedded.face.features import RATE, WIDTH, Floats, LogMel
from pipelines.embedded.face.solver import AHEAD, BEHIND, WEIGHTS, Network
from pipelines.embedded.face.visemes import CONTROLS, curves

ESPEAK_VARIANTS = (
    "", "+m1", "+m2", "+m3", "+m4", "+m7", "+f1", "+f2", "+f3", "+f4", "+klatt", "+klatt2", "+klatt4", "+Mike",
    "+Andrea", "+Annie", "+linda", "+steph", "+belinda", "+adam",
)  # fmt: skip
TRAINING_VOICES = (
    *(f"espeak:{accent}{variant}" for accent in ("en-us", "en") for variant in ESPEAK_VARIANTS),
    *("flite:slt", "flite:rms", "flite:kal16") * 5,  # a quarter of all, because she speaks with flite
)
UNHEARD_VOICES = ("espeak:en-us+f5", "espeak:en-us+m6", "espeak:en-us+klatt3", "espeak:en-us+Michael")
UNHEARD_FLITE = ("flite:awb",)

HIDDEN = 64
BATCH = 1024
RATE_OF_LEARNING = 3e-3
CARE = np.array([1.0, 2.0, 1.0, 1.0, 1.0, 0.6, 1.0, 0.5], np.float32)
"""How much an error in each control counts: closed lips most, a hidden tongue least."""


def sayings(rng: np.random.Generator) -> list[Saying]:
    """Every training sentence in every training voice, at varying pace and pitch."""
    return [
        Saying(text, voice, pace=float(rng.uniform(0.75, 1.27)), pitch=float(rng.uniform(0.5, 1.6)))
        for voice in TRAINING_VOICES
        for text in sentences.TRAIN
    ]


def roughen(sound: Floats, rng: np.random.Generator) -> Floats:
    """The clip through another microphone: coloured, at another level, with noise, as int16 would hold it."""
    if rng.random() < 0.6:
        spectrum = np.fft.rfft(sound)
        hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
        tilt = rng.uniform(-8, 8) * np.log2((hertz + 100) / 1000) / 3
        bump = np.exp(-(((hertz - rng.uniform(300, 5000)) / rng.uniform(300, 1500)) ** 2))
        sound = np.fft.irfft(spectrum * 10 ** ((tilt + rng.uniform(-6, 6) * bump) / 20), len(sound)).astype(np.float32)
    level = 10 ** rng.uniform(3.3, 4.4) / 32768
    noise = 10 ** rng.uniform(-0.5, 1.7) / 32768
    loud = sound / max(float(np.abs(sound).max()), 1e-3) * level
    rough: Floats = (loud + noise * rng.standard_normal(len(loud))).astype(np.float32)
    return rough


def lesson(clip: Clip, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rows of features and the controls they should give. A row's centre is the middle of its target's hop."""
    rows = LogMel().push(roughen(clip.sound, rng))
    wanted = curves(clip.phones, clip.seconds)
    count = min(len(rows), len(wanted))
    return rows[:count], wanted[:count]


class Adam:
    """The usual optimiser, on a handful of arrays in place."""

    def __init__(self, parameters: list[Floats]) -> None:
        self._parameters = parameters
        self._mean = [np.zeros_like(p) for p in parameters]
        self._square = [np.zeros_like(p) for p in parameters]
        self._step = 0

    def step(self, gradients: list[Floats], rate: float) -> None:
        self._step += 1
        for i, gradient in enumerate(gradients):
            self._mean[i] += 0.1 * (gradient - self._mean[i])
            self._square[i] += 0.001 * (gradient * gradient - self._square[i])
            mean = self._mean[i] / (1 - 0.9**self._step)
            square = self._square[i] / (1 - 0.999**self._step)
            self._parameters[i] -= rate * mean / (np.sqrt(square) + 1e-8)


def fit(lessons: Sequence[tuple[Floats, Floats]], epochs: int, rng: np.random.Generator) -> Network:
    """Trains from scratch, with a learning rate that falls along a cosine; prints the error of each epoch."""
    rows, wanted = (np.concatenate(part) for part in zip(*lessons, strict=True))
    lengths = np.array([len(r) for r, _ in lessons])
    ends = np.repeat(np.cumsum(lengths), lengths)
    starts = ends - np.repeat(lengths, lengths)
    offsets = np.arange(-BEHIND, AHEAD + 1)
    width = len(offsets) * WIDTH

    def windows(at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
        index = np.clip(at[:, None] + offsets, starts[at, None], ends[at, None] - 1)
        stacked: Floats = rows[index].reshape(len(at), width)
        return stacked

    some = windows(rng.integers(0, len(rows), 50_000))
    mean, spread = some.mean(axis=0), some.std(axis=0) + 1e-3
    w1 = (rng.standard_normal((width, HIDDEN)) / np.sqrt(width)).astype(np.float32)
    b1 = np.zeros(HIDDEN, np.float32)
    w2 = (rng.standard_normal((HIDDEN, len(CONTROLS))) / np.sqrt(HIDDEN)).astype(np.float32)
    b2 = np.zeros(len(CONTROLS), np.float32)
    optimiser = Adam([w1, b1, w2, b2])
    for epoch in range(epochs):
        order = rng.permutation(len(rows))
        rate = RATE_OF_LEARNING * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        error = 0.0
        batches = len(rows) // BATCH
        for i in range(batches):
            at = order[i * BATCH : (i + 1) * BATCH]
            x = (windows(at) - mean) / spread
            hidden = np.tanh(x @ w1 + b1)
            out = 1 / (1 + np.exp(-(hidden @ w2 + b2)))
            miss = (out - wanted[at]) * CARE
            error += float((miss**2).mean())
            d_out = miss * CARE * out * (1 - out) * (2 / BATCH)
            d_hidden = d_out @ w2.T * (1 - hidden**2)
            optimiser.step([x.T @ d_hidden, d_hidden.sum(axis=0), hidden.T @ d_out, d_out.sum(axis=0)], rate)
        print(f"epoch {epoch + 1:2d}/{epochs}  error {error / batches:.5f}", flush=True)
    return Network(mean=mean, spread=spread, w1=w1, b1=b1, w2=w2, b2=b2)


def exam(voices: Sequence[str]) -> list[Saying]:
    """The held-out sentences in the given voices."""
    return [Saying(text, voice) for voice in voices for text in sentences.HELD_OUT]


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, judges, writes; 1 if a gate is missed (nothing is written then)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=WEIGHTS, help="where the network goes (default: in place)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args(argv)
    rng = np.random.default_rng(options.seed)
    began = time.perf_counter()
    with workers(1) as pool:  # one: the order of clips, and so the training, stays the same
        lessons = [lesson(clip, rng) for clip in pool.map(say, sayings(rng), chunksize=16)]
        papers = {
            "espeak-ng, unheard voices and sentences": list(pool.map(say, exam(UNHEARD_VOICES))),
            "flite, unheard voice and sentences": list(pool.map(say, exam(UNHEARD_FLITE))),
            "flite slt, unheard sentences": list(pool.map(say, exam(("flite:slt",)))),
        }
    minutes = sum(len(rows) for rows, _ in lessons) / 6000
    print(f"{minutes:.0f} minutes of speech in {time.perf_counter() - began:.0f} s", flush=True)
    network = fit(lessons, options.epochs, rng)
    verdicts: dict[str, Verdict] = {name: judge(clips, network) for name, clips in papers.items()}
    for name, verdict in verdicts.items():
        print(f"{name}: {verdict}")
    first = next(iter(verdicts.values()))
    for words in (shortcomings := first.shortcomings()):
        print(f"missed: {words}", file=sys.stderr)
    if shortcomings:
        return 1
    network.save(options.output)
    print(f"wrote {options.output} after {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
