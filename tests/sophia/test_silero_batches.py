"""Many callers at once: who waits for whom, for how long, and what the quick way computes."""

import asyncio
import gc
import weakref
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipelines.virtual_time import run
from sophia.audio import EAR_RATE, Frame
from sophia.silero import CONTEXT, GATHER_SECONDS, WINDOW, Floats, SileroModel, VoiceDetector
from sophia.silero_batch import SileroBatch
from sophia.vad import VadSettings, VoiceStarted, VoiceStopped
from sophia.wav import read_wav

SPEECH = read_wav(Path(__file__).parents[1] / "data/where_is_my_order.wav", EAR_RATE).pcm
SILENCE = np.zeros(EAR_RATE, np.int16)
SOUND = np.concatenate([SILENCE, SPEECH, SILENCE])
FRAME = 320
# Each third probability of SOUND, as an earlier implementation computed it, whose products all shared one shape.
GOLDEN = """
    .00171 .00788 .00591 .00523 .00474 .00432 .00406 .00389 .00376 .00367 .00361 .99650 .99845 .99996 .99998 .99998
    .99999 .99991 .99998 .99998 .82672 .14199 .02848 .02223 .01674 .01365 .01177 .01013 .00855 .00703 .00582 .00484
    .00405
"""


class Observed(SileroModel):
    """Keeps when each batch was judged, and how many windows it held."""

    def __init__(self, gather: float = GATHER_SECONDS) -> None:
        super().__init__(gather=gather, exact=True)
        self.batches: list[tuple[float, int]] = []

    def forward(self, sound: Floats, hidden: Floats, cell: Floats) -> tuple[Floats, Floats, Floats]:
        self.batches.append((asyncio.get_running_loop().time(), len(sound)))
        return super().forward(sound, hidden, cell)


class Heard:
    """A caller's edges, the frames' arrivals that they were certain with, and the delays since."""

    def __init__(self) -> None:
        self.edges: list[VoiceStarted | VoiceStopped] = []
        self.waits: list[float] = []
        self.full_since: float | None = None

    def __call__(self, edge: VoiceStarted | VoiceStopped) -> None:
        assert edge.at == asyncio.get_running_loop().time()
        assert self.full_since is not None
        self.edges.append(edge)
        self.waits.append(edge.at - self.full_since)


async def call(model: SileroModel, heard: Heard, phase: float, sound: np.ndarray = SOUND) -> None:
    """A caller whose frames come 20 ms apart, ``phase`` seconds after the others'."""
    loop = asyncio.get_running_loop()
    detector = VoiceDetector(model, VadSettings(), heard)
    for i in range(0, len(sound), FRAME):
        await asyncio.sleep((i + FRAME) / EAR_RATE + phase - loop.time())
        before = i // WINDOW
        if (i + FRAME) // WINDOW > before:
            heard.full_since = loop.time()
        detector.push(Frame(sound[i : i + FRAME], i / EAR_RATE + phase))
    await asyncio.sleep(GATHER_SECONDS)


def calls(model: SileroModel, phases: list[float]) -> list[Heard]:
    async def main() -> list[Heard]:
        heard = [Heard() for _ in phases]
        await asyncio.gather(*(call(model, h, phase) for h, phase in zip(heard, phases, strict=True)))
        return heard

    return run(main())


def test_one_session_never_waits() -> None:
    model = Observed()
    (heard,) = calls(model, [0.0])
    assert heard.waits == [0.0, 0.0]
    assert {size for _, size in model.batches} == {1}


def test_one_session_does_not_wait_for_itself() -> None:
    """Windows that fill 1 ms apart, as after a stall."""
    model = Observed()

    async def main() -> None:
        detector = VoiceDetector(model, VadSettings(), print)
        for i in range(5):
            detector.push(Frame(SPEECH[:WINDOW], i * 0.032))
            await asyncio.sleep(0.001)

    run(main())
    assert [at for at, _ in model.batches] == pytest.approx([0.0, 0.001, 0.002, 0.003, 0.004])


def test_callers_with_other_phases_share_batches_and_wait_at_most_10_ms() -> None:
    phases = [i * 0.618 % 1 * 0.02 for i in range(25)]
    model, at_once = Observed(), Observed(gather=0)
    together, before = calls(model, phases), calls(at_once, phases)
    times = [at for at, _ in model.batches]
    assert min(b - a for a, b in pairwise(times)) > 0.010 - 1e-9
    assert len(at_once.batches) > 4 * len(model.batches)
    for one, other, phase in zip(together, before, phases, strict=True):
        assert [edge.time for edge in one.edges] == pytest.approx([edge.time for edge in other.edges], abs=1e-9)
        assert one.edges[0].time - phase == pytest.approx(together[0].edges[0].time, abs=1e-9)
        assert other.waits == [0.0, 0.0]
        assert all(0 <= wait <= 0.010 + 1e-9 for wait in one.waits)
    assert max(wait for heard in together for wait in heard.waits) > 0.002


def test_callers_in_step_do_not_wait() -> None:
    for heard in calls(Observed(), [0.0] * 5):
        assert heard.waits == [0.0, 0.0]


def test_a_session_that_ends_while_its_window_waits_is_not_judged() -> None:
    model = Observed()

    async def main() -> None:
        one, other = VoiceDetector(model, VadSettings(), print), VoiceDetector(model, VadSettings(), print)
        one.push(Frame(SPEECH[:WINDOW], 0.0))
        await asyncio.sleep(0.001)
        other.push(Frame(SPEECH[:WINDOW], 0.001))
        other.reset()
        await asyncio.sleep(0.1)

    run(main())
    assert [size for _, size in model.batches] == [1]


def judged_by(batch: SileroBatch | SileroModel) -> list[float]:
    probabilities, memory = [], np.zeros(256, np.float32)
    sound = np.concatenate([np.zeros(CONTEXT, np.int16), SOUND])
    for i in range(0, len(SOUND) - WINDOW + 1, WINDOW):
        window = sound[i : i + CONTEXT + WINDOW]
        if isinstance(batch, SileroBatch):
            (probability,), after = batch.judge([window], [memory])
            memory = after[0].copy()
        else:
            judged, hidden, cell = batch.forward(
                window[None] * np.float32(1 / 32768), memory[None, :128], memory[None, 128:]
            )
            probability, memory = float(judged[0]), np.concatenate([hidden[0], cell[0]])
        probabilities.append(probability)
    return probabilities


def test_both_ways_give_the_probabilities_that_they_always_gave() -> None:
    golden = [float(word) for word in GOLDEN.split()]
    model = SileroModel()
    assert judged_by(model)[::3] == pytest.approx(golden, abs=1e-4)
    assert judged_by(SileroBatch(model))[::3] == pytest.approx(golden, abs=1e-4)


def test_a_batch_of_any_size_computes_what_the_reference_does() -> None:
    model = SileroModel()
    batch = SileroBatch(model)
    random = np.random.default_rng(2)
    for n in [1, 2, 3, 4, 5, 31, batch.room, 3]:  # also a small one after a large one: nothing of that is left
        windows = list((random.normal(0, 3000, (n, CONTEXT + WINDOW))).astype(np.int16))
        memories = list(random.normal(0, 0.5, (n, 256)).astype(np.float32))
        probabilities, after = batch.judge(windows, memories)
        memory = np.stack(memories)
        reference = model.forward(np.stack(windows) * np.float32(1 / 32768), memory[:, :128], memory[:, 128:])
        np.testing.assert_allclose(probabilities, reference[0], atol=1e-5)
        np.testing.assert_allclose(after, np.concatenate(reference[1:], axis=1), atol=2e-5)


def test_more_windows_than_a_batch_has_room_for_are_judged_in_parts() -> None:
    model = SileroModel()

    async def main() -> list[VoiceDetector]:
        detectors = [VoiceDetector(model, VadSettings(), print) for _ in range(70)]
        for i, detector in enumerate(detectors):
            detector.push(Frame(SPEECH[100 * i : 100 * i + WINDOW], 0.0))
        await asyncio.sleep(0)
        return detectors

    for i, detector in enumerate(run(main())):
        sound = np.concatenate([np.zeros(CONTEXT, np.int16), SPEECH[100 * i : 100 * i + WINDOW]])
        zeros = np.zeros((1, 128), np.float32)
        alone, hidden, cell = model.forward(sound[None] * np.float32(1 / 32768), zeros, zeros)
        assert detector.probability == pytest.approx(float(alone[0]), abs=1e-5)
        np.testing.assert_allclose(detector.memory, np.concatenate([hidden[0], cell[0]]), atol=2e-5)


def test_nothing_is_left_of_a_caller_that_has_gone() -> None:
    async def main() -> None:
        model = SileroModel()
        detector = VoiceDetector(model, VadSettings(), lambda edge: None)
        for first in range(0, len(SILENCE), FRAME):
            detector.push(Frame(SPEECH[first : first + FRAME], 0.0))
            await asyncio.sleep(0.02)
        gone = weakref.ref(detector)
        del detector
        gc.collect()
        assert gone() is None

    run(main())
