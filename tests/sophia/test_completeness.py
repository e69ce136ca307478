"""What sounds finished and what does not, in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.completeness import WordTurnModel, is_backchannel, words

judge = WordTurnModel().judge


@pytest.mark.parametrize(
    ("text", "language", "sounds"),
    [
        ("where is my order", "en-US", "complete"),
        ("What time is it?", "en-US", "complete"),
        ("what's seventeen times twenty three", "en-US", "complete"),
        ("hello sophia", "en-US", "complete"),
        ("stop", "en-US", "complete"),
        ("tell me a story", "en-US", "complete"),
        ("yes please", "en-US", "complete"),
        ("No, where is my order?", "en-US", "complete"),
        ("no where is my order", "en-US", "complete"),
        ("yes please do that", "en-US", "open"),
        ("no stop that", "en-US", "open"),
        ("yes could you", "en-US", "open"),
        ("no where is my", "en-US", "unfinished"),
        ("Nein danke.", "de-DE", "complete"),
        ("ja wo ist meine bestellung", "de-DE", "complete"),
        ("ja kannst du", "de-DE", "open"),
        ("I would like to", "en-US", "unfinished"),
        ("what is the", "en-US", "unfinished"),
        ("what is the?", "en-US", "unfinished"),
        ("give me the red one and", "en-US", "unfinished"),
        ("I think um", "en-US", "unfinished"),
        ("my number is twenty", "en-US", "unfinished"),
        ("my number is 40", "en-US", "unfinished"),
        ("I am 40", "en-US", "open"),
        ("the blue box", "en-US", "open"),
        ("", "en-US", "open"),
        ("I live in Berlin.", "en-US", "complete"),
        ("well I was, ", "en-US", "unfinished"),
        ("what can you do", "en-US", "complete"),
        ("what did i just say", "en-US", "complete"),
        ("what are you waiting for", "en-US", "open"),
        ("tell me a story please", "en-US", "complete"),
        ("I will go with", "en-US", "unfinished"),
        ("wie spät ist es", "de-DE", "complete"),
        ("wie spät ist es?", "de-DE", "complete"),
        ("wo ist mein Paket", "de-DE", "complete"),
        ("ich möchte gerne und", "de-DE", "unfinished"),
        ("erzähl mir eine Geschichte", "de-DE", "complete"),
        ("das war ähm", "de-DE", "unfinished"),
        ("danke schön", "de-DE", "complete"),
        ("He was not an ill disposed young man", "en-US", "complete"),
        ("if it rains tomorrow", "en-US", "open"),
        ("I live", "en-US", "open"),
        ("tell me where it is", "en-US", "complete"),
        ("made still more respectable than he was", "en-US", "complete"),
        ("how much is twenty percent of eighty", "en-US", "open"),
        ("send it to my office", "en-US", "complete"),
        ("What are you afraid of", "en-US", "open"),
        ("ich wohne in Berlin", "de-DE", "complete"),
        ("ich möchte einen Tisch", "de-DE", "open"),
        ("ich möchte einen Tisch bestellen", "de-DE", "complete"),
        ("weil ich in Berlin wohne", "de-DE", "open"),
        ("ich weiß nicht wo er ist", "de-DE", "complete"),
    ],
)
def test_how_it_sounds(text, language, sounds):
    judgement = judge(text, language)
    assert judgement.sounds == sounds, judgement.reason
    assert judgement.reason


@pytest.mark.parametrize(
    "text",
    [
        "With tenure.", "He was not.", "Go back and.", "What is?", "Ten of.", "What is the capital of?", "And the.",
        "What is seventeen times?", "How many minutes are in?", "What is the distance to the moon, and what is this?",
        "To consider how,", "Go forward", "Four.",
    ],
)  # fmt: skip
def test_what_moonshine_makes_of_a_sentence_that_is_cut_is_not_complete(text):
    assert judge(text, "en-US").sounds != "complete"


SAID = ["I live in Berlin", "what is the", "where is my order", "give me the red one and", "my number is 555", "Four"]
SAID += ["ich möchte einen Tisch", "wo ist mein Paket", "um", "tell me what it is", "have you any idea how"]


@given(st.sampled_from(SAID), st.sampled_from(["en-US", "de-DE"]), st.text(".,;:?!…- –", max_size=4))
def test_the_mark_at_the_end_is_no_cue(said, language, mark):
    assert judge(said + mark, language) == judge(said, language)


@pytest.mark.parametrize("text", ["mhm", "Mm-hmm.", "okay", "Yeah, yeah.", "uh huh", "I see"])
def test_english_backchannels(text):
    assert is_backchannel(text, "en-US")


@pytest.mark.parametrize("text", ["ja", "Ja ja.", "ach so", "genau", "alles klar"])
def test_german_backchannels(text):
    assert is_backchannel(text, "de-DE")


@pytest.mark.parametrize("text", ["stop", "yeah but wait", "no", "", "okay what is the time in Paris now"])
def test_what_takes_the_floor_is_no_backchannel(text):
    assert not is_backchannel(text, "en-US")


def test_words_ignore_case_and_punctuation_but_keep_numbers_whole():
    assert words("What’s 3.14, Sophia?") == ["what's", "3.14", "sophia"]
