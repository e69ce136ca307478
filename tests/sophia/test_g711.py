"""Telephone sound, against the standard's own values and another implementation."""

import warnings

import numpy as np
import pytest

from sophia.g711 import A_LAW, MU_LAW

ALL = np.arange(-32_768, 32_768, dtype=np.int16)

CORNERS = {  # ITU-T G.711, tables 1 and 2: decoder outputs at the segments' ends, times 4 or 8, and their bytes
    "mu": [(0x80, 32_124), (0x00, -32_124), (0xFF, 0), (0x7F, 0), (0x8F, 16_764), (0x9F, 8_316), (0xAF, 4_092),
           (0xBF, 1_980), (0xCF, 924), (0xDF, 396), (0xEF, 132), (0xFE, 8)],
    "a": [(0xAA, 32_256), (0x2A, -32_256), (0xA5, 16_896), (0xB5, 8_448), (0x85, 4_224), (0x95, 2_112), (0xE5, 1_056),
          (0xF5, 528), (0xD5, 8), (0x55, -8)],
}  # fmt: skip
LAWS = {"mu": MU_LAW, "a": A_LAW}


@pytest.mark.parametrize(("law", "byte", "value"), [(law, *row) for law, rows in CORNERS.items() for row in rows])
def test_the_corners_of_the_standard(law, byte, value):
    assert LAWS[law].decode(bytes([byte])).tolist() == [value]
    if byte != 0x7F:  # the minus zero of the μ-law, which nothing needs to be coded as
        assert LAWS[law].encode(np.array([value], np.int16)) == bytes([byte])


def test_silence_and_the_loudest():
    assert (MU_LAW.silence, A_LAW.silence) == (0xFF, 0xD5)
    assert MU_LAW.encode(np.array([-32_768, 32_767], np.int16)) == b"\x00\x80"
    assert A_LAW.encode(np.array([-32_768, 32_767], np.int16)) == b"\x2a\xaa"


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_each_byte_comes_back_and_the_nearest_step_is_taken(law):
    every = bytes(range(256))
    back = law.encode(law.decode(every))
    assert [(a, b) for a, b in zip(every, back, strict=True) if a != b] == ([(0x7F, 0xFF)] if law is MU_LAW else [])
    error = np.abs(law.decode(law.encode(ALL)).astype(int) - ALL)
    assert (error <= np.maximum(np.abs(ALL.astype(int)) / 32 + 20, 16))[np.abs(ALL.astype(int)) < 32_124].all()


@pytest.mark.parametrize("law", LAWS, ids=LAWS)
def test_the_standard_library_agrees_where_it_has_them(law):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop")
    encode, decode = {
        "mu": (audioop.lin2ulaw, audioop.ulaw2lin),
        "a": (audioop.lin2alaw, audioop.alaw2lin),
    }[law]
    assert LAWS[law].encode(ALL) == encode(ALL.tobytes(), 2)
    assert LAWS[law].decode(bytes(range(256))).tobytes() == decode(bytes(range(256)), 2)
