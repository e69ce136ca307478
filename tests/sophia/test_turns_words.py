"""Which words are whose: words in noise, late words, words that are told twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turn_table import Table, answered, asking

from sophia.decisions import (
    Commit,
    Correct,
    Dismiss,
    Disregard,
    Drop,
    Duck,
    FinishUtterance,
    Interrupt,
    Pause,
    Reopen,
    Reprompt,
    Resume,
    Start,
    Unduck,
)
from sophia.events import Transcribed
from sophia.transcripts import Transcript, Word
from sophia.utterance import beyond

# Noise that holds the voice detector


def noisy():
    """A noise that began before the user spoke holds the detector; the reply sounds since 3.6."""
    table = Table().starts(0.0).says(2.0, "Where is my order?", final=True).wait(3.5).audible(3.6)
    assert table.kinds() == [Start, Commit]
    return table


def test_words_count_although_noise_holds_the_detector():
    table = noisy().replies("It left this morning.").says(6.0, "no stop that", final=True).wait(12)
    assert table.kinds()[2:] == [Interrupt, Start, Commit]
    assert table.decisions[-1].text == "no stop that"
    table.audible(12.1).says(15.0, "stop talking please", final=True).wait(20)
    assert table.decisions[-1].text == "stop talking please"


def test_the_same_words_said_again_later_count_again():
    table = noisy().says(6.0, "stop", final=True).wait(9).audible(9).says(12.0, "stop", final=True).wait(16)
    assert [d.text for d in table.decisions if isinstance(d, Commit)] == ["Where is my order?", "stop", "stop"]


def test_interims_in_noise_are_answered_although_no_final_comes():
    table = Table().starts(0.0).says(1.0, "where is").says(2.0, "where is my order").wait(30)
    assert table.only(Commit).text == "where is my order"
    assert FinishUtterance in table.kinds()


@pytest.mark.parametrize("quiet", [True, False])
def test_the_voice_of_a_turn_in_noise_is_not_booked_to_the_next(quiet):
    table = noisy()
    if not quiet:
        table.ends(5.0)
    table.stops(5.9).voice(8.0, 8.04).wait(20)
    assert table.kinds()[2:] == ([Duck, Unduck] if quiet else [FinishUtterance])
    assert table.only(Dismiss).turn == 2


@pytest.mark.parametrize("at", [1.6, 3.0])
def test_a_click_neither_interrupts_her_nor_makes_her_ask(at):
    """In her first second it may make her pause, since the user most likely goes on."""
    table = answered().voice(at, at + 0.04).wait(9)
    assert {Interrupt, Reopen, Reprompt}.isdisjoint(table.kinds())
    assert table.turns.phase == "speaking"


NOISES = st.lists(
    st.tuples(st.floats(0.0, 3.0), st.floats(0.02, 1.9), st.sampled_from(["", "the", "no stop"]), st.floats(0.0, 0.4)),
    max_size=8,
)


@given(NOISES, st.booleans(), st.floats(1.6, 4.0))
def test_noises_cost_her_no_word_whatever_a_recogniser_first_makes_of_them(noises, detected, at):
    """Each noise: the silence before it, its length, what is first made of it, and how soon that is taken back."""
    table = answered().says(1.5, "where is my order", final=True).replies("It left this morning.")
    for gap, length, words, soon in noises:
        at += gap
        if detected:
            table.starts(at)
        table.says(at + max(0.07, length - 0.5), words)
        if detected:
            table.stops(max(at + length, at + 0.08))
        at += length + 0.1 + soon
        table.says(at, "", final=True)
        at += 0.01
    assert {Interrupt, Reopen, Reprompt, Commit}.isdisjoint(table.wait(at + 9).kinds())
    assert table.turns.phase == "speaking"


# Pauses are learned from words


def hesitation_after(noise):
    table = Table().voice(0.2, 1.0).says(1.24, "what time is it", final=True).wait(1.3)
    noise(table)
    return table.wait(20).turns.pauses


@pytest.mark.parametrize("when", [1.5, 3.0, 9.0])
def test_a_noise_teaches_no_pause(when):
    pauses = hesitation_after(lambda table: table.voice(when, when + 0.3))
    assert pauses.hesitation == 0
    assert pauses.after("what time is it")[0].seconds == pytest.approx(0.28)


def test_words_long_after_are_no_pause_of_a_hesitant_user():
    pauses = hesitation_after(lambda table: table.voice(9.0, 9.4).says(9.7, "hello", final=True))
    assert pauses.hesitation == 0


def test_words_soon_after_are():
    pauses = hesitation_after(lambda table: table.voice(1.7, 2.4).says(2.6, "in berlin", final=True))
    assert pauses.hesitation == pytest.approx(0.4 * 0.7)


@given(st.lists(st.floats(0, 100)))
def test_no_more_is_learned_than_the_longest_pause_that_counts(silences):
    table = Table()
    for silence in silences:
        table.turns.pauses.learn(silence)
    assert table.turns.pauses.hesitation <= table.turns.settings.pause_learned_max


def test_a_noise_in_the_middle_of_a_turn_teaches_nothing_until_words_come():
    table = Table().voice(0.2, 1.0).says(1.1, "give me the red one and").voice(1.8, 1.9)
    assert table.turns.pauses.hesitation == 0
    table.starts(2.0).says(2.5, "give me the red one and the blue one")
    assert table.turns.pauses.hesitation > 0


# Late words


@pytest.mark.parametrize("late", [1.5, 2.5, 4.0, 8.0])
@pytest.mark.parametrize("final", [True, False])
def test_words_that_come_after_she_asked_again_are_answered(late, final):
    """The voice ends at 1.2; with the default settings she asks at 2.2, and is heard from 2.3 to 5."""
    table, at = Table().voice(0.2, 1.2).wait(2.3).audible(2.3), 1.2 + late
    if at > 5:
        table.ends(5)
    table.says(at, "where is my order", final=final).wait(30)
    assert table.decisions[-1].text == "where is my order"
    assert isinstance(table.decisions[-1], Commit)
    assert table.kinds().count(Interrupt) == (at < 5)


@pytest.mark.parametrize("at", [2.5, 3.5])
def test_a_yes_that_she_has_just_asked_for_is_no_backchannel(at):
    table = Table().voice(0.2, 1.2).wait(2.3).audible(2.3).says(at, "yes", final=True).wait(9)
    assert table.decisions[-1].text == "yes"
    assert isinstance(table.decisions[-1], Commit)


@pytest.mark.parametrize("final", [True, False])
def test_a_question_that_was_not_heard_yet_is_withdrawn(final):
    table = Table().voice(0.2, 1.2).wait(2.3).says(2.35, "where is my order", final=final).wait(9)
    assert [kind for kind in table.kinds() if kind is not FinishUtterance] == [Reprompt, Drop, Start, Commit]
    assert {d.turn for d in table.decisions} == {1}


def test_words_of_a_voice_that_was_taken_for_noise_are_answered_when_they_come():
    table = asking("It left this morning.").voice(4.0, 5.0).wait(6.5)
    assert table.kinds()[1:] == [Duck, Pause, Resume, Unduck]
    table.says(7.0, "no stop that", final=True).wait(9)
    assert table.decisions[-1].text == "no stop that"


def test_words_that_come_after_a_voice_was_not_worth_asking_about():
    table = Table().voice(0.2, 0.5).wait(3).says(4.5, "stop", final=True).wait(9)
    assert [d.text for d in table.decisions if isinstance(d, Commit)] == ["stop"]


# Old and new words


SEVENTEEN = "what is seventeen times twenty three"
FIGURES = "What is 17 times 23?"


def sums(timed=True):
    """The sum was said from 0.2 to 2.0 and is answered on a stable partial; her reply sounds since 2.5."""
    sound = (0.2, 2.0) if timed else None
    table = Table().voice(0.2, 2.0).says(2.24, SEVENTEEN, stable=True, sound=sound).wait(2.4).audible(2.5)
    assert table.kinds() == [Start, Commit]
    return table.replies("It is three hundred and ninety one.")


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(
    "text", [FIGURES, "What is 17 × 23?", SEVENTEEN.title(), "what is seventeen times twenty tree"]
)
def test_a_late_final_in_other_words_is_no_new_turn(timed, text):
    sound = (0.2, 2.0) if timed else None
    table = sums(timed).starts(4.0).says(4.3, text, final=True, sound=sound)
    assert {Interrupt, Reopen}.isdisjoint(table.kinds())
    table.stops(5.0).says(5.3, "and what is that in euros", final=True, sound=(4.0, 5.0) if timed else None).wait(9)
    assert table.decisions[-1].text == "and what is that in euros"


def test_a_final_that_is_told_twice_is_no_new_turn():
    table = sums().says(2.6, FIGURES, final=True, sound=(0.2, 2.0)).says(3.5, FIGURES, final=True, sound=(0.21, 1.99))
    table.starts(4.0).says(4.2, "What's 17 × 23?", final=True, sound=(0.2, 2.0)).stops(4.1).wait(9)
    assert {Interrupt, Reopen}.isdisjoint(table.kinds())
    untimed = sums(timed=False).says(2.6, FIGURES, final=True).says(3.0, FIGURES, final=True).wait(9)
    assert {Interrupt, Reopen}.isdisjoint(untimed.kinds())


def test_a_final_told_twice_before_the_turn_is_decided_is_said_once():
    for sound in ((0.2, 2.0), None):
        table = Table().voice(0.2, 2.0).says(2.05, "blue shoes", final=True, sound=sound)
        table.says(2.1, "blue shoes", final=True, sound=sound).wait(9)
        assert table.only(Commit).text == "blue shoes"
        assert table.only(Disregard).text == "blue shoes"


@pytest.mark.parametrize("mark", [".", "…", "?!", "-"])
def test_a_mark_alone_says_nothing(mark):
    table = answered().says(1.6, "where is my order", final=True).replies("It left.").voice(4.0, 4.4)
    table.says(4.6, mark).says(4.8, mark, final=True).wait(9)
    assert table.kinds()[1:] == [Duck, Pause, Resume, Unduck]
    dictated = Table().voice(0.2, 1.0).says(1.1, "my number is five", final=True).says(1.2, mark, final=True)
    assert dictated.wait(9).only(Commit).text == "my number is five"


def test_a_final_without_words_hides_none_that_come_later():
    table = Table().voice(0.2, 0.3).says(0.9, "", final=True, sound=(0.2, 0.8)).voice(0.7, 1.5)
    table.says(1.8, "no wait a moment", final=True, sound=(0.65, 1.5)).wait(9)
    assert table.only(Commit).text == "no wait a moment"


def test_one_final_with_the_answered_words_and_the_new_ones_is_divided_by_time():
    new = "And what is that in euros?"
    old_words = tuple(Word(word, 0.2 + 0.36 * i, 0.5 + 0.36 * i) for i, word in enumerate(FIGURES.split()))
    new_words = tuple(Word(word, 4.0 + 0.2 * i, 4.2 + 0.2 * i) for i, word in enumerate(new.split()))
    table = sums().starts(4.0).stops(5.2).wait(5.5)
    whole = Transcript(f"{FIGURES} {new}", final=True, words=old_words + new_words, audio_processed=5.5)
    table.tell(Transcribed(at=5.5, transcript=whole)).wait(9)
    assert Interrupt in table.kinds()
    assert table.decisions[-1].text == new


def test_words_that_a_slow_recogniser_had_not_heard_when_the_turn_was_decided_are_news():
    table = Table().voice(0.2, 3.0).says(1.2, "book a table", sound=(0.2, 0.9)).wait(6).audible(6.1)
    assert table.kinds() == [FinishUtterance, Start, Commit]
    table.replies("For when?").says(6.5, "book a table for two at eight", final=True, sound=(0.2, 3.0)).wait(9)
    assert Reopen in table.kinds()
    assert table.decisions[-1].text.startswith("book a table")
    assert table.decisions[-1].text.endswith("for two at eight")


def test_the_final_of_a_turn_that_was_reopened_corrects_its_words():
    table = sums().starts(2.7).says(3.0, SEVENTEEN + " and five", sound=(0.2, 3.3)).stops(3.3)
    table.says(3.6, "What is 17 times 23? And 5?", final=True, sound=(0.2, 3.3)).wait(9)
    assert Reopen in table.kinds()
    assert table.decisions[-1].text.startswith("What is 17")


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("audible", [True, False])
@pytest.mark.parametrize("pieces", [1, 2])
def test_so_does_one_that_comes_when_the_whole_is_decided(timed, audible, pieces):
    """The recogniser says one final of both pieces, or one of each."""
    first, whole = (0.2, 2.0) if timed else None, (0.2, 3.3) if timed else None
    table = sums(timed).starts(2.7).stops(3.3).says(3.5, SEVENTEEN + " and five", stable=True, sound=whole).wait(3.7)
    assert table.kinds()[-3:] == [Reopen, Start, Commit]
    if audible:
        table.audible(3.75)
    if pieces == 2:
        table.says(3.8, FIGURES, final=True, sound=first)
        table.says(3.9, "And 5?", final=True, sound=(2.7, 3.3) if timed else None)
    else:
        table.says(3.8, f"{FIGURES} And 5?", final=True, sound=whole)
    table.wait(9)
    last = [d for d in table.decisions if isinstance(d, Commit | Correct)][-1]
    assert last.text == f"{FIGURES} And 5?"
    assert isinstance(last, Correct) is audible
    assert {d.turn for d in table.decisions if isinstance(d, Commit | Correct)} == {1}


@pytest.mark.parametrize(
    ("text", "before", "old", "new"),
    [
        (FIGURES, SEVENTEEN, FIGURES, ""),
        (FIGURES + " Stop.", SEVENTEEN, FIGURES, "Stop."),
        ("Where is my order? For the shoes.", "where is my order", "Where is my order?", "For the shoes."),
        ("where is my border", "where is my order", "where is my border", ""),
        ("no stop", "where is my order", "", "no stop"),
        ("$20 for 5 days", "twenty dollars for five days", "$20 for 5 days", ""),
    ],
)
def test_likeness_divides_where_no_times_are_told(text, before, old, new):
    assert beyond(text, before) == (old, new)


@given(
    said=st.lists(st.sampled_from(["what", "is", "seventeen", "times", "23", "stop", "the", "blue"]), min_size=1),
    reworded=st.lists(st.sampled_from(["What", "17", "×", "stop.", "The"]), min_size=1),
    late=st.floats(0, 3),
    doubled=st.booleans(),
    voice=st.booleans(),
)
def test_no_final_on_answered_sound_makes_a_turn(said, reworded, late, doubled, voice):
    """However late, reworded or doubled it is, and whether or not the user is speaking again."""
    table = Table().voice(0.2, 2.0).says(2.24, " ".join(said), stable=True, sound=(0.2, 2.0)).wait(4).audible(4.1)
    answered_text = table.only(Commit).text
    table.replies("I see.")
    if voice:
        table.starts(5.2)
    for at in [5.3 + late] + [5.4 + late] * doubled:
        table.says(at, " ".join(reworded), final=True, sound=(0.2, 2.0))
    if voice:
        table.stops(9.0)
        table.says(9.3, "and tomorrow", final=True, sound=(5.2, 9.0))
    table.wait(20)
    decided = [d.text for d in table.decisions if isinstance(d, Commit)]
    assert decided == [answered_text] + ["and tomorrow"] * voice
