"""Turn taking as conversations: what happens when, and what is decided."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turn_events import EVENTS, SETTINGS, Ears, drive
from turn_table import Table, answered

from sophia.completeness import words
from sophia.decisions import (
    Announce,
    Apologise,
    Begin,
    Commit,
    Correct,
    Dismiss,
    Disregard,
    Drop,
    Duck,
    Farewell,
    FinishUtterance,
    Interrupt,
    Pause,
    Refuse,
    Reopen,
    Reprompt,
    Resume,
    Say,
    Start,
    Unduck,
)
from sophia.events import (
    CancelRequested,
    CommitRequested,
    Failed,
    HoldEnded,
    HoldStarted,
    ReplyText,
    Stopped,
    TextTyped,
    Tick,
)
from sophia.playout_events import PlayoutFinished
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking

# Endpointing and speculation


def test_a_complete_sentence_is_answered_after_the_short_pause_and_started_before():
    table = Table().voice(0.2, 1.0).says(1.07, "where is my order", final=True).wait(3)
    start, commit = table.only(Start), table.only(Commit)
    assert start.at == pytest.approx(1.07)
    assert commit.at == pytest.approx(1.0 + 0.28)
    assert commit.generation == start.generation
    assert commit.silence == pytest.approx(0.28)
    assert "complete" in commit.reason


def test_the_guess_starts_with_the_final_even_if_the_voice_detector_lags_behind():
    table = Table().starts(0.2).says(1.03, "where is my order", final=True).stops(1.0).wait(3)
    assert table.only(Start).at == pytest.approx(1.03)
    assert table.only(Commit).at == pytest.approx(1.28)


def test_an_unfinished_sentence_gets_the_long_pause():
    table = Table().voice(0.2, 1.0).says(1.3, "i would like to", stable=True).wait(5)
    assert table.only(Commit).at == pytest.approx(1.0 + 1.3)
    assert "unfinished" in table.only(Commit).reason


def test_the_user_goes_on_during_the_pause_and_nothing_is_heard_of_the_guess():
    table = Table().voice(0.2, 1.0).says(1.25, "give me the red one and", stable=True)
    table.starts(1.5).says(1.9, "give me the red one and the blue one").stops(2.0)
    table.says(2.25, "give me the red one and the blue one", stable=True).wait(5)
    assert table.kinds() == [Start, Drop, Start, Commit]
    assert table.only(Commit).text == "give me the red one and the blue one"


def test_a_breath_does_not_throw_the_guess_away():
    table = Table().voice(0.2, 1.0).says(1.24, "i live in berlin", stable=True).voice(1.35, 1.45).wait(5)
    assert table.kinds() == [Start, Commit]
    assert table.only(Commit).at == pytest.approx(1.45 + 0.6, abs=0.2)


def test_a_final_that_only_adds_punctuation_keeps_the_guess():
    table = (
        Table()
        .voice(0.2, 1.0)
        .says(1.24, "where is my order", stable=True)
        .says(1.26, "Where is my order?", final=True)
    )
    assert table.wait(3).kinds() == [Start, Commit]


def test_a_final_with_other_words_drops_the_guess_unheard():
    table = (
        Table()
        .voice(0.2, 1.0)
        .says(1.20, "where is my border", stable=True)
        .says(1.25, "where is my order", final=True)
    )
    assert table.wait(3).kinds() == [Start, Drop, Start, Commit]
    assert table.only(Commit).text == "where is my order"


def test_a_final_with_other_words_after_the_decision_but_before_the_sound_is_answered_instead():
    table = Table().voice(0.2, 1.0).says(1.24, "where is my border", stable=True).wait(1.3)
    table.says(1.5, "where is my order", final=True)
    assert table.kinds() == [Start, Commit, Drop, Start, Commit]
    assert table.decisions[-1].text == "where is my order"


@pytest.mark.parametrize("over", [False, True])
def test_a_late_final_after_the_sound_corrects_the_question_and_leaves_the_reply(over):
    table = answered()
    if over:
        table.ends(1.5)
    table.says(1.6, "where is my border", final=True).wait(3)
    assert table.kinds() == [Start, Correct]
    assert (table.only(Correct).text, table.only(Correct).generation) == ("where is my border", 1)


def test_without_speculation_the_reply_starts_with_the_decision():
    table = Table(TurnSettings(speculate=False)).voice(0.2, 1.0).says(1.07, "where is my order", final=True).wait(3)
    assert table.only(Start).at == table.only(Commit).at


def test_only_a_partial_the_recogniser_is_asked_for_its_last_word_and_not_waited_for_for_ever():
    table = Table().voice(0.2, 1.0).says(0.9, "where is my order").wait(5)
    assert table.kinds() == [FinishUtterance, Start, Commit]
    assert table.only(FinishUtterance).at == pytest.approx(1.45)
    assert table.only(Commit).at == pytest.approx(1.45 + 0.7)


def test_noise_that_never_ends_does_not_keep_her_silent():
    table = Table().starts(0.2).says(2.0, "Where is my order?", final=True).wait(9)
    assert table.only(Commit).at == pytest.approx(2.0 + 1.3)


def test_words_too_soft_for_the_voice_detector_are_answered():
    assert Table().says(1.0, "hello sophia", final=True).wait(3).kinds() == [Start, Commit]


def test_speculation_is_bounded():
    table = Table(TurnSettings(max_speculations=2)).voice(0.2, 1.0)
    for i in range(6):
        table.says(1.1 + i / 100, f"the blue box {i}", stable=True)
    table.wait(5)
    assert table.kinds().count(Start) == 3  # two guesses and the decided one


def test_a_hesitant_user_is_given_longer_pauses_within_the_bound():
    table = Table()
    table.starts(0.1)
    for i in range(12):  # speaks over pauses of 900 ms
        table.stops(0.5 + i * 1.4).says(0.57 + i * 1.4, "and " * (i + 1)).starts(1.4 + i * 1.4)
    pause, sounds, _ = table.turns.pauses.after("the blue box")
    assert sounds == "open"
    assert 0.9 < pause <= table.turns.settings.pause_learned_max


def test_a_timer_that_fires_a_millisecond_early_is_on_time():
    """An event loop's clock may count whole milliseconds: asked to come again at once, the driver would spin."""
    table = Table().voice(0.2, 1.0).says(1.07, "where is my order", final=True)
    table.tell(Tick(at=table.turns.deadline - 0.0009))
    assert table.kinds() == [Start, Commit]
    assert table.turns.deadline is None


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


# Never silent


def test_speech_without_text_is_asked_about():
    table = Table().voice(0.2, 1.2).wait(5)
    assert table.kinds() == [FinishUtterance, Reprompt]
    assert table.only(Reprompt).at == pytest.approx(2.2)


def test_a_cough_is_not_asked_about():
    assert Table().voice(0.2, 0.4).wait(5).kinds() == [FinishUtterance]


def test_she_does_not_nag():
    table = Table()
    for i in range(5):
        table.voice(10 * i + 0.2, 10 * i + 1.2).wait(10 * i + 4)
        if table.turns.phase == "thinking":
            table.audible(10 * i + 4.1).ends(10 * i + 5)
    assert table.kinds().count(Reprompt) == 2


def test_text_that_comes_after_all_is_answered_instead_of_asked_about():
    table = Table().voice(0.2, 1.2).wait(2.3).says(2.35, "where is my order", final=True)
    assert table.kinds() == [FinishUtterance, Reprompt, Drop, Start, Commit]


# A client's wishes


def test_a_typed_message_is_answered_at_once():
    table = Table().tell(TextTyped(at=1.0, text=" what time is it "))
    assert table.kinds() == [Start, Commit]
    assert table.only(Begin).origin == "typed"
    assert table.only(Commit).text == "what time is it"
    assert table.only(Commit).silence == 0


def test_a_typed_message_takes_the_floor_from_her():
    table = answered().tell(TextTyped(at=3.0, text="stop"))
    assert table.kinds()[1:] == [Interrupt, Start, Commit]
    assert table.decisions[-1].turn == 2


def test_a_message_typed_while_speaking_belongs_to_what_was_said():
    table = Table().voice(0.2, 1.0).says(1.1, "send it to", final=True)
    table.tell(TextTyped(at=1.2, text="me@example.org"))
    assert table.decisions[-1].text == "send it to me@example.org"
    assert table.only(Begin).turn == 1


def test_an_empty_message_is_refused_with_a_reason():
    assert "empty" in Table().tell(TextTyped(at=1.0, text="  ")).only(Refuse).reason


def test_a_client_decides_the_turn_whatever_the_words_sound_like():
    table = Table().voice(0.2, 1.0).says(1.1, "i would like to", final=True).tell(CommitRequested(at=1.15))
    assert table.only(Commit).at == 1.15
    assert "a client asked" in table.only(Commit).reason


def test_a_client_that_decides_too_early_waits_for_the_recogniser_at_most_so_long():
    table = Table().starts(0.2).says(0.9, "where is my").tell(CommitRequested(at=1.0))
    assert table.only(FinishUtterance).at == 1.0
    table.says(1.2, "where is my order", final=True)
    assert table.only(Commit).text == "where is my order"
    slow = Table().starts(0.2).says(0.9, "where is my").tell(CommitRequested(at=1.0)).wait(5)
    assert slow.only(Commit).at == pytest.approx(1.7)


def test_the_wait_for_the_last_word_ends_also_where_it_begins_at_time_zero():
    table = Table().says(0.0, "mhm").tell(CommitRequested(at=0.0)).wait(5)
    assert table.only(Commit).at == pytest.approx(0.7)


def test_there_must_be_something_to_commit_or_to_cancel():
    assert "nothing to commit" in Table().tell(CommitRequested(at=1.0)).only(Refuse).reason
    assert "no reply to cancel" in Table().tell(CancelRequested(at=1.0)).only(Refuse).reason


def test_a_client_cancels_the_reply_that_sounds():
    table = answered().tell(CancelRequested(at=3.0)).wait(9)
    assert table.kinds()[1:] == [Interrupt]
    assert table.only(Interrupt).onset is None


def test_a_client_cancels_a_guess_and_the_words_are_dismissed_by_name():
    table = Table().voice(0.2, 1.0).says(1.1, "where is my order", final=True).tell(CancelRequested(at=1.12)).wait(9)
    assert table.kinds() == [Start, Drop]
    assert table.only(Dismiss).text == "where is my order"


@pytest.mark.parametrize("timed", [True, False])
def test_the_final_of_a_guess_that_a_client_cancelled_is_no_new_turn(timed):
    table = Table().voice(0.2, 1.0).says(1.24, "where is my order", stable=True, sound=(0.2, 1.0) if timed else None)
    table.tell(CancelRequested(at=1.26)).says(
        1.6, "Where is my border?", final=True, sound=(0.2, 1.0) if timed else None
    )
    assert table.wait(9).kinds() == [Start, Drop]
    assert table.only(Disregard).text == "Where is my border?"


@pytest.mark.parametrize("timed", [True, False])
def test_what_was_said_before_a_message_was_typed_stands_before_it(timed):
    table = Table().voice(0.2, 1.0).says(1.1, "where is my order", sound=(0.2, 1.0) if timed else None)
    table.tell(TextTyped(at=1.2, text="the blue one"))
    assert table.only(Commit).text == "where is my order the blue one"
    table.says(1.5, "Where is my border?", final=True, sound=(0.2, 1.0) if timed else None).wait(9)
    assert table.decisions[-1].text == "Where is my border? the blue one"


def test_a_turn_that_a_tool_worked_for_is_not_reopened():
    table = Table().voice(0.2, 1.0).says(1.24, "where is my order", stable=True).wait(1.3)
    table.tell(HoldStarted(at=1.31, generation=1))
    assert table.turns.phase == "thinking"
    table.starts(1.4).says(1.8, "where is my order no stop").stops(1.9)
    table.says(2.1, "where is my order no stop", stable=True)
    assert table.kinds() == [Start, Commit, Pause, Interrupt, Start]
    held = answered().tell(HoldStarted(at=1.5, generation=1))
    assert held.turns.phase == "thinking"
    assert held.tell(HoldEnded(at=4.0, generation=1)).turns.phase == "speaking"


def test_a_service_that_fails_is_apologised_for_in_the_same_reply():
    failed = Failed(at=2.0, service="llm", error=RuntimeError("gone"), generation=1)
    assert answered().tell(failed).only(Apologise).phrase == "llm"
    stale = Failed(at=2.0, service="tts", error=RuntimeError("gone"), generation=7)
    assert answered().tell(stale).kinds() == [Start]


def test_a_guess_that_failed_is_made_again_once_the_turn_is_decided():
    table = Table().voice(0.2, 1.0).says(1.1, "where is my order", final=True)
    table.tell(Failed(at=1.15, service="llm", error=RuntimeError("gone"), generation=1, again=True)).wait(9)
    assert table.kinds() == [Start, Drop, Start, Commit]
    assert [d.generation for d in table.decisions if isinstance(d, Commit)] == [2]


def test_a_decided_reply_that_failed_unheard_is_made_again_once():
    def failed(at, generation):
        return Failed(at=at, service="llm", error=RuntimeError("gone"), generation=generation, again=True)

    table = Table().voice(0.2, 1.0).says(1.1, "where is my order", final=True).wait(2.0).tell(failed(2.0, 1))
    assert table.kinds() == [Start, Commit, Drop, Start, Commit]
    assert table.tell(failed(2.1, 2)).only(Apologise).generation == 2
    assert answered().tell(failed(2.0, 1)).only(Apologise).generation == 1  # it was heard


def test_lost_ears_are_a_farewell_and_nothing_begins_after_it():
    table = answered().tell(Failed(at=2.0, service="asr", error=RuntimeError("gone"), fatal=True))
    assert table.kinds()[1:] == [Interrupt, Farewell]
    farewell = table.only(Farewell)
    assert (farewell.turn, farewell.generation) == (2, 2)
    table.voice(3.0, 4.0).says(4.1, "hello", final=True).wait(9)
    assert table.turns.phase == "thinking"
    table.tell(PlayoutFinished(2, 9.0, 0, 9.0))
    assert table.turns.phase == "idle"


def test_nothing_begins_once_it_is_over():
    table = Table().voice(0.2, 1.0).says(1.1, "goodbye sophia and", final=True).tell(Stopped(at=1.2))
    assert table.kinds() == [Start, Drop]
    assert table.only(Dismiss).reason == "the conversation is over"
    table.voice(2.0, 3.0).says(3.1, "hello", final=True).tell(TextTyped(at=3.2, text="hello")).wait(9)
    assert table.kinds() == [Start, Drop]


# Whatever happens


@settings(max_examples=400)
@given(SETTINGS, EVENTS, st.booleans())
def test_any_conversation_with_any_settings_keeps_the_rules(chosen, events, timed):
    machine = Machine(chosen)
    ears = Ears(timed)
    now = drive(machine, events, ears)
    follows_the_rules(machine.decisions)
    # A quiet minute later nothing hangs: no guess is left undecided, nobody is paused, nothing is waited for.
    assert machine.turns.phase in ("idle", "thinking", "speaking")
    assert machine.turns.deadline is None
    machine.tell(Stopped(at=now))
    assert machine.turns.phase == "idle"
    every_word_is_named(ears.finals, machine.decisions)


def every_word_is_named(finals, decisions):
    """Each final with words is in the text of decisions: as a whole, or in two parts, the answered and the new one."""
    named = [" ".join(words(d.text)) for d in decisions if getattr(d, "text", "")]
    for final in finals:
        said = words(final.text)
        parts = [(" ".join(said[:cut]), " ".join(said[cut:])) for cut in range(len(said))]
        assert any(all(any(part in text for text in named) for part in both) for both in parts), (final, named)


class Machine:
    """Turn taking that keeps what it decided."""

    def __init__(self, chosen):
        self.turns = TurnTaking(chosen)
        self.decisions = []

    def tell(self, event):
        decided = self.turns.tell(event)
        self.decisions += decided
        return decided


def follows_the_rules(decisions):
    live, committed, paused, ducked, last, generations, turns = None, False, False, False, 0.0, 0, 0
    open_turns = set()
    for decision in decisions:
        assert decision.at >= last - 1e-3
        assert decision.reason
        last = max(last, decision.at)
        if not isinstance(decision, Begin | Refuse | Disregard | Correct):
            assert decision.turn in open_turns, decision
        match decision:
            case Begin(turn=turn):
                assert turn == turns + 1
                turns = turn
                open_turns.add(turn)
            case Start(generation=generation):
                if committed:
                    live = None  # ended by the sink's word
                assert live is None
                assert generation == generations + 1
                generations = live = generation
                committed, paused = False, False
            case Reprompt(generation=generation) | Announce(generation=generation) | Say(generation=generation):
                assert generation == generations + 1
                generations = live = generation
                committed, paused = True, False
            case Commit(generation=generation):
                assert generation == live
                assert not committed
                committed = True
            case Drop(generation=generation):
                assert generation == live
                live, committed, paused, ducked = None, False, False, False
            case Interrupt(generation=generation, turn=turn):
                assert generation == live
                assert committed
                live, committed, paused, ducked = None, False, False, False
                open_turns.remove(turn)
            case Reopen(generation=generation, joined=joined):
                assert generation == live
                assert committed
                live, committed, paused, ducked = None, False, False, False
                open_turns.remove(joined)
            case Dismiss(turn=turn):
                open_turns.remove(turn)
            case Pause(generation=generation):
                assert generation == live
                assert not paused
                paused = True
            case Resume(generation=generation):
                assert generation == live
                assert paused
                paused = False
            case Duck(generation=generation):
                assert generation == live
                assert not ducked
                ducked = True
            case Unduck(generation=generation):
                assert generation == live
                assert ducked
                ducked = False
            case Apologise(generation=generation):
                assert generation == live
            case _:
                pass
