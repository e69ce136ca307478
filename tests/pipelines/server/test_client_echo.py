"""Whose echo is cancelled at the server: nobody's, unless the settings or the client ask for it."""

import importlib.util

import numpy as np
import pytest

from pipelines.server.client_echo import ClientEcho, may_cancel
from sophia.audio import Frame

AEC = importlib.util.find_spec("livekit") is not None
LOUD = np.full(320, 8000, np.int16)


def leaves_alone(echo):
    """Whether the microphone's sound comes out as it went in while she is heard."""
    for at in range(20):
        echo.reference(LOUD, 16_000, at * 0.02)
    frame = Frame(LOUD, 0.1)
    return any(one is frame for one in echo.process(frame))


@pytest.mark.parametrize(
    ("mode", "headphones", "wished", "guarded"),
    [
        ("auto", False, False, False),
        ("off", False, False, False),
        ("half-duplex", False, False, True),
        ("half-duplex", True, False, False),
        pytest.param("cancel", False, False, True, marks=pytest.mark.skipif(not AEC, reason="needs the extra aec")),
        pytest.param("auto", False, True, True, marks=pytest.mark.skipif(not AEC, reason="needs the extra aec")),
        ("cancel", True, False, False),
        ("auto", True, True, False),
    ],
)
def test_who_gets_a_guard(mode, headphones, wished, guarded):
    echo = ClientEcho(mode)
    echo.adapt(headphones=headphones, wished=wished)
    assert leaves_alone(echo) is not guarded


def test_headphones_may_be_put_on_and_off():
    echo = ClientEcho("half-duplex")
    found = []
    for headphones in (False, True, False):
        echo.adapt(headphones=headphones, wished=False)
        found.append(leaves_alone(echo))
    assert found == [False, True, False]


def test_where_it_is_off_no_wish_is_met():
    assert not may_cancel("off")
    assert may_cancel("auto") is AEC
