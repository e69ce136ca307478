"""Audio2Face-3D's open network without NVIDIA's files: known sound in, known weights out, through a real session."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import face_model
import numpy as np
import pytest
from face_model import BUFFER, SMILES, TONGUE, window
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.face import ARKIT
from aurora.names import PASCAL_CASE
from pipelines.embedded.face.engine import Frames
from pipelines.embedded.face.moods import MOODS, Mood, MoodSettings
from pipelines.embedded.face.network.bounded import quadratic
from pipelines.embedded.face.network.engine import NetworkEngine
from pipelines.embedded.face.network.folder import Folder
from pipelines.embedded.face.network.layout import Layout
from pipelines.embedded.face.network.model import Model
from pipelines.embedded.face.network.poses import Poses
from pipelines.embedded.face.network.solve import Solve
from pipelines.embedded.face.network.windows import Windows
from pipelines.embedded.face.wishes import Wishes
from pipelines.settings.network import NetworkSettings

RATE = 16_000
JAW, CLOSE, BROW = (ARKIT.index(name) for name in ("jawOpen", "mouthClose", "browInnerUp"))
CENTRE = 15  # the frame whose window begins with the sample below
BEGIN = CENTRE * RATE // 30 - BUFFER // 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_model.write(tmp_path_factory.mktemp("a2f") / "model")


@pytest.fixture(scope="module")
def engine(folder: Path) -> NetworkEngine:
    return NetworkEngine(folder, NetworkSettings(provider="cpu", fps="30", tongue=True))


@pytest.fixture(scope="module")
def half(folder: Path) -> NetworkEngine:
    return NetworkEngine(folder, NetworkSettings(provider="cpu", fps="15"))


def model_of(folder: Path) -> Model:
    found = Folder.find(folder)
    return Model(found, Layout.read(found.info))


def saying(**levels: float) -> np.ndarray:
    """A second and a half of sound; around frame 15 it says what the network makes these poses of."""
    sound = np.zeros(24_000)
    sound[BEGIN : BEGIN + BUFFER] = window(**levels)
    return np.round(sound * 32768).clip(-32768, 32767).astype(np.int16)


def solved(
    engine: NetworkEngine,
    sound: np.ndarray,
    wishes: Wishes | None = None,
    mood: Mood | None = None,
    *,
    rate: int = RATE,
    cuts: Iterable[int] = (),
) -> Frames:
    """All frames of a clip whose sound comes in pieces of the sizes ``cuts``, the rest at once."""
    solver = engine.solver(rate, wishes or Wishes(), mood or Mood(MoodSettings(), {}))

    def batches() -> Iterator[Frames]:
        at = 0
        for size in (*cuts, len(sound)):
            yield from solver.push(sound[at : at + size])
            at += size
        yield from solver.finish()

    every = list(batches()) or [Frames(np.zeros((0, len(engine.names))), np.zeros((0, 10)))]
    return Frames(np.concatenate([b.weights for b in every]), np.concatenate([b.moods for b in every]))


def test_known_sound_gives_known_weights(engine: NetworkEngine) -> None:
    assert engine.names == (*PASCAL_CASE, *(name[0].upper() + name[1:] for name in TONGUE))
    weights = solved(engine, saying(jawOpen=-0.3, browInnerUp=0.5)).weights
    assert weights.shape == (45, 68)
    frame = weights[CENTRE, :52]
    assert frame[[JAW, BROW]] == pytest.approx([0.3, 0.5], abs=1e-4)
    assert np.abs(np.delete(frame, [JAW, BROW])).max() < 1e-4
    assert np.abs(weights[0, :52]).max() < 1e-4, "silence is half a window away"


def test_what_the_network_cannot_weigh_stays_at_rest(engine: NetworkEngine) -> None:
    weights = solved(engine, saying(eyeLookUpLeft=0.4, tongueOut=0.4)).weights
    looks = [k for k, name in enumerate(ARKIT) if name.startswith("eyeLook") or name == "tongueOut"]
    assert (weights[:, looks] == 0.0).all()


def test_input_strength_is_the_models_own(folder: Path, tmp_path: Path) -> None:
    loud = NetworkEngine(
        face_model.write(tmp_path / "m", input_strength=1.5), NetworkSettings(provider="cpu", fps="30")
    )
    wild = Wishes(parameters={"inputStrength": 9.0})
    assert solved(loud, saying(jawOpen=0.2), wild).weights[CENTRE, JAW] == pytest.approx(0.3, abs=1e-4)


def test_the_implicit_emotion_is_that_of_shot_and_frame(engine: NetworkEngine) -> None:
    weights = solved(engine, saying()).weights
    assert weights[:, 52 + TONGUE.index("tongueUp")] == pytest.approx(0.25, abs=1e-4)


def test_a_told_mood_reaches_its_slot(engine: NetworkEngine, folder: Path) -> None:
    mood = MoodSettings(preferred_strength=1.0, strength=1.0)
    frames = solved(engine, saying(), mood=Mood(mood, {"joy": 0.6, "fear": 0.9}))
    assert frames.weights[:, list(SMILES)] == pytest.approx(0.3, abs=1e-4)
    assert frames.moods[:, MOODS.index("joy")] == pytest.approx(0.6)
    moods = np.linspace(0.1, 1.0, 10, dtype=np.float32)[None]
    found = Folder.find(folder)
    layout = dataclasses.replace(Layout.read(found.info), emotions=("sadness", "envy", "joy"))
    layout = dataclasses.replace(layout, default_emotion=np.array([0.0, 0.2, 0.0], np.float32))
    feelings = Model(found, layout).feelings(moods)
    assert feelings.shape == (1, 1, 19)
    sadness, joy = moods[0, MOODS.index("sadness")], moods[0, MOODS.index("joy")]
    assert feelings[0, 0] == pytest.approx([1.0, *[0.0] * 15, sadness, 0.2, joy])


def test_moods_move_with_the_clips_time(half: NetworkEngine) -> None:
    mood = Mood(MoodSettings(preferred_strength=1.0, strength=1.0, transition_seconds=0.001), {})
    mood.add(0.5, {"joy": 1.0})
    smile = solved(half, saying(), mood=mood).weights[:, SMILES[0]]
    assert smile[:14] == pytest.approx(0.0, abs=1e-4)
    assert smile[15] == pytest.approx(0.25, abs=1e-4), "between two frames of the network"
    assert smile[16:45] == pytest.approx(0.5, abs=1e-4)


def test_multipliers_offsets_and_clamping(engine: NetworkEngine, tmp_path: Path) -> None:
    wishes = Wishes(multipliers={"JawOpen": 4.0}, offsets={"BrowInnerUp": -0.5, "TongueUp": 0.5})
    frame = solved(engine, saying(jawOpen=0.3, mouthClose=0.2), wishes).weights[CENTRE]
    assert frame[[JAW, CLOSE, BROW]] == pytest.approx([1.2, 0.2, -0.5], abs=1e-3)
    assert frame[52 + TONGUE.index("tongueUp")] == pytest.approx(0.75, abs=1e-3)
    tame = solved(engine, saying(jawOpen=0.3, mouthClose=0.2), dataclasses.replace(wishes, clamp=True)).weights[CENTRE]
    assert tame[[JAW, CLOSE, BROW]] == pytest.approx([1.0, 0.2, 0.0], abs=1e-3)
    folder = face_model.write(tmp_path / "m")

    def own(told: dict) -> None:
        told["blendshape_params"]["bsWeightMultipliers"][JAW] = 0.5
        told["blendshape_params"]["bsWeightMultipliers"][BROW] = 0.5
        told["blendshape_params"]["bsWeightOffsets"][CLOSE] = told["blendshape_params"]["bsWeightOffsets"][JAW] = 0.1

    face_model.change(folder / "bs_skin_config.json", own)
    mine = NetworkEngine(folder, NetworkSettings(provider="cpu", fps="30"))
    wishes = Wishes(multipliers={"JawOpen": 2.0}, offsets={"JawOpen": 0.2})
    frame = solved(mine, saying(jawOpen=0.3, browInnerUp=0.4), wishes).weights[CENTRE]
    assert frame[[JAW, BROW, CLOSE]] == pytest.approx([0.8, 0.2, 0.1], abs=1e-3), "a client's replaces the model's"


def test_face_parameters_are_absolute_and_kept_in_range(engine: NetworkEngine) -> None:
    def jaw(**parameters: float) -> float:
        return float(solved(engine, saying(jawOpen=0.2), Wishes(parameters=parameters)).weights[CENTRE, JAW])

    both = {"lowerFaceStrength": 1.5, "upperFaceStrength": 1.5}
    assert jaw(**both) == pytest.approx(0.3, abs=1e-3)
    assert jaw(skinStrength=0.5) == pytest.approx(0.1, abs=1e-3)
    assert jaw(skinStrength=50.0) == pytest.approx(0.4, abs=1e-3), "2 is the most"
    assert jaw(skinStrength=math.nan, lowerFaceSmoothing=-1.0) == pytest.approx(0.2, abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=12), st.sampled_from([1, 533, 534, 4159, 4160, 4161, 16_000, 20_000]))
def test_windows_do_not_depend_on_how_the_sound_is_cut(folder: Path, cuts: list[int], samples: int) -> None:
    sound = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    layout = Layout.read(folder / "network_info.json")

    def windows(sizes: Iterable[int]) -> np.ndarray:
        made, at, windows = [], 0, Windows(layout, 30)
        for size in (*sizes, samples):
            windows.push(sound[at : at + size])
            made.append(windows.take(100))
            at += size
        windows.finish()
        made.append(windows.take(math.ceil(samples * 30 / RATE) - windows.frame))
        return np.concatenate(made)

    whole = windows(())
    assert np.array_equal(windows(cuts), whole)
    assert len(whole) == math.ceil(samples * 30 / RATE)
    for frame, found in enumerate(whole[:, 0]):
        centre = frame * RATE // 30
        padded = np.concatenate([np.zeros(BUFFER, np.float32), sound, np.zeros(2 * BUFFER, np.float32)])
        assert np.array_equal(found, padded[centre + BUFFER // 2 :][:BUFFER])


def test_a_window_is_complete_with_its_last_sample_and_no_sooner(engine: NetworkEngine) -> None:
    windows = Windows(engine.model.layout, 30)
    windows.push(np.ones(BUFFER // 2 - 1, np.float32))
    assert len(windows.take(5)) == 0
    windows.push(np.ones(1, np.float32))
    assert len(windows.take(5)) == 1
    windows.push(np.ones(533, np.float32))
    assert windows.take(5).sum() == BUFFER // 2 + 533


@pytest.mark.parametrize("pieces", [[], [1] * 50, [533] * 20, [4160, 1, 7000]])
def test_weights_do_not_depend_on_how_the_sound_is_cut(
    engine: NetworkEngine, half: NetworkEngine, pieces: list[int]
) -> None:
    sound = (8000 * np.random.default_rng(3).standard_normal(20_001)).clip(-32768, 32767).astype(np.int16)
    for one in (engine, half):
        assert solved(one, sound, cuts=pieces).weights == pytest.approx(solved(one, sound).weights, abs=1e-5)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("thousandths", [0, 1, 33, 34, 500, 1001])
def test_there_is_a_frame_for_every_thirtieth_of_a_second(
    engine: NetworkEngine, half: NetworkEngine, rate: int, thousandths: int
) -> None:
    sound = np.full(rate * thousandths // 1000, 3000, np.int16)
    due = math.ceil(len(sound) * 30 / rate)
    assert len(solved(engine, sound, rate=rate)) == due
    assert due <= len(solved(half, sound, rate=rate)) <= due + 1, "one may lie after the end"


def test_frames_between_the_networks_are_interpolated(engine: NetworkEngine, half: NetworkEngine) -> None:
    sound = (6000 * np.random.default_rng(4).standard_normal(16_000)).clip(-32768, 32767).astype(np.int16)
    full, sparse = solved(engine, sound).weights[:, :52], solved(half, sound).weights
    assert sparse[0:30:2] == pytest.approx(full[0:30:2], abs=1e-5)
    windows = Windows(half.model.layout, 15)
    windows.push(sound.astype(np.float32) / 32768.0)
    answers = half.session.run(windows.take(8), np.zeros((8, 1, 26), np.float32))
    poses = Poses(half.model, half.model.parameters, tongue=False)
    between = np.array([poses((a + b) / 2) for a, b in pairwise(answers)])
    assert sparse[1:15:2] == pytest.approx(between, abs=1e-5)
    assert np.abs(sparse[1:15:2] - sparse[0:14:2]).max() > 0.01


class Vertices:
    """The long way round: every vertex is moved, masked and smoothed, and the solve is given what comes of it."""

    def __init__(self, folder: Path, model: Model, **parameters: float) -> None:
        with np.load(folder / "model_data.npz") as arrays:
            self.data = {name: arrays[name].astype(float) for name in arrays.files}
        self.model, self.p = model, parameters
        y = self.data["shapes_mean_skin"][:, 1]
        share = (y - y.min()) / np.ptp(y)
        self.lower = np.repeat(1 / (1 + np.exp(-(self.p["face_mask_level"] - share) / self.p["face_mask_softness"])), 3)
        self.state: list[np.ndarray] = []
        self.before = [np.zeros(len(model.skin.active)), np.zeros(len(model.tongue.active))]

    def __call__(self, answer: np.ndarray) -> np.ndarray:
        p, data = self.p, self.data
        delta = p["skin_strength"] * (answer[:52] @ data["shapes_matrix_skin"].reshape(52, -1))
        delta -= p["eyelid_open_offset"] * data["eye_close_pose_delta"].reshape(-1)
        delta += p["lip_open_offset"] * data["lip_open_pose_delta"].reshape(-1)
        self.state = self.state or [delta] * 4
        moved = []
        for half in ("lower", "upper"):
            share = 1 - 0.5 ** (1 / 30 / p[f"{half}_face_smoothing"])
            at = 2 * len(moved)
            self.state[at] = self.state[at] + (delta - self.state[at]) * share
            self.state[at + 1] = self.state[at + 1] + (self.state[at] - self.state[at + 1]) * share
            moved.append(self.state[at + 1] * p[f"{half}_face_strength"])
        geometry = data["shapes_mean_skin"].reshape(-1) + moved[0] * self.lower + moved[1] * (1 - self.lower)
        tongue = data["shapes_mean_tongue"] + (
            p["tongue_strength"] * (answer[52:62] @ data["shapes_matrix_tongue"].reshape(10, -1)).reshape(-1, 3)
        )
        tongue += [0.0, p["tongue_height_offset"], p["tongue_depth_offset"]]
        found = []
        for k, (solve, face) in enumerate(((self.model.skin, geometry), (self.model.tongue, tongue.reshape(-1)))):
            b = solve.poses.T @ (face[solve.index] - solve.neutral)
            weights, self.before[k] = solve.weights(b, self.before[k])
            found.append(weights)
        return np.concatenate(found)


STYLED = {
    "lower_face_strength": 1.4, "upper_face_strength": 0.9, "lower_face_smoothing": 0.02, "upper_face_smoothing": 0.01,
    "face_mask_level": 0.5, "face_mask_softness": 0.05, "skin_strength": 1.1, "eyelid_open_offset": 0.06,
    "lip_open_offset": -0.03, "tongue_strength": 1.3, "tongue_height_offset": 0.2, "tongue_depth_offset": 0.13,
}  # fmt: skip


def test_the_fold_is_the_long_way_over_all_vertices(tmp_path: Path) -> None:
    folder = face_model.write(tmp_path / "m", regular=True, **STYLED)
    model = model_of(folder)
    short, long = Poses(model, model.parameters, tongue=True), Vertices(folder, model, **STYLED)
    rng = np.random.default_rng(5)
    seen = []
    for _ in range(40):
        answer = np.concatenate([rng.uniform(-0.3, 0.9, 62), np.zeros(19)]).astype(np.float32)
        seen.append(short(answer))
        assert seen[-1] == pytest.approx(long(answer), abs=2e-5)
    assert np.ptp(seen, axis=0).max() > 0.5, "the face moves at all"


def test_a_clients_own_mask_is_folded_and_few_are_kept(engine: NetworkEngine) -> None:
    for level in np.linspace(0.1, 0.9, 12):
        engine.model.fold(float(level), 0.01)
    assert len(engine.model._folds) <= 4


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 14), st.integers(0, 10_000), st.floats(0.0, 3.0))
def test_the_solve_is_the_exact_optimum_between_the_bounds(n: int, seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    half = rng.standard_normal((n + 2, n))
    h = half.T @ half + 0.01 * np.eye(n)
    q, upper = size * rng.standard_normal(n), rng.choice([1.0, 0.3, 1e-10], n)
    start = None if seed % 2 else rng.uniform(0, upper)
    x = quadratic(h, q, upper, start)
    assert ((x >= 0.0) & (x <= upper)).all()
    slope = (h @ x - q) / np.diag(h)
    assert (slope[x == 0.0] >= -1e-7).all(), "what lies at the lower bound would have to go below it"
    assert (slope[x == upper] <= 1e-7).all()
    assert slope[(x > 0.0) & (x < upper)] == pytest.approx(0.0, abs=1e-7)


def test_the_regularisers_are_nvidias(tmp_path: Path) -> None:
    folder = face_model.write(tmp_path / "m", regular=True)

    def other_size(told: dict) -> None:
        told["blendshape_params"]["templateBBSize"] *= 2.0

    face_model.change(folder / "bs_skin_config.json", other_size)
    solve = Solve(folder / "bs_skin.npz", folder / "bs_skin_config.json")
    n = len(solve.active)
    expected = solve.poses.T @ solve.poses
    for i in range(n):
        for j in range(n):
            expected[i, j] += 0.25 * 0.25 * 0.5**2
        expected[i, i] += 0.25 * (10 * 0.5 + 100 * 0.3)
    left, right = list(solve.active).index(0), list(solve.active).index(7)
    for i, j, sign in ((left, left, 1), (right, right, 1), (left, right, -1), (right, left, -1)):
        expected[i, j] += sign * 0.25 * 10 * 100.0
    assert solve.a == pytest.approx(expected, rel=1e-6)
    assert solve.pull == pytest.approx(0.25 * 0.3)


def test_poses_that_cancel_each_other_are_not_both_there(tmp_path: Path) -> None:
    folder = face_model.write(tmp_path / "m")

    def cancel(told: dict) -> None:
        told["blendshape_params"]["bsSolveCancelPoses"][JAW] = 3
        told["blendshape_params"]["bsSolveCancelPoses"][BROW] = 3

    face_model.change(folder / "bs_skin_config.json", cancel)
    solve = Solve(folder / "bs_skin.npz", folder / "bs_skin_config.json")
    places = {name: list(solve.active).index(ARKIT.index(name)) for name in ("jawOpen", "browInnerUp")}
    wanted = np.zeros(len(solve.active))
    wanted[places["jawOpen"]], wanted[places["browInnerUp"]] = 0.6, 0.4
    weights, _ = solve.weights(solve.poses.T @ (solve.poses @ wanted), np.zeros(len(solve.active)))
    assert weights[BROW] <= 1e-9
    assert weights[JAW] > 0.5
