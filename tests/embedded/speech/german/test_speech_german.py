"""German: where Whisper's words end, what its front end makes of sound, and how numbers are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.ears.hypothesis import Decoded, HeardWord
from pipelines.embedded.speech.german.spoken_german import ordinal, spelt, with_numbers_read
from pipelines.embedded.speech.german.whisper import InContext, said
from pipelines.embedded.speech.voice.spoken import spoken
from sophia.log_mel import HOP, RATE, log_mel


def tokens(*said_or_times: str | float) -> list[str]:
    """Time stamps for numbers, and for words the tokens that spell them in GPT-2's alphabet."""
    out = []
    for one in said_or_times:
        if isinstance(one, float):
            out.append(f"<|{one:.2f}|>")
        else:
            letters = one.encode().decode("latin-1").replace(" ", "\u0120").replace("\x9f", "\u0141")
            out.extend(letters.replace("\x84", "\u0126"))
    return out


@pytest.mark.parametrize(
    ("given_tokens", "seconds", "text"),
    [
        (tokens(0.0, " Wie spät ist es?", 1.4), 1.5, "Wie spät ist es?"),
        (tokens(0.0, " Groß", 0.8), 1.0, "Groß"),
        (tokens(0.0, " Go on.", 1.4, 1.4, " Go on.", 2.8), 1.5, "Go on."),  # says it again
        (tokens(0.0, " Halt.", 1.0, 0.2, " Nein.", 1.2), 3.0, "Halt."),  # begins before the last one has ended
        (tokens(0.0, " Halt.", 1.4, 1.4, " Danke.", 2.8), 1.5, "Halt."),  # behind the sound's end
        (tokens(0.0, " Halt.", 1.0, 1.2, " Nein.", 2.4), 2.5, "Halt. Nein."),
        (tokens(0.0, " Halt"), 1.0, "Halt"),  # never closed
        ([*tokens(0.0, " Ja.", 0.5), "<|endoftext|>"], 1.0, "Ja."),
        (tokens(0.0), 1.0, ""),
        ([], 1.0, ""),
    ],
)
def test_words_end_where_the_sound_does(given_tokens: list[str], seconds: float, text: str) -> None:
    assert said(given_tokens, seconds) == text


@given(
    st.lists(st.sampled_from(["<|0.00|>", "<|1.00|>", "<|29.98|>", "<|de|>", "\u0120ja", "\u0100", "x"]), max_size=12)
)
def test_any_tokens_are_some_text(of: list[str]) -> None:
    text = said(of, 1.0)
    assert "<|" not in text
    assert text == " ".join(text.split())


def test_a_tone_lies_in_its_band() -> None:
    at = np.arange(RATE, dtype=np.float32) / RATE
    bands = [int(log_mel(np.sin(2 * np.pi * hertz * at)).mean(axis=1).argmax()) for hertz in (250, 1000, 4000)]
    assert log_mel(np.zeros(RATE, np.float32)).shape == (80, RATE // HOP)
    # Slaney's scale has 45.2 mels up to 8 kHz: 80 bands of .558, the first around .558. 1 kHz is 15, 4 kHz 35.2.
    assert bands == pytest.approx([3.75 / 0.558 - 1, 15 / 0.558 - 1, 35.2 / 0.558 - 1], abs=1)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "null"), (1, "eins"), (16, "sechzehn"), (17, "siebzehn"), (21, "einundzwanzig"), (30, "dreißig"),
        (100, "hundert"), (101, "hunderteins"), (391, "dreihunderteinundneunzig"), (1000, "tausend"),
        (1999, "neunzehnhundertneunundneunzig"), (2026, "zweitausendsechsundzwanzig"),
        (21_000, "einundzwanzigtausend"), (1_000_000, "eine Million"), (2_000_001, "zwei Millionen eins"),
    ],
)  # fmt: skip
def test_cardinals(number: int, text: str) -> None:
    assert spelt(number) == text


def test_ordinals() -> None:
    said = [ordinal(n) for n in (1, 2, 3, 7, 8, 12, 19, 20, 31, 101, 103)]
    assert said == [
        "erste", "zweite", "dritte", "siebte", "achte", "zwölfte", "neunzehnte", "zwanzigste", "einunddreißigste",
        "hunderterste", "hundertdritte",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Es kostet 13,50 €.", "Es kostet dreizehn Euro fünfzig."),
        ("1 Euro", "ein Euro"),
        ("Um 13:50 Uhr.", "Um dreizehn Uhr fünfzig."),
        ("um 1 Uhr", "um ein Uhr"),
        ("Heute ist Montag, der 30. November 2026.",
         "Heute ist Montag, der dreißigste November zweitausendsechsundzwanzig."),
        ("am 24.12. und 1.1.1999", "am vierundzwanzigsten Dezember und erster Januar neunzehnhundertneunundneunzig"),
        ("17 x 23", "siebzehn mal dreiundzwanzig"),
        ("3,14", "drei Komma eins vier"),
        ("1.234,5", "tausendzweihundertvierunddreißig Komma fünf"),
        ("0176", "null eins sieben sechs"),
        ("20 °C und 50%", "zwanzig Grad Celsius und fünfzig Prozent"),
        ("nichts zu tun", "nichts zu tun"),
    ],
)  # fmt: skip
def test_numbers_are_read(text: str, read: str) -> None:
    assert with_numbers_read(text) == read


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    read = with_numbers_read(text)
    assert read == " ".join(read.split())


def test_verbatim_words_share_the_time_of_their_number() -> None:
    words = [HeardWord("Um", 0, 100, 0.9), HeardWord("13:50", 100, 700, 0.9)]
    got = spoken(words, numbers=False, punctuation=False, read=with_numbers_read)
    assert [(word.text, word.start, word.end) for word in got] == [
        ("um", 0, 100), ("dreizehn", 100, 300), ("uhr", 300, 500), ("fünfzig", 500, 700),
    ]  # fmt: skip


class Guesses:
    """Takes a sound for the language that is expected, else for English if it is short, else for German."""

    def decode(self, pcm: np.ndarray, stopped: object, expected: str = "") -> Decoded:
        return Decoded("Ja", 0.9, expected or ("en-US" if len(pcm) < RATE else "de-DE"))


def test_a_short_word_is_in_the_language_of_what_came_before_it() -> None:
    word, sentence = np.zeros(RATE // 2, np.int16), np.zeros(3 * RATE, np.int16)
    ears = InContext(Guesses())  # type: ignore[arg-type]  # the model itself is 133 MB
    assert [heard.language for pcm in (word, sentence, word) if (heard := ears.decode(pcm))] == [
        "en-US", "de-DE", "de-DE",
    ]  # fmt: skip
