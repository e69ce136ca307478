"""The turn model on audio beside the words: it may ask for patience, and decides nothing by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turn_events import EVENTS, SETTINGS, Ears, drive
from turn_table import Table

from pipelines.takes.reader import read_events
from pipelines.takes.writer import TakeWriter
from sophia.completeness import Judgement, SoundTurnModel, WordTurnModel
from sophia.decisions import Commit, Start
from sophia.events import CommitRequested, PolicyChanged, SoundJudged, Tick
from sophia.floor_policy import FloorPolicy
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking
from sophia.vad import VoiceStopped

VETO = TurnSettings(sound_veto=0.5)
QUESTION = "where is my order"


def heard(complete, text=QUESTION, at=1.18, settings=VETO, until=1.0):
    """The voice ends at 1.0, and the words are final; the sound is judged at ``at``."""
    return Table(settings).voice(0.2, 1.0).says(1.07, text, final=True).judged(at, complete, until).wait(5)


@pytest.mark.parametrize(("complete", "waited"), [(0.49, 0.55), (0.0, 0.55), (0.5, 0.28), (1.0, 0.28)])
def test_a_whole_sentence_that_sounds_unfinished_waits_longer(complete, waited):
    commit = heard(complete).only(Commit)
    assert commit.at == pytest.approx(1.0 + waited)
    assert ("it sounds as if more came" in commit.reason) is (waited > 0.28)


@pytest.mark.parametrize(
    ("text", "complete", "waited"),
    [
        ("the blue box", 0.0, 1.3),
        ("the blue box", 1.0, 0.55),
        ("i would like to", 0.0, 1.3),
        ("i would like to", 1, 1.3),
    ],
)
def test_what_gives_no_hint_waits_as_if_unfinished_and_no_sound_ends_a_turn(text, complete, waited):
    assert heard(complete, text).only(Commit).at == pytest.approx(1.0 + waited)


def slowly(stopped, judged=None, complete=0.0):
    """The voice ends at 1.0, which the detector hears at ``stopped``; the words are final by then."""
    table = Table(VETO).starts(0.2).says(1.07, QUESTION, final=True).wait(stopped)
    table.tell(VoiceStopped(1.0, stopped))
    return (table.judged(judged, complete) if judged else table).wait(5).only(Commit)


@pytest.mark.parametrize(("stopped", "decided"), [(1.07, 1.28), (1.25, 1.45), (1.5, 1.7)])
def test_the_words_wait_a_moment_for_the_sound_and_then_decide_alone(stopped, decided):
    silent, late = slowly(stopped), slowly(stopped, judged=stopped + 0.25)
    assert silent.at == pytest.approx(decided)
    assert (late.at, late.reason) == (silent.at, silent.reason)


@pytest.mark.parametrize(("complete", "decided"), [(0.9, 1.36), (0.1, 1.55)])
def test_a_detector_that_is_slow_to_hear_the_end_leaves_the_sound_its_word(complete, decided):
    assert slowly(1.25, judged=1.36, complete=complete).at == pytest.approx(decided)


def test_a_commit_and_a_fixed_silence_wait_for_no_sound():
    table = Table(VETO).starts(0.2).says(1.07, QUESTION, final=True).wait(1.25)
    table.tell(VoiceStopped(1.0, 1.25))
    assert table.tell(CommitRequested(at=1.33)).only(Commit).at == pytest.approx(1.33)
    table = Table(VETO).tell(PolicyChanged(at=0.0, policy=FloorPolicy(ends="silence", silence=0.2)))
    assert table.voice(0.2, 1.0).says(1.1, QUESTION, final=True).wait(3).only(Commit).at == pytest.approx(1.2)


def test_a_judgement_of_what_the_user_has_spoken_on_after_counts_no_more():
    table = Table(VETO).voice(0.2, 1.0).judged(1.18, 0.0).voice(1.2, 1.6).says(1.67, QUESTION, final=True)
    assert table.judged(1.7, 0.0, until=1.0).wait(5).only(Commit).at == pytest.approx(1.88)


def test_the_users_going_on_is_heard_before_anything_is_answered():
    table = heard(0.1).voice(6.0, 6.4)
    cut = Table(VETO).voice(0.2, 1.0).says(1.07, QUESTION, final=True).judged(1.18, 0.1)
    cut.voice(1.45, 2.0).says(2.07, "for the shoes", final=True).wait(5)
    assert cut.only(Commit).text == f"{QUESTION} for the shoes"
    assert table.only(Commit).text == QUESTION


def test_a_guess_is_not_taken_back_by_it():
    table = heard(0.1)
    assert table.only(Start).at == pytest.approx(1.07)
    assert table.kinds() == [Start, Commit]


def test_off_nothing_is_made_of_it():
    assert heard(0.0, settings=TurnSettings()).only(Commit).at == pytest.approx(1.28)


def test_a_model_of_ones_own_weighs_the_sound_itself():
    class Sure:
        def judge(self, text, language, heard=None):
            return Judgement("complete" if heard and heard > 0.9 else "unfinished", f"sounds {heard}")

    turns = TurnTaking(TurnSettings(), Sure())
    table = Table()
    table.turns = turns
    table.voice(0.2, 1.0).says(1.07, "the blue", final=True).judged(1.1, 0.95).wait(5)
    assert table.only(Commit).at == pytest.approx(1.28)
    assert "sounds 0.95" in table.only(Commit).reason


class Kept(Table):
    """A table that keeps what it is told, as a recording does: ticks can be made again."""

    def __init__(self, settings):
        super().__init__(settings)
        self.told = []

    def tell(self, event):
        self.told += [] if isinstance(event, Tick) else [event]
        return super().tell(event)


@pytest.mark.parametrize("complete", [0.0729709267616272, 0.9])
async def test_a_recording_decides_alike_without_the_model(tmp_path, monkeypatch, complete):
    monkeypatch.setattr("pipelines.takes.writer.CLOSE_SECONDS", 30.0)  # a busy machine may take its time to write
    first = Kept(VETO).voice(0.2, 1.0).says(1.07, QUESTION, final=True).judged(1.18, complete)
    first.voice(1.4, 1.9).says(1.97, "for the shoes", final=True).judged(2.1, 1.0, until=1.9).wait(5)
    take = TakeWriter(tmp_path / "take", {}, start=0.0, reply_rate=24_000)
    for event in first.told:
        take.told(event)
    await take.aclose()
    again = Kept(VETO)
    for event in read_events(tmp_path / "take"):
        again.wait(event.at).tell(event)
    assert again.wait(5).told == first.told
    assert again.decisions == first.decisions
    assert len([d for d in again.decisions if isinstance(d, Commit)]) == (1 if complete < 0.5 else 2)


@given(st.text(max_size=30), st.one_of(st.none(), st.floats(0, 1)), st.floats(0, 1))
def test_the_sound_only_ever_makes_words_a_step_less_finished(text, complete, veto):
    words, both = WordTurnModel(), SoundTurnModel(WordTurnModel(), veto)
    alone, beside = words.judge(text, "en-US"), both.judge(text, "en-US", complete)
    objects = alone.sounds != "unfinished" and complete is not None and complete < veto
    less = {"complete": "open", "open": "unfinished"}
    assert beside == alone if not objects else beside.sounds == less[alone.sounds]


class _Untold:
    """Turn taking that is told everything but what was judged of the sound."""

    def __init__(self, chosen, told):
        self.turns, self.decisions, self._told = TurnTaking(chosen), [], told

    def tell(self, event):
        decided = [] if isinstance(event, SoundJudged) and not self._told else self.turns.tell(event)
        self.decisions += decided
        return decided


@settings(max_examples=150)
@given(SETTINGS, EVENTS)
def test_switched_off_it_changes_no_decision(chosen, events):
    off = chosen.model_copy(update={"sound_veto": 0.0})
    told, untold = _Untold(off, True), _Untold(off, False)
    drive(told, events, Ears(True))
    drive(untold, events, Ears(True))
    assert told.decisions == untold.decisions
