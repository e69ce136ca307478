"""Trains the lip network on speech made here, judges it on sentences it never heard, and writes ``weights.npz``.

    python -m benchmarks.assets.lip_network [--output weights.npz] [--seed 0] [--epochs 24]

Needs the extra ``dev`` and flite (``apt install libflite1``), six minutes of a CPU core and about 1 GB. With the same
seed and libraries it gives the same network. Another linear algebra rounds otherwise, and training enlarges that: the
weights differ then, the verdicts hardly.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr
from threadpoolctl import threadpool_limits

from benchmarks.assets import sentences
from benchmarks.assets.alignment import aligned
from benchmarks.assets.corpus import Clip, Saying, save, say, workers
from benchmarks.assets.verdict import GATE, HER_GATE, judge
from pipelines.embedded.face.features import RATE, WIDTH, Floats, LogMel
from pipelines.embedded.face.solver import AHEAD, BEHIND, WEIGHTS, Network
from pipelines.embedded.face.visemes import BILABIALS, CONTROLS, Phone, curves

ESPEAK_VARIANTS = (
    "", "+m1", "+m2", "+m3", "+m4", "+m7", "+f1", "+f2", "+f3", "+f4", "+klatt", "+klatt2", "+klatt4", "+Mike",
    "+Andrea", "+Annie", "+linda", "+steph", "+belinda", "+adam",
)  # fmt: skip
ESPEAK_VOICES = tuple(f"espeak:{accent}{variant}" for accent in ("en-us", "en") for variant in ESPEAK_VARIANTS)
FLITE_VOICES = ("flite:slt", "flite:rms", "flite:kal16")
HERS = "hibari:heart"
HER_VOICES = (HERS, "hibari:heart-low", "hibari:heart-mid")
CLIPS = {
    **dict.fromkeys(ESPEAK_VOICES, 14),
    **dict.fromkeys(FLITE_VOICES, 120),
    **dict(zip(HER_VOICES, (330, 150, 150), strict=True)),
}
"""How many clips of each voice there are."""
LESSONS = {HERS: 2}
"""How many lessons each clip is, through microphones of their own, where it is more than one. So half of the speech
is in her voices; the others keep the network fit for strangers."""
UNHEARD_VOICES = ("espeak:en-us+f5", "espeak:en-us+m6", "espeak:en-us+klatt3", "espeak:en-us+Michael")
UNHEARD_FLITE = "flite:awb"

EXAM = Path(__file__).parents[2] / "tests" / "data" / "lip_exam.npz"
EXAM_CLIPS = 6
"""What the tests judge the lips by: held-out sentences in her voice, those with the most bilabials."""

HIDDEN = 192
BATCH = 1024
RATE_OF_LEARNING = 3e-3
CARE = np.array([1.3, 2.0, 1.0, 1.0, 1.0, 0.6, 1.0, 0.5], np.float32)
"""How much an error in each control counts: closed lips most, a hidden tongue least."""
CARE_WHILE_SHUT = np.where(np.array(CONTROLS) == "close", 1.4, 1.0).astype(np.float32)
"""How much more it counts while the lips are shut, which is seldom. Lips that miss it are seen at once."""


def sayings(rng: np.random.Generator) -> list[Saying]:
    """Training sentences by chance in every training voice, at varying pace and pitch."""
    return [
        Saying(
            sentences.TRAIN[int(rng.integers(len(sentences.TRAIN)))],
            voice,
            pace=float(rng.uniform(0.75, 1.27)),
            pitch=float(rng.uniform(0.5, 1.6)),
        )
        for voice, count in CLIPS.items()
        for _ in range(count)
    ]


def another(clip: Clip, rng: np.random.Generator) -> Clip:
    """The clip as a taller or smaller speaker would say it, half of the time: its formants, pitch and pace changed."""
    if rng.random() < 0.5:
        return clip
    size = float(rng.uniform(0.87, 1.2))
    phones = tuple(Phone(phone.start * size, phone.end * size, phone.name) for phone in clip.phones)
    return replace(clip, sound=soxr.resample(clip.sound, RATE, RATE * size).astype(np.float32), phones=phones)


def in_a_room(sound: Floats, rng: np.random.Generator) -> Floats:
    """With an echo that fades by 60 dB within 0.1 to 0.5 s."""
    count = int(RATE * rng.uniform(0.1, 0.5))
    echo = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count) * rng.uniform(0.02, 0.12)
    echo[: int(0.003 * RATE)] = 0.0
    echo[0] = 1.0
    size = len(sound) + count
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo, size), size)[: len(sound)]
    return np.asarray(heard, np.float32)


def through_a_narrow_band(sound: Floats, rng: np.random.Generator) -> Floats:
    """As a telephone or a poor recording passes it on."""
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    highest, lowest = rng.uniform(3300, 7000), rng.uniform(50, 250)
    passed = 1 / (1 + (hertz / highest) ** 12) * (1 - 1 / (1 + (hertz / lowest) ** 4))
    heard: Floats = np.fft.irfft(np.fft.rfft(sound) * passed, len(sound)).astype(np.float32)
    return heard


def roughen(sound: Floats, rng: np.random.Generator) -> Floats:
    """The sound in another room, through another microphone: coloured, at another level, with noise."""
    if rng.random() < 0.35:
        sound = in_a_room(sound, rng)
    if rng.random() < 0.35:
        sound = through_a_narrow_band(sound, rng)
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
    clip = another(clip, rng)
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
            care = np.where(wanted[at] > 0.5, CARE * CARE_WHILE_SHUT, CARE)
            miss = (out - wanted[at]) * care
            error += float((miss**2).mean())
            d_out = miss * care * out * (1 - out) * (2 / BATCH)
            d_hidden = d_out @ w2.T * (1 - hidden**2)
            optimiser.step([x.T @ d_hidden, d_hidden.sum(axis=0), hidden.T @ d_out, d_out.sum(axis=0)], rate)
        print(f"epoch {epoch + 1:2d}/{epochs}  error {error / batches:.5f}", flush=True)
    return Network(mean=mean, spread=spread, w1=w1, b1=b1, w2=w2, b2=b2).as_stored()


def spoken(pool: Executor, wanted: Sequence[Saying]) -> list[Clip]:
    """The clips in order, hibari's with their times aligned; prints how far it is."""
    clips = []
    for clip in pool.map(say, wanted, chunksize=16):
        clips.append(clip)
        if len(clips) % 200 == 0 or len(clips) == len(wanted):
            print(f"spoken {len(clips):4d}/{len(wanted)}", flush=True)
    for voice in HER_VOICES:
        mine = [at for at, clip in enumerate(clips) if clip.saying.voice == voice]
        for at, clip in zip(mine, aligned([clips[at] for at in mine]), strict=True):
            clips[at] = clip
        print(f"aligned {len(mine)} clips of {voice}", flush=True)
    return clips


def exam(voices: Sequence[str]) -> list[Saying]:
    """The held-out sentences in the given voices."""
    return [Saying(text, voice) for voice in voices for text in sentences.HELD_OUT]


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, judges, writes; 1 if a gate is missed (nothing is written then)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=WEIGHTS, help="where the network goes (default: in place)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=24)
    options = parser.parse_args(argv)
    rng = np.random.default_rng(options.seed)
    began = time.perf_counter()
    papers = (*HER_VOICES, "flite:slt", "flite:rms", UNHEARD_FLITE, *UNHEARD_VOICES)
    lessons_said, exam_said = sayings(rng), exam(papers)
    with workers(1) as pool:  # one: the order of clips, and so the training, stays the same
        clips = spoken(pool, [*lessons_said, *exam_said])
    taught = [clip for clip in clips[: len(lessons_said)] for _ in range(LESSONS.get(clip.saying.voice, 1))]
    lessons = [lesson(clip, rng) for clip in taught]
    minutes = sum(len(rows) for rows, _ in lessons) / 6000
    print(f"{minutes:.0f} minutes of speech in {time.perf_counter() - began:.0f} s", flush=True)
    with threadpool_limits(1):  # by more threads sums are rounded otherwise
        network = fit(lessons, options.epochs, rng)
    missed = 0
    for voice in papers:
        verdict = judge([clip for clip in clips[len(lessons_said) :] if clip.saying.voice == voice], network)
        gate = HER_GATE if voice == HERS else GATE
        print(f"{voice}: {verdict}")
        for words in (shortcomings := verdict.shortcomings(gate)):
            print(f"missed by {voice}: {words}", file=sys.stderr)
        missed += len(shortcomings)
    if missed:
        return 1
    network.save(options.output)
    hers = [clip for clip in clips[len(lessons_said) :] if clip.saying.voice == HERS]
    save(sorted(hers, key=lambda clip: -sum(phone.name in BILABIALS for phone in clip.phones))[:EXAM_CLIPS], EXAM)
    print(f"wrote {options.output} after {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
