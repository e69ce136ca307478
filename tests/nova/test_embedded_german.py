"""What the embedded mind says in German, and that it says nothing else once it is told to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from embedded_talk import ask, converse, part
from hypothesis import given
from hypothesis import strategies as st

PERSONA = "Du bist Sophia. Antworte auf Deutsch."

SAID = [
    ("Hallo Sophia, wer bist du?", "Ich bin Sophia."),
    ("Wie spät ist es?", "Es ist 21 Uhr 16."),
    ("Hallo, wie spät ist es?", "Es ist 21 Uhr 16."),
    ("Kannst du mir sagen, wie spät es ist?", "Es ist 21 Uhr 16."),
    ("welcher Tag ist heute", "Heute ist Samstag, der 21. November."),
    ("Welches Datum ist morgen?", "Morgen ist Sonntag, der 22. November 2026."),
    ("Ist heute Dienstag?", "Nein, heute ist Samstag."),
    ("Wie viele Tage sind es bis Weihnachten?", "Bis Heiligabend sind es noch 33 Tage."),
    ("Was ist 17 x 23?", "Das sind 391."),
    ("Was ist siebzehn mal dreiundzwanzig?", "Das sind 391."),
    ("Was ist 5 minus 4?", "Das ist 1."),
    ("100 durch 7", "Das sind etwa 14,29."),
    ("Was ist drei Komma fünf plus 1,5?", "Das sind 5."),
    ("Was ist zwei Millionen dreihunderttausend minus eins?", "Das sind 2299999."),
    ("Was ist 1.000 mal 1.000?", "Das sind 1000000."),
    ("Was ist 15 Prozent von 80?", "Das sind 12."),
    ("Was ist die Wurzel aus 144?", "Das sind 12."),
    ("Was ist 7 geteilt durch 0?", "Das geht nicht auf."),
    ("Wie viele Kilometer sind 10 Meilen?", "Das sind etwa 16,1 Kilometer."),
    ("Wie viel sind 10 Meilen in Kilometern?", "Das sind etwa 16,1 Kilometer."),
    ("Was sind 20 Grad Celsius in Fahrenheit?", "Das sind 68 Grad Fahrenheit."),
    ("Wie viele Minuten hat ein Tag?", "Das sind 1440 Minuten."),
    ("Was sind 5 Meter in Kilogramm?", "Meter und Kilogramm messen verschiedene Dinge."),
    ("Zähl bis fünf.", "1, 2, 3, 4, 5."),
    ("Wie heißt die Hauptstadt der Schweiz?", "Bern."),
    ("Erzähl, mir eine Geschichte.", "Gern. Es war einmal"),
    ("Kennst du einen Witz?", "Hier ist einer."),
    ("Wie wird das Wetter morgen?", "Das Wetter sehe ich nicht."),
    ("Stell bitte einen Wecker auf 7 Uhr.", "Das kann ich hier nicht."),
    ("Danke!", "Gern geschehen."),
    ("Tschüss", "Auf Wiedersehen."),
    ("Ähm", "Gut."),
    ("Sophia?", "Hallo."),
    ("…", "Das habe ich nicht verstanden."),
    ("Was ist Quantenchromodynamik?", "Das weiß ich nicht."),
]


def test_german_is_spoken_where_the_persona_asks_for_it() -> None:
    assert ask("hello", system=PERSONA).startswith("Das weiß ich nicht.")
    assert ask("hello", system="Answer in German.").startswith("Das weiß ich nicht.")
    assert ask("hello").startswith("Hello.")
    assert ask("wie viele kilometer sind zehn meilen").startswith("Das sind etwa 16,1")  # and where it is overheard


@pytest.mark.parametrize(("question", "beginning"), SAID)
def test_it_says(question: str, beginning: str) -> None:
    assert ask(question, system=PERSONA).startswith(beginning)


def test_it_follows_a_conversation() -> None:
    asked = ("Was ist 17 mal 23?", "mal zwei", "Noch einmal, bitte.", "Was hast du gesagt?", "Was habe ich gesagt?")
    assert converse(*asked, system=PERSONA) == [
        "Das sind 391.", "Das sind 782.", "Das sind 782.", "Ich habe gesagt: Das sind 782.",
        "Du hast gesagt: Was hast du gesagt?",
    ]  # fmt: skip
    asked = ("Ich heiße Anna.", "Wie heiße ich?", "Hauptstadt von Italien?", "und Spanien?")
    assert converse(*asked, system=PERSONA) == [
        "Freut mich, Anna.", "Du bist Anna. Das hast du mir gesagt.", "Rom.", "Madrid."
    ]  # fmt: skip


def test_it_goes_on_where_it_was_cut_off() -> None:
    heard = (
        "Gern. Es war einmal ein Leuchtturm auf einem Felsen, so klein, dass nur ein Mensch darauf wohnen konnte. Sie—"
    )
    rest = ask("Erzähl mir eine Geschichte", heard, "Erzähl weiter.", system=PERSONA)
    assert rest.startswith("Sie hieß Mara, und jeden Abend")


def test_no_reply_follows_itself() -> None:
    replies = converse(*["Was ist ein Quark?"] * 8, "Wie wird das Wetter?", "Regnet es?", system=PERSONA)
    assert all(a != b for a, b in pairwise(replies))
    assert len(set(replies[:6])) == 6


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("null", 0), ("eins", 1), ("sechzehn", 16), ("einundzwanzig", 21), ("hundert", 100), ("hunderteins", 101),
        ("dreihundertfünfundzwanzigtausendvierhundertzwölf", 325_412), ("neunzehnhundertneunundneunzig", 1999),
        ("und", None), ("hundertschaft", None), ("tausendmal", None), ("zweiundhundert", None),
    ],
)  # fmt: skip
def test_words_of_numbers(word: str, value: int | None) -> None:
    assert part("german.words").number(word) == value


@given(st.text(alphabet="aäeinsundzwhrt komma0123456789.,mal-+x", max_size=80))
def test_any_words_have_a_plain_form_and_a_reply(text: str) -> None:
    plain = part("german.words").plain
    assert plain(text) == " ".join(plain(text).split())
    assert ask(text, system=PERSONA)
