"""Turn taking while she speaks: who takes the floor, who does not, and when a turn is reopened."""

import pytest
from turn_table import Table, answered

from sophia.decisions import (
    Commit,
    Dismiss,
    Disregard,
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
from sophia.events import (
    ReplyText,
)
from sophia.turn_settings import TurnSettings

# Barge-in


def test_barge_in_ducks_then_pauses_then_stops_for_words():
    table = answered().starts(3.0).wait(3.2).says(3.3, "no stop").stops(3.4)
    assert table.kinds()[1:] == [Duck, Pause]
    pause = table.only(Pause)
    assert pause.at == pytest.approx(3.13)
    assert pause.onset == 3.0
    table.says(3.7, "no stop", stable=True).wait(5)
    assert table.kinds()[3:] == [Interrupt, Start, Commit]
    assert table.only(Interrupt).at == pytest.approx(3.7)
    assert table.decisions[-1].text == "no stop"


@pytest.mark.parametrize("seconds", [0.2, 0.7, 2.0, 10.0, 60.0])
def test_a_voice_without_words_pauses_her_and_she_goes_on(seconds):
    table = answered().voice(3.0, 3.0 + seconds).wait(70)
    assert table.kinds()[1:] == [Duck, Pause, Resume, Unduck]
    resume = table.only(Resume)
    assert resume.at == pytest.approx(min(3.0 + seconds + 0.8, 3.0 + 2.0), abs=0.07)
    assert not resume.backchannel
    assert "voice" in table.only(Dismiss).reason or "no words" in table.only(Dismiss).reason


@pytest.mark.parametrize("onset", [1.5, 3.0])
@pytest.mark.parametrize("voice", [True, False])
def test_words_that_come_to_nothing_pause_her_and_she_goes_on(onset, voice):
    table = answered().says(1.45, "where is my order", final=True).replies("It left this morning.")
    if voice:
        table.voice(onset, onset + 0.4)
    table.says(onset + 0.5, "the weather").says(onset + 0.9, "", final=True).wait(20)
    assert [kind for kind in table.kinds()[1:] if kind is not FinishUtterance] == [Duck, Pause, Resume, Unduck]
    assert table.only(Resume).at < onset + 1.3
    assert not table.only(Resume).backchannel


@pytest.mark.parametrize("voice", [0.5, 2.5, 30.0])
def test_words_without_a_last_word_take_the_floor_all_the_same(voice):
    """She paused at once; the recogniser is asked as soon as it would be for any turn."""
    table = answered().starts(3.0).says(3.3, "no stop").stops(3.0 + voice).wait(40)
    assert table.only(Pause).at == pytest.approx(3.13)
    assert table.only(Interrupt).at == pytest.approx(min(3.0 + voice + 0.45 + 0.7, 5.0), abs=0.01)
    assert table.only(Commit).text == "no stop"
    assert table.only(FinishUtterance).generation == 0  # her reply has none of it


@pytest.mark.parametrize("interims", [True, False])
def test_a_long_voice_is_not_talked_over_where_words_come_at_its_end(interims):
    table = Table().voice(0.2, 1.0)
    if interims:
        table.says(1.05, "where is my order")
    table.says(1.1, "where is my order", final=True).wait(1.35).audible(1.4)
    table.voice(4.0, 8.0).says(8.3, "no tell me about the shoes", final=True).wait(12)
    assert (Resume in table.kinds()) is interims
    assert table.decisions[-1].text == "no tell me about the shoes"


@pytest.mark.parametrize("seconds", [0.2, 0.7, 2.0, 10.0])
def test_a_voice_without_words_delays_a_reply_that_is_not_heard_yet_and_loses_none(seconds):
    table = Table().voice(0.2, 1.0).says(1.24, "where is my order", final=True).wait(1.3)
    table.voice(1.5, 1.5 + seconds).wait(20)
    assert table.kinds() == [Start, Commit, Pause, Resume]
    assert table.only(Resume).rewind == 0
    assert table.only(Resume).at <= 1.5 + 8.1


def test_words_take_the_floor_although_the_voice_was_taken_for_noise():
    table = answered().starts(3.0).wait(6).says(6.5, "no stop that").stops(6.6)
    table.says(6.9, "no stop that", final=True).wait(9)
    assert table.kinds()[1:] == [Duck, Pause, Resume, Unduck, Duck, Pause, Interrupt, Start, Commit]
    assert table.decisions[-1].text == "no stop that"


def test_a_cough_only_ducks_her():
    table = answered().voice(3.0, 3.06).wait(5)
    assert table.kinds()[1:] == [Duck, Unduck]


def test_a_backchannel_does_not_stop_her():
    table = answered().voice(3.0, 3.3).says(3.5, "mhm", final=True).wait(6)
    assert table.kinds()[1:] == [Duck, Pause, Resume, Unduck]
    assert table.only(Resume).backchannel


def test_a_false_interruption_resumes_where_she_was():
    table = answered().voice(3.0, 3.4).wait(6)
    assert table.kinds()[1:] == [Duck, Pause, Resume, Unduck]
    resume = table.only(Resume)
    assert resume.at == pytest.approx(3.4 + 0.8)
    assert resume.rewind == pytest.approx(0.2)
    assert not resume.backchannel


def test_rejected_noise_gives_her_the_floor_back_at_once():
    table = answered().voice(3.0, 3.4).says(3.6, "", final=True).wait(6)
    # The first final is the answered utterance's own; the second one is about the noise.
    assert table.only(Resume).at <= 3.4 + 0.8 + 1e-6


def test_her_own_echo_in_the_recogniser_does_not_interrupt_her():
    table = answered().says(1.6, "where is my order", final=True)
    table.tell(ReplyText(at=1.7, generation=1, delta="Your order left our main warehouse this morning."))
    table.says(2.5, "your order left a warehouse", final=True)
    assert table.wait(4).kinds() == [Start]
    assert table.only(Disregard).text == "your order left a warehouse"


@pytest.mark.parametrize("since", [0.9, 2.5])
def test_words_soon_after_a_voice_are_no_echo_although_it_was_taken_for_noise(since):
    table = answered().says(1.6, "where is my order", final=True).replies("Your order left our warehouse.")
    table.voice(4.0, 5.0).says(5.0 + since, "our order", final=True).wait(12)
    assert (Interrupt in table.kinds()) is (since < 2)


@pytest.mark.parametrize("timed", [True, False])
def test_words_that_were_said_before_she_was_heard_are_no_echo(timed):
    table = Table().voice(0.2, 2.0).says(1.9, "where is my", final=True, sound=(0.2, 1.6)).wait(3.4).audible(3.4)
    table.replies("Your order left our warehouse.")
    table.says(3.8, "order", final=True, sound=(1.7, 2.0) if timed else None).wait(9)
    assert table.decisions[-1].text == ("where is my order" if timed else "order")
    assert isinstance(table.decisions[-1], Commit if timed else Disregard)


def test_words_over_hers_that_are_not_hers_count_although_no_voice_was_detected():
    table = answered().says(1.6, "where is my order", final=True)
    table.tell(ReplyText(at=1.7, generation=1, delta="Your order left our main warehouse this morning."))
    table.says(3.5, "no stop that", final=True).wait(5)
    assert table.kinds()[1:] == [Interrupt, Start, Commit]
    assert table.decisions[-1].text == "no stop that"


def test_barge_in_can_be_switched_off():
    table = answered(TurnSettings(barge_in=False)).voice(3.0, 4.5).says(4.6, "stop it now", final=True).wait(5)
    assert table.kinds() == [Start]


@pytest.mark.parametrize("barge_in", [True, False])
def test_a_final_without_words_says_nothing_of_a_voice_that_goes_on(barge_in):
    table = answered(TurnSettings(barge_in=barge_in)).says(1.6, "where is my order", final=True)
    table.starts(4.0).says(4.5, "", final=True).stops(5.0).says(5.3, "no stop that", final=True)
    assert Dismiss not in {type(d) for d in table.decisions}
    table.ends(6.0).wait(12)
    assert table.decisions[-1].text == "no stop that"


# Reopening


def test_going_on_right_after_her_start_reopens_the_turn_with_both_pieces():
    table = answered().says(1.55, "where is my order", final=True)
    table.starts(1.7).says(2.1, "for the shoes").stops(2.2)
    assert table.kinds()[1:] == [Duck, Pause]
    assert table.only(Pause).at == pytest.approx(1.764)  # at once
    table.says(2.45, "for the shoes", stable=True).wait(4)
    assert table.kinds()[3:] == [Reopen, Start, Commit]
    assert table.decisions[-1].text == "where is my order for the shoes"
    assert table.turns.pauses.hesitation == 0  # her sound had set in: this was her haste, not a pause of the user's


def test_going_on_before_she_is_heard_reopens_the_turn():
    table = Table().voice(0.2, 1.0).says(1.24, "where is my order", stable=True).wait(1.3)
    table.starts(1.3).says(1.8, "where is my order for the shoes").stops(1.9)
    table.says(2.15, "where is my order for the shoes", final=True).wait(4)
    assert table.kinds() == [Start, Commit, Pause, Reopen, Start, Commit]
    assert table.decisions[-1].text == "where is my order for the shoes"
    assert table.turns.pauses.hesitation > 0


def test_a_turn_that_was_reopened_is_not_decided_while_that_voice_goes_on():
    table = Table().voice(0.2, 1.0).says(1.24, "what is the capital of", final=True).wait(2.4).audible(2.4)
    table.starts(2.5).says(3.4, "germany").stops(3.5).says(3.7, "germany", stable=True).wait(6)
    assert table.kinds() == [Start, Commit, Duck, Pause, Reopen, Start, Commit]
    decided = [d for d in table.decisions if isinstance(d, Commit)][-1]
    assert decided.text == "what is the capital of germany"
    assert decided.at > 3.5


def test_a_backchannel_right_after_her_start_does_not_reopen():
    table = answered().says(1.55, "where is my order", final=True).voice(1.8, 2.1).says(2.3, "okay", final=True).wait(4)
    assert table.kinds()[1:] == [Duck, Pause, Resume, Unduck]


def test_the_answered_words_repeated_by_the_stream_are_no_interruption():
    table = answered().starts(3.0).says(3.1, "where is my order").stops(3.12).wait(6)
    assert Interrupt not in table.kinds()
    assert Reopen not in table.kinds()


def test_a_late_final_of_the_answered_words_is_no_verdict_on_the_new_ones():
    table = answered().ends(3.0).voice(5.0, 6.0).says(6.2, "Where is my order?", final=True)
    table.says(6.9, "what time is it", final=True).wait(9)
    assert Reprompt not in table.kinds()
    assert table.decisions[-1].text == "what time is it"
