"""The turn model on audio: its front end is the one that it was trained with, and no other file passes for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import sound_network

from pipelines.embedded.speech.fetched import turn_model
from pipelines.home import home
from sophia.audio import EAR_RATE
from sophia.smart_turn import SmartTurn, TurnModelUnusable, features
from sophia.wav import read_wav

DATA = Path(__file__).parents[1] / "data"
QUESTION = read_wav(DATA / "where_is_my_order.wav", EAR_RATE).pcm


@pytest.mark.parametrize(("name", "sound"), [("once", QUESTION), ("often", np.tile(QUESTION, 8))])
def test_features_are_those_of_the_reference(name: str, sound: np.ndarray) -> None:
    """Every 25th frame of what pipecat 1.14.0 computes, of 1.2 s and of 9.2 s of sound."""
    with np.load(DATA / "turn_features.npz") as reference:
        expected = reference[name]
    found = features(sound)
    assert (found.shape, found.dtype) == ((80, 800), np.float32)
    np.testing.assert_allclose(found[:, ::25], expected, atol=1e-4)
    assert np.abs(features(sound[:-1600])[:, ::25] - expected).max() > 0.1  # it is no accident


@pytest.mark.parametrize("samples", [0, 1, 159, 8 * EAR_RATE + 1])
def test_any_length_will_do(samples: int) -> None:
    assert np.isfinite(features(np.ones(samples, np.int16))).all()


def test_the_last_8_seconds_are_what_counts() -> None:
    late = np.concatenate([np.full(5000, 20_000, np.int16), np.tile(QUESTION, 8)])
    np.testing.assert_array_equal(features(late), features(np.tile(QUESTION, 8)))


def test_a_file_that_is_not_there_or_another_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TurnModelUnusable, match=r"turns\.sound_veto needs .*smart-turn-v3\.2-cpu\.onnx \(No such"):
        SmartTurn(turn_model(tmp_path))
    file = sound_network.install(tmp_path, monkeypatch, 0.25)
    assert SmartTurn(file).complete(QUESTION) == pytest.approx(0.25)
    other = onnx.load(file)
    other.doc_string = "tampered with"
    onnx.save(other, file)
    with pytest.raises(TurnModelUnusable, match=r"this is not smart-turn v3\.2"):
        SmartTurn(file)
    assert "make prepare EXTRAS=turn" in TurnModelUnusable.hint


@pytest.mark.skipif(not turn_model(home()).exists(), reason="the turn model on audio was not fetched")
def test_the_real_one_tells_a_whole_question_from_half_of_one() -> None:
    network = SmartTurn(turn_model(home()))
    question = read_wav(DATA.parents[1] / "pipelines/soundbites/06_what_did_i_say.wav", EAR_RATE).pcm
    assert network.complete(question) > 0.8
    assert network.complete(question[: len(question) // 2]) < 0.2
