from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.voice.shaping import RateChanger, Shaper, Tone


def sine(hz: float, amplitude: float = 3000, rate: int = 16_000, seconds: float = 0.5) -> np.ndarray:
    return np.rint(amplitude * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


def whole(shaper: Shaper, pcm: np.ndarray, step: int = 320) -> np.ndarray:
    parts = [shaper.shape(pcm[i : i + step]) for i in range(0, len(pcm), step)]
    return np.concatenate([*parts, shaper.finish()])


def level(pcm: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(pcm[500:-500].astype(float) ** 2))))


@pytest.mark.parametrize(("hz", "lift"), [(300, 0.0), (1000, 0.0), (5000, 5.0), (7000, 5.0)])
def test_the_shelf_lifts_the_treble_only(hz: float, lift: float) -> None:
    pcm = sine(hz)
    assert level(whole(Shaper(Tone(shelf_db=5.0)), pcm)) - level(pcm) == pytest.approx(lift, abs=0.6)


def test_length_and_place_are_kept() -> None:
    click = np.zeros(1000, np.int16)
    click[400] = 10_000
    out = whole(Shaper(Tone(shelf_db=5.0)), click)
    assert len(out) == len(click)
    assert np.argmax(np.abs(out)) == 400


@given(st.integers(1, 700))
def test_the_cut_does_not_matter(step: int) -> None:
    pcm = np.random.default_rng(1).normal(0, 3000, 1500).astype(np.int16)
    tone = Tone(gain_db=-2, shelf_db=5)
    assert np.max(np.abs(whole(Shaper(tone), pcm, step).astype(int) - whole(Shaper(tone), pcm, 1500))) <= 1


def test_the_limiter_bends_and_never_wraps() -> None:
    out = whole(Shaper(Tone(gain_db=20)), sine(200, 32_000))
    assert np.max(np.abs(out.astype(int))) <= 32_767
    assert np.all(np.diff(out[:20].astype(int)) >= 0)


def test_quiet_sound_is_only_amplified() -> None:
    pcm = sine(440, 1000)
    assert level(whole(Shaper(Tone(gain_db=6)), pcm)) - level(pcm) == pytest.approx(6, abs=0.05)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000])
def test_rates_change_in_pieces(rate: int) -> None:
    changer, pcm = RateChanger(16_000, rate), sine(440)
    parts = [changer.feed(pcm[i : i + 320]) for i in range(0, len(pcm), 320)]
    out = np.concatenate([*parts, changer.finish()])
    assert abs(len(out) - rate // 2) <= 2
    assert level(out) == pytest.approx(level(pcm), abs=0.2)
