"""Angles of head and eyes: the right way round, and calm."""

from __future__ import annotations

import numpy as np
import pytest

from aurora.face import ARKIT
from aurora.turning import REACH, eye_turn, head_turn


def look(**weights: float) -> np.ndarray:
    pose = np.zeros(len(ARKIT), np.float32)
    for name, weight in weights.items():
        pose[ARKIT.index(name)] = weight
    return eye_turn(pose)


def test_to_her_left_both_eyes_turn_the_same_way() -> None:
    left, right = look(eyeLookOutLeft=1.0, eyeLookInRight=1.0)
    assert left.tolist() == right.tolist() == [0.0, REACH[1]]
    left, right = look(eyeLookInLeft=1.0, eyeLookOutRight=1.0)
    assert left.tolist() == right.tolist() == [0.0, -REACH[1]]


def test_down_is_positive_and_up_negative() -> None:
    assert look(eyeLookDownLeft=0.5, eyeLookUpRight=1.0)[:, 0].tolist() == [REACH[0] / 2, -REACH[0]]


def test_many_poses_at_once_are_each_alone() -> None:
    poses = np.random.default_rng(1).random((7, len(ARKIT)), np.float32)
    assert eye_turn(poses).shape == (7, 2, 2)
    assert np.allclose(eye_turn(poses)[3], eye_turn(poses[3]))


def test_the_head_sways_slowly_and_by_little() -> None:
    time = np.arange(0, 600, 1 / 60)
    turned = head_turn(time)
    assert turned.shape == (len(time), 3)
    assert np.degrees(np.abs(turned)).max() < 3.0
    assert np.degrees(turned.std(axis=0)).min() > 0.3
    assert np.degrees(np.abs(np.diff(turned, axis=0))).max() * 60 < 3.0  # degrees a second
    assert head_turn(12.5).tolist() == pytest.approx(head_turn(np.array([0.0, 12.5]))[1].tolist())
