"""One language for all, or several that she follows the user into."""

import pytest

from pipelines.services.probes import hears
from pipelines.settings.languages import without_words
from pipelines.settings.model import SettingsError, load_settings

VOICES = "tts:\n  by_language: {de-DE: Magpie-Multilingual.DE-DE.Aria, fr-FR: ''}\n"


def loaded(tmp_path, text, **overrides):
    (tmp_path / "mine.yaml").write_text(text)
    return load_settings(tmp_path / "mine.yaml", overrides, {})


def test_auto_lets_the_recogniser_tell_the_language_and_she_follows(tmp_path):
    s = loaded(tmp_path, f"language: auto\n{VOICES}")
    assert (s.asr.language, s.turns.language, s.tts.language) == ("auto", "en-US", "en-US")
    assert s.turns.languages == ("de-DE", "fr-FR")
    german = s.tts.of("de-DE")
    assert (german.language, german.voice, german.rate) == ("de-DE", "Magpie-Multilingual.DE-DE.Aria", s.tts.rate)


def test_she_begins_in_the_language_of_her_first_voice(tmp_path):
    s = loaded(tmp_path, "language: auto\ntts: {language: de-DE, by_language: {en-US: ''}}\n")
    assert (s.turns.language, s.turns.languages, s.asr.language) == ("de-DE", ("en-US",), "auto")


def test_the_voices_of_other_languages_are_not_used_where_the_user_has_one(tmp_path):
    s = loaded(tmp_path, f"language: en-GB\n{VOICES}")
    assert (s.asr.language, s.turns.languages) == ("en-GB", ())


def test_ears_alone_may_be_told_to_find_out(tmp_path):
    assert loaded(tmp_path, f"asr: {{language: auto}}\n{VOICES}").turns.languages == ("de-DE", "fr-FR")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("language: auto\n", "language auto needs the other languages that she speaks: tts.by_language"),
        ("tts: {language: auto}\n", "a voice has a language, such as en-US"),
        (f"language: auto\n{VOICES}turns: {{languages: [es-US]}}\n", "there is no voice for es-US"),
        (
            f"language: auto\n{VOICES}turns: {{language: de-DE}}\n",
            "she begins in en-US; turns.language has to be the same",
        ),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, text, says):
    with pytest.raises(SettingsError) as error:
        loaded(tmp_path, text)
    assert len(error.value.lines) == 1
    assert says in error.value.lines[0]


def test_languages_without_words_are_told_in_one_line(tmp_path):
    known = loaded(tmp_path, f"language: auto\n{VOICES}")
    assert without_words(known.turns) == ""
    japanese = loaded(tmp_path, "language: ja-JP\n")
    assert without_words(japanese.turns).startswith("She knows no words of ja-JP: ")
    assert "\n" not in without_words(japanese.turns)


@pytest.mark.parametrize(
    ("codes", "language", "fits"),
    [
        ("en-US", "en-US", True), ("en-US", "de-DE", False), ("en-US", "auto", False), ("", "de-DE", True),
        ("multi", "auto", True), ("multi", "de-DE", True), ("en-US, de-DE", "auto", True),
        ("en-US,de-DE", "de-DE", True), ("en-US,de-DE", "fr-FR", False),
    ],
)  # fmt: skip
def test_a_recogniser_hears_the_languages_that_it_tells(codes, language, fits):
    assert hears(codes, language) is fits
