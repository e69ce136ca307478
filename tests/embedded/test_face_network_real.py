"""NVIDIA's own files, where somebody has them: ``SOPHIA_A2F_MODEL=DIR``. Nobody has run this with them yet.

What can be asked without a NIM beside it: is it a face at all, and does it move with the voice?
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from aurora.face import ARKIT
from aurora.names import NameMap
from pipelines.embedded.face.engine import FPS
from pipelines.embedded.face.moods import Mood, MoodSettings
from pipelines.embedded.face.network.engine import NetworkEngine
from pipelines.embedded.face.wishes import Wishes
from pipelines.settings.network import NetworkSettings
from sophia.wav import read_wav

FOLDER = os.environ.get("SOPHIA_A2F_MODEL", "")
RATE = 16_000
JAW = ARKIT.index("jawOpen")
VOICE = Path(__file__).parents[2] / "pipelines/soundbites/05_story.wav"

pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="SOPHIA_A2F_MODEL names no model folder of NVIDIA's"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def engine() -> NetworkEngine:
    engine = NetworkEngine(Path(FOLDER), NetworkSettings(fps="30", tongue=True))
    print(engine.about()["notice"])
    return engine


def poses(engine: NetworkEngine, pcm: np.ndarray, mood: Mood | None = None) -> np.ndarray:
    """The clip's poses in ARKit's sense, ``(n, 52)``."""
    solver = engine.solver(RATE, Wishes(clamp=True), mood or Mood(MoodSettings(), {}))
    weights = np.concatenate([batch.weights for batch in (*solver.push(pcm), *solver.finish())])
    assert np.isfinite(weights).all()
    names = NameMap(engine.names)
    return np.array([names(frame) for frame in weights])


def test_it_is_one_of_the_published_models(engine: NetworkEngine) -> None:
    layout = engine.model.layout
    assert (layout.buffer, layout.offset, layout.feeling) == (8320, 4160, 26)
    assert layout.total in (301, 169)
    assert len(engine.names) == 68
    assert len(engine.model.skin.active) in range(40, 53)


def test_the_mouth_moves_with_the_voice_and_rests_without_it(engine: NetworkEngine) -> None:
    pcm = read_wav(VOICE, RATE).pcm[: 6 * RATE]
    moved = poses(engine, pcm)
    still = poses(engine, np.zeros(2 * RATE, np.int16))
    step = RATE // FPS
    loud = np.array([np.abs(pcm[at : at + step].astype(float)).mean() for at in range(0, len(pcm) - step, step)])
    heard = np.log10(loud + 10.0)
    r = float(np.corrcoef(heard, moved[: len(heard), JAW])[0, 1])
    print(
        f"jaw and loudness: r = {r:.2f}; jaw {moved[:, JAW].max():.2f} at most, {still[:, JAW].mean():.3f} in silence"
    )
    assert r > 0.3
    assert moved[:, JAW].max() > 0.15
    assert still[:, JAW].mean() < 0.5 * moved[loud.argsort()[-30:], JAW].mean()
    assert np.ptp(moved, axis=0).max() > np.ptp(still, axis=0).max()


def test_the_dropped_jaw_is_in_nvidias_mouth_close(engine: NetworkEngine) -> None:
    """The sense that ``face.mouth_close: a2f`` stands for; on a head with ARKit's shapes the two point apart."""
    skin = engine.model.skin
    places = [list(skin.active).index(skin.shapes.index(name)) for name in ("JawOpen", "MouthClose")]
    jaw, close = skin.poses[:, places].T
    cosine = float(jaw @ close / np.linalg.norm(jaw) / np.linalg.norm(close))
    print(f"mouthClose and jawOpen: cosine {cosine:+.2f}")
    assert cosine > 0.1


def test_a_told_mood_changes_the_face(engine: NetworkEngine) -> None:
    pcm = read_wav(VOICE, RATE).pcm[: 2 * RATE]
    told = Mood(MoodSettings(preferred_strength=1.0, strength=1.0), {"joy": 1.0})
    plain, glad = poses(engine, pcm).mean(axis=0), poses(engine, pcm, told).mean(axis=0)
    changed = sorted(zip(glad - plain, ARKIT, strict=True))
    print("with joy:", [(name, round(float(by), 2)) for by, name in (*changed[-4:], *changed[:2])])
    assert np.abs(glad - plain).max() > 0.02
