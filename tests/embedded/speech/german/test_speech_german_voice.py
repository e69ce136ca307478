"""The German voice: what it is given to say, and Pico's process where the extra is installed."""

from __future__ import annotations

from contextlib import aclosing
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.german.pico import PicoEngine
from pipelines.embedded.speech.german.speakable_german import speakable
from pipelines.embedded.speech.voice.voices import Manner

VOICE = "German-DE.Female-1"

installed = pytest.mark.skipif(
    not (find_spec("py_nanotts") and find_spec("ctranslate2")), reason="the extra german is not installed"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Das kostet 13,50 €, z.B. am 24.12.", "Das kostet dreizehn Euro fünfzig, zum Beispiel am vierundzwanzigsten "
         "Dezember"),
        ("Das sind **etwa** 16,1 km.", "Das sind etwa sechzehn Komma eins Kilometer."),
        ("[Größe](https://example.org): 5 m", "Größe: fünf Meter"),
        ("Die GPU – ganz neu…", "Die G P U, ganz neu..."),
        ("Straße, Café und 你好", "Straße, Café und"),
        ("<b>Ja</b> 😀", "Ja"),
        ("…", ""),
        ("\0\n", ""),
    ],
)  # fmt: skip
def test_what_is_said(text: str, said: str) -> None:
    assert speakable(text) == said


@given(st.text(max_size=80))
def test_any_text_is_freed_of_what_pico_takes_for_commands(text: str) -> None:
    said = speakable(text)
    assert said == " ".join(said.split())
    assert not set(said) & set("<>*_\\\0")


async def spoken(engine: PicoEngine, sentence: str, manner: Manner) -> np.ndarray:
    return np.concatenate([piece.pcm async for piece in engine.speak(sentence, VOICE, manner)])


@installed
async def test_a_sentence_is_trimmed_and_follows_its_manner() -> None:
    engine = PicoEngine()
    try:
        plain = await spoken(engine, "Guten Morgen.", Manner())
        fast = await spoken(engine, "Guten Morgen.", Manner(rate=2.0))
        soft = await spoken(engine, "Guten Morgen.", Manner(gain=-12.0))
        assert 0.5 < len(plain) / engine.rate < 1.5
        assert 0.4 < len(fast) / len(plain) < 0.75
        assert 10 < 20 * np.log10(np.abs(plain).max() / np.abs(soft).max()) < 14
        assert np.abs(plain[:320]).max() < 1000
        assert engine.beyond(VOICE, Manner(phones=((0, "a"),))) == ["the pronunciation of single words"]
    finally:
        await engine.aclose()


@installed
async def test_who_stops_listening_harms_nobody() -> None:
    engine = PicoEngine()
    try:
        async with aclosing(engine.speak("Das ist ein langer Satz, den niemand hören will.", VOICE)) as pieces:
            await anext(pieces)
        assert len(await spoken(engine, "Ja.", Manner()))
    finally:
        await engine.aclose()


@installed
async def test_a_process_that_died_is_started_again() -> None:
    engine = PicoEngine()
    try:
        await spoken(engine, "Ja.", Manner())
        assert engine._process is not None
        engine._process.kill()
        await engine._process.wait()
        with pytest.raises(RuntimeError, match="the German voice failed"):
            await spoken(engine, "Ja.", Manner())
        assert len(await spoken(engine, "Ja.", Manner()))
    finally:
        await engine.aclose()
