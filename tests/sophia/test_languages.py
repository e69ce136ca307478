"""Every table of a language is whole: one test for each rule, over each language."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest

from sophia.asking import asks
from sophia.completeness import WordTurnModel, is_backchannel, words
from sophia.languages import ENGLISH, LANGUAGES, Language, Phrase, Waiting, code_of, language
from sophia.languages.table import Words
from sophia.spoken import spoken

every_language = pytest.mark.parametrize("table", LANGUAGES.values(), ids=lambda table: table.name)


@every_language
def test_a_table_is_whole(table: Language) -> None:
    assert table.known
    assert LANGUAGES[table.code] is table
    assert set(table.phrases) == set(get_args(Phrase))
    assert set(table.waiting) == set(get_args(Waiting))
    for sentences in (*table.waiting.values(), table.still):
        assert len(set(sentences)) == len(sentences) > 1  # she does not say the same twice running
    assert "{tool}" in table.shall
    assert {"{tool}", "{given}"} <= set(table.shall_with.replace("?", "").replace(",", "").split())
    for sentence in (*table.phrases.values(), *(one for many in table.waiting.values() for one in many)):
        assert sentence[0].isupper(), sentence
        assert sentence[-1] in ".?!", sentence


@every_language
def test_it_asks_whether_to_run_a_tool(table: Language) -> None:
    asked = table.shall.format(tool="delete file"), table.shall_with.format(tool="delete file", given="path: a.txt")
    assert all(asks(question) and "delete file" in question for question in asked)
    assert "path: a.txt" in asked[1]


@every_language
def test_each_sign_has_its_word(table: Language) -> None:
    assert table.signs.keys() == ENGLISH.signs.keys()
    assert all(word.strip() == word != "" for word in table.signs.values())
    assert spoken("7 × 6 = 42", table.code) == f"7 {table.signs['×']} 6 {table.signs['=']} 42"


@every_language
def test_words_are_as_transcripts_are_compared(table: Language) -> None:
    for group in fields(Words):
        if group.name in ("infinitives", "pronounless"):
            continue
        for word in getattr(table.words, group.name):
            assert " ".join(words(word)) == word, (group.name, word)
    for word in (*table.yes, *table.no):
        assert " ".join(words(word)) == word


@every_language
def test_a_yes_is_no_no(table: Language) -> None:
    assert table.yes
    assert table.no
    assert not set(table.yes) & set(table.no)


@every_language
def test_whole_utterances_and_backchannels_are_taken_for_what_they_are(table: Language) -> None:
    model = WordTurnModel()
    for said in table.words.whole:
        assert model.judge(said, table.code).sounds == "complete", said
    for said in table.words.backchannels:
        assert is_backchannel(said, table.code), said
    for word in table.words.trailing:
        assert model.judge(f"mhm {word}", table.code).sounds == "unfinished", word


@every_language
def test_words_that_invite_an_answer_ask(table: Language) -> None:
    for said in table.inviting:
        assert asks(f"… {said}.", table.code)
    assert not asks("It costs a dime.")


def test_a_tag_finds_its_table() -> None:
    assert [language(tag).code for tag in ("de-AT", "de_CH", "DE", "en-GB", "en")] == ["de", "de", "de", "en", "en"]
    assert code_of("zh-Hans-CN") == "zh"


def test_a_language_without_a_table_is_silent() -> None:
    table = language("ja-JP")
    assert (table.code, table.name, table.known) == ("ja", "ja-JP", False)
    assert not table.phrases
    assert not table.waiting
    assert not is_backchannel("yeah", "ja-JP")
    assert WordTurnModel().judge("where is my", "ja-JP").sounds == "open"
