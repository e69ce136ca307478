"""She follows the user into the languages that she was given, and not for a single word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turn_events import EVENTS, drive
from turn_table import Table

from sophia.decisions import Commit, Continue, Drop, Reprompt, Say, Start, Switch
from sophia.events import TextTyped
from sophia.languages.likely import likely
from sophia.tongue import size
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking
from sophia.utterance import beyond

THREE = TurnSettings(languages=("de-DE", "fr-FR"))
GERMAN = "wo ist meine Bestellung"


def switches(table):
    return [(d.language, d.heard) for d in table.decisions if isinstance(d, Switch)]


def said(table, text, language, begin=0.0):
    """One utterance of a second, settled and decided; the reply to it is heard to its end."""
    table.voice(begin + 0.2, begin + 1.0).says(begin + 1.3, text, final=True, language=language).wait(begin + 3.0)
    return table.audible(begin + 3.1).ends(begin + 3.5)


def test_the_reply_is_begun_in_the_language_of_the_question():
    table = Table(THREE).voice(0.2, 1.0).says(1.24, GERMAN, stable=True, language="de-DE")
    assert table.kinds() == [Switch, Start]
    assert table.only(Switch).language == table.turns.language == "de-DE"
    table.wait(3.0)
    assert table.kinds() == [Switch, Start, Commit]


def test_and_so_are_those_after_it_until_the_user_changes_again():
    table = said(Table(THREE), GERMAN, "de-DE")
    said(table, "Ja.", "de-DE", begin=5.0)
    assert switches(table) == [("de-DE", "")]
    said(table, "what did you say", "en-US", begin=10.0)
    assert switches(table) == [("de-DE", ""), ("en-US", "")]


@pytest.mark.parametrize("word", ["Ja.", "Oui, merci.", "Okay."])
def test_a_short_word_changes_nothing_unless_another_follows(word):
    tongue = "fr-FR" if "Oui" in word else "de-DE"
    table = said(Table(THREE), word, tongue)
    assert switches(table) == []
    said(table, word, tongue, begin=5.0)
    assert switches(table) == [(tongue, "")]


def test_two_short_words_in_two_languages_change_nothing():
    table = said(said(said(Table(THREE), "Ja.", "de-DE"), "Oui.", "fr-FR", begin=5.0), "Ja.", "de-DE", begin=10.0)
    assert switches(table) == []


def test_a_guess_in_another_language_that_comes_to_nothing_takes_its_language_with_it():
    table = Table(THREE).voice(0.2, 1.0).says(1.2, "wo ist meine Post", stable=True, language="de-DE")
    table.says(1.25, "war is mean of course", final=True, language="en-US").wait(3.0)
    assert table.kinds() == [Switch, Start, Drop, Switch, Start, Commit]
    assert switches(table) == [("de-DE", ""), ("en-US", "")]


def test_the_same_words_in_another_language_are_another_question():
    table = Table(THREE).voice(0.2, 1.0).says(1.2, "die Taxi service", stable=True, language="de-DE")
    table.says(1.25, "die Taxi service", final=True, language="en-US").wait(3.0)
    assert table.kinds() == [Switch, Start, Drop, Switch, Start, Commit]


def test_a_language_that_is_not_hers_changes_nothing_and_is_told_once():
    table = said(Table(THREE), "荷物はどこにありますか", "ja-JP")
    assert switches(table) == [("en-US", "ja-JP")]
    said(table, "荷物はどこにありますか", "ja-JP", begin=5.0)
    assert switches(table) == [("en-US", "ja-JP")]
    assert table.kinds().count(Commit) == 2  # it is answered all the same


def test_a_region_that_is_not_there_stands_for_its_language():
    assert switches(said(Table(THREE), GERMAN, "de-AT")) == [("de-DE", "")]


def test_with_one_language_nothing_is_followed():
    assert switches(said(Table(), GERMAN, "de-DE")) == []


def test_words_that_nobody_tells_the_language_of_tell_it_themselves():
    table = Table(THREE).tell(TextTyped(at=1.0, text="Où est-ce que je peux manger ?"))
    assert switches(table) == [("fr-FR", "")]
    table = said(Table(THREE), GERMAN, "")
    assert switches(table) == [("de-DE", "")]


def test_whether_it_is_over_is_judged_in_the_language_of_the_words():
    for language, seconds in (("de-DE", THREE.pause_unfinished), ("en-US", THREE.pause_open)):
        table = Table(THREE).voice(0.2, 1.0).says(1.2, "ich möchte den Tisch und", final=True, language=language)
        assert table.wait(5.0).only(Commit).wait.seconds == seconds


def test_a_backchannel_may_be_in_the_language_of_its_words():
    table = Table(THREE).voice(0.2, 1.0).says(1.24, "where is my order", stable=True).wait(1.35).audible(1.4)
    table.voice(4.0, 4.3).says(4.5, "genau", final=True, language="en-US").wait(9.0)
    said_in_english = table.kinds()[-1]
    table = Table(THREE).voice(0.2, 1.0).says(1.24, GERMAN, stable=True, language="de-DE").wait(1.35).audible(1.4)
    table.voice(4.0, 4.3).says(4.5, "genau", final=True, language="en-US").wait(9.0)
    assert table.kinds()[-1] is not said_in_english  # she goes on, instead of giving way to it


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("where is my order", "en-US"), ("wo ist meine Bestellung", "de-DE"), ("¿Dónde está mi pedido?", "es-US"),
        ("Où est ma commande ?", "fr-FR"), ("Dov'è il mio ordine?", "it-IT"), ("注文はどこですか", "ja-JP"),
        ("我的订单在哪里", "zh-CN"), ("где мой заказ", "ru-RU"),
        ("أين طلبي", "ar-AR"), ("내 주문은 어디 있나요", "ko-KR"),
        ("Sophia", ""), ("", ""), ("12:30", ""), ("ok", ""), ("que", ""), ("gracias", ""),
    ],
)  # fmt: skip
def test_a_text_is_likely_in_one_of_some_languages(text, tag):
    among = ("en-US", "de-DE", "es-US", "fr-FR", "it-IT", "ja-JP", "zh-CN", "ru-RU", "ar-AR", "ko-KR")
    assert likely(text, among) == tag


@pytest.mark.parametrize(
    ("text", "words"), [("ja genau", 2), ("荷物はどこですか", 4), ("我的", 1), ("", 0), ("สวัสดี", 2)]
)
def test_words_of_scripts_without_spaces_are_counted_by_their_characters(text, words):
    assert size(text) == words


class _Watched:
    """Turn taking, and the language in which each reply is begun."""

    def __init__(self, settings):
        self.turns = TurnTaking(settings)
        self.language = settings.language
        self.begun = []

    def tell(self, event):
        decisions = self.turns.tell(event)
        for decision in decisions:
            if isinstance(decision, Switch):
                assert decision.heard or decision.language != self.language, "it is told only when it changes"
                self.language = decision.language
            elif isinstance(decision, Start | Reprompt | Say):
                self.begun.append(self.language)
        assert self.turns.language == self.language, "who listens knows the language"
        return decisions


@given(events=EVENTS, languages=st.sampled_from([(), ("de-DE",), ("fr-FR", "de-DE")]))
def test_in_any_conversation_she_speaks_her_languages_alone(events, languages):
    watched = _Watched(TurnSettings(languages=languages))
    drive(watched, events)
    assert set(watched.begun) <= {"en-US", *languages}


def test_a_sentence_without_spaces_goes_on_after_a_pause_and_is_known_again():
    table = Table(TurnSettings(language="ja-JP")).voice(0.2, 1.0).says(1.1, "荷物は")
    table.voice(1.4, 2.0).says(2.3, "荷物はどこですか", final=True)
    assert table.only(Continue).wait.sounds == "open"
    assert table.wait(4.0).only(Commit).text == "荷物はどこですか"
    assert beyond("荷物はどこですか今日", "荷物はどこですか") == ("荷物はどこですか", "今日")


def test_after_a_guess_that_came_to_nothing_she_speaks_as_before():
    once = TurnSettings(languages=("de-DE",), max_speculations=1)
    table = Table(once).voice(0.2, 1.0).says(1.2, "wo ist meine Post", stable=True, language="de-DE")
    table.starts(1.21).says(1.3, "wo ist", final=True, language="de-DE")
    assert (table.kinds()[-2:], table.turns.language) == ([Drop, Switch], "en-US")
