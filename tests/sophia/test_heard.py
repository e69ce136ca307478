"""What was heard, to the word."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.heard import Caption, Script
from sophia.marks import segments
from sophia.speech import SpeechChunk, SpokenWord

RATE = 1000


def timed(*words):
    return tuple(SpokenWord(text, start, end) for text, start, end in words)


def silence(samples):
    return np.zeros(samples, np.int16)


def test_with_word_times_it_is_exact():
    script = Script(RATE)
    script.add("Hello there, you.", 100, 1100, timed(("Hello", 0.0, 0.4), ("there", 0.4, 0.7), ("you", 0.7, 1.0)))
    assert script.heard(0) == ""
    assert script.heard(100) == ""
    assert script.heard(299) == ""
    assert script.heard(300) == "Hello"
    assert script.heard(649) == "Hello"
    assert script.heard(650) == "Hello there,"
    assert script.heard(1100) == "Hello there, you."
    assert script.heard(99_999) == "Hello there, you."


def test_words_spoken_otherwise_than_written():
    script = Script(RATE)
    words = timed(("It", 0, 0.2), ("is", 0.2, 0.4), ("twenty", 0.4, 0.8), ("three", 0.8, 1.1), ("now", 1.1, 1.4))
    script.add("It is 23 now.", 0, 1500, words)
    assert script.heard(390) == "It is"
    assert script.heard(1000) == "It is 23"
    assert script.heard(1500) == "It is 23 now."


def test_clauses_follow_each_other():
    script = Script(RATE)
    script.add("First one.", 0, 1000)
    script.add("Second one.", 1200, 2200)
    assert script.heard(1000) == "First one."
    assert script.heard(1250) == "First one."
    assert script.heard(1800) == "First one. Second"
    assert script.heard(2200) == "First one. Second one."


def test_captions():
    script = Script(RATE)
    script.add("First one.", 100, 1100)
    script.add("Second one.", 1200, 2200)
    assert script.caption(0) is None
    assert script.caption(100) == Caption("First one.", 0)
    assert script.caption(1150) == Caption("First one.", 10)
    assert script.caption(1800) == Caption("Second one.", 6)


def test_it_follows_chunks_as_they_are_pushed():
    script = Script(RATE)
    script.follow(SpeechChunk(silence(300), 0, "One two three four five."))
    assert script.samples == 300
    assert script.heard(300) == "One", "the end is not known: a guess from the usual pace"
    script.follow(SpeechChunk(silence(900), 0, "One two three four five.", last=True))
    script.follow(SpeechChunk(silence(0), 1, "🙂", last=True))
    script.follow(SpeechChunk(silence(500), 2, "Six.", words=timed(("Six.", 0.1, 0.4))))
    script.follow(SpeechChunk(silence(0), 2, "Six.", last=True))
    assert script.samples == 1700
    assert script.heard(1200) == "One two three four five."
    assert script.heard(1700) == "One two three four five. 🙂 Six."


def test_a_clause_whose_end_is_not_known_is_not_taken_for_heard():
    script = Script(RATE)
    script.follow(
        SpeechChunk(silence(500), 0, "A rather long sentence with many words that has only just begun to come.")
    )
    heard = script.heard(500)
    assert heard == "A rather"


words = st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=12)


@given(words, st.randoms(use_true_random=False), st.floats(0, 1))
def test_never_more_than_one_word_off_with_times(texts, random, at):
    """Whatever the pace of the words: cut anywhere, the heard text is the words that were more than half played."""
    now, timing = 0.0, []
    for text in texts:
        length = random.uniform(0.05, 0.6)
        timing.append(SpokenWord(text, now, now + length))
        now += length
    script = Script(RATE)
    script.add(" ".join(texts), 0, round(now * RATE), timing)
    position = round(at * now * RATE)
    heard = len(script.heard(position).split())
    truly = sum(word.end * RATE <= position for word in timing)
    assert truly <= heard <= truly + 1


@given(words, st.floats(0, 1), st.floats(-0.25, 0.25))
def test_at_most_one_word_off_without_times_if_the_pace_is_near_even(texts, at, bend):
    """Words as long as their letters, give or take a quarter: the even spread is one word off at most."""
    lengths = [(len(text) + 1) * (1 + bend * (-1) ** index) for index, text in enumerate(texts)]
    ends = np.cumsum(lengths) * 60
    script = Script(RATE)
    script.add(" ".join(texts), 0, int(ends[-1]))
    position = int(at * ends[-1])
    heard = len(script.heard(position).split())
    truly = int(np.count_nonzero(ends <= position))
    assert abs(heard - truly) <= 1


@pytest.mark.parametrize("complete", [True, False])
def test_what_was_heard_only_grows(complete):
    script = Script(RATE)
    text = "Dr. Smith pays 1,000 dollars, at 12:30, for nothing at all."
    script.add(text, 0, 4000 if complete else None)
    heards = [script.heard(position) for position in range(0, 4001, 10)]
    assert all(text.startswith(heard) for heard in heards)
    assert all(len(a) <= len(b) for a, b in itertools.pairwise(heards))
    assert heards[0] == ""


def chunk(clause, text, samples, last=False, words=()):
    return SpeechChunk(silence(samples), clause, text, last, words)


def joined(words):
    return "".join(word.text for word in words)


def test_words_are_news_once_their_clause_is_complete_and_only_once():
    script = Script(RATE)
    script.follow(chunk(0, "Hello there,", 1000))
    assert script.news() == []
    script.follow(chunk(0, "Hello there,", 1000, last=True))
    script.follow(chunk(1, "you.", 500))
    first = script.news()
    assert joined(first) == "Hello there,"
    assert (first[0].start, first[-1].end) == (0, 2000)
    assert all(a.end == b.start for a, b in itertools.pairwise(first))
    assert script.news() == []
    script.follow(chunk(1, "you.", 500, last=True))
    assert [(word.text, word.start, word.end) for word in script.news()] == [(" you.", 2000, 3000)]


def test_words_that_the_voice_has_timed_are_news_at_once():
    script = Script(RATE)
    timed = (SpokenWord("one", 0.0, 0.2), SpokenWord("two", 0.3, 0.5))
    script.follow(chunk(0, "one two", RATE // 10, words=timed))
    assert [(word.text, word.start, word.end) for word in script.news()] == [
        ("one", 0, round(0.2 * RATE)),
        (" two", round(0.3 * RATE), round(0.5 * RATE)),
    ]
    script.follow(chunk(0, "one two", RATE, last=True))
    assert script.news() == []


@given(st.lists(st.tuples(st.text("ab ,", max_size=12), st.integers(0, 900)), max_size=6))
def test_the_news_joined_are_what_was_heard_in_the_end(clauses):
    script, news = Script(RATE), []
    for number, (text, samples) in enumerate(clauses):
        script.follow(chunk(number, text.strip(), samples, last=True))
        news += script.news()
    assert joined(news) == script.heard(script.samples + 1)
    assert all(a.start <= a.end <= b.end for a, b in itertools.pairwise(news))


@pytest.mark.parametrize(
    ("clauses", "words"),
    [
        (("Hello there.", "How are you?"), ["Hello", " there.", " How", " are", " you?"]),
        (("你好！", "我是索菲亚。"), ["你", "好！", "我", "是", "索", "菲", "亚。"]),
        (("東京タワーです。", "「はい」と"), ["東", "京", "タワー", "で", "す。", "「は", "い」", "と"]),
        (("สวัสดีค่ะ", "ยินดี"), ["ส", "วั", "ส", "ดี", "ค่ะ", " ยิ", "น", "ดี"]),
        (("مرحبا بك.", "كيف حالك؟"), ["مرحبا", " بك.", " كيف", " حالك؟"]),
        (("안녕 하세요.",), ["안녕", " 하세요."]),
    ],
)
def test_words_are_told_by_the_syllable_where_no_spaces_part_them(clauses, words):
    script = Script(1000)
    for number, clause in enumerate(clauses):
        script.add(clause, 1000 * number, 1000 * (number + 1))
    news = script.news()
    assert [word.text for word in news] == words
    assert script.heard(99_999) == "".join(words)
    edges = [edge for word in news for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    middle = news[0].end if len(words) > 1 else 0
    assert script.heard(middle) == words[0]


@given(st.text(st.sampled_from("ab é你好。、！タワーสวัดี์مح한,. 「」1"), max_size=30))
def test_segments_are_the_text_without_its_spaces(text):
    found = segments(text)
    assert "".join(text[start:end] for start, end in found) == "".join(text.split())
    assert all(start < end for start, end in found)
