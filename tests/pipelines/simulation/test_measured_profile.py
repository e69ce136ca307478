from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import faceless, profile, question, scenario

from pipelines.records.results import Happened, Run, Turn
from pipelines.replay.simulate import simulate
from pipelines.settings.layers import SettingsError
from pipelines.simulation.measured import ASSUMED_INTERIM, ASSUMED_SPEED, MOST_SAMPLES, profile_from
from pipelines.simulation.profile import ServiceProfile, load_profile, to_yaml
from pipelines.simulation.services import reply_to

MARKS = {
    "voice_end": 1.0,
    "captured": 1.01,
    "transcript": 1.3,
    "started": 1.3,
    "first_token": 1.42,
    "first_clause": 1.5,
    "last_token": 1.57,
    "first_audio": 1.6,
    "first_frame": 1.63,
    "final": 1.58,
    "last_audio": 2.0,
    "decided": 1.5,
    "released": 1.5,
    "played": 1.6,
    "end": 4.0,
}
STABLE = Happened(at=1.3, kind="start", reason="the recogniser’s stable partial")


def turn(**changes):
    """An answered turn of a line whose voice ends after one second."""
    marks = {**MARKS, **changes.pop("marks", {})}
    values = {
        "talk": "talk",
        "line": 0,
        "name": "line",
        "round": 0,
        "session": 0,
        "at": 0.0,
        "seconds": 1.2,
        "voiced": (0.1, 1.0),
        "outcome": "answered",
        "transcript": "what time is it",
        "heard": "what time is it",
        "word_errors": 1,
        "words": 4,
        "reply": "It is ten past four.",
        "tokens": 6,
        "sound_seconds": 2.0,
        "decisions": (STABLE,),
    }
    return Turn(**{**values, **changes}, marks={name: at for name, at in marks.items() if at is not None})


def of(*turns, **changes):
    """A run of these turns."""
    return Run(scenario="test", fingerprint="f", lines=1, rounds=len(turns), turns=turns, **changes)


def test_what_tools_took_is_the_models_time():
    marks = {"first_word": 1.9, "first_clause": 2.0, "last_token": 2.2}
    found = profile_from(of(turn(marks=marks, tool_calls=1, tokens=4))).llm
    assert found.first_token.at(0.5) == pytest.approx(0.6)
    assert found.token.at(0.5) == pytest.approx(0.1)


def test_each_delay_is_the_distance_of_two_marks():
    found = profile_from(of(turn()))
    assert found.asr.stable.at(0.5) == pytest.approx(0.06)  # 1.3 - 1.0 less stop_history_eou
    assert found.asr.final.at(0.5) == pytest.approx(0.08)  # 1.58 - 1.0 less stop_history
    assert found.asr.forced is None
    assert found.asr.word_error_rate == 0.25
    assert found.llm.first_token.at(0.5) == pytest.approx(0.12)
    assert found.llm.token.at(0.5) == pytest.approx(0.03)
    assert [reply.tokens for reply in found.llm.replies] == [6]
    assert found.tts.first_sound.at(0.5) == pytest.approx(0.1)
    assert found.tts.speed.at(0.5) == pytest.approx(5)
    assert found.tts.word == pytest.approx(0.4)
    assert found.face.first_frame.at(0.5) == pytest.approx(0.03)
    assert found.network.at(0.5) == 0


def test_the_windows_of_the_run_are_taken_off():
    run = of(turn(), config={"asr": {"stop_history": 400, "stop_history_eou": 160, "model": "x"}})
    found = profile_from(run).asr
    assert found.stable.at(0.5) == pytest.approx(0.14)
    assert found.final.at(0.5) == pytest.approx(0.18)


def test_a_final_that_was_asked_for_counts_from_the_question():
    asked = Happened(at=1.5, kind="finishutterance", reason="silent")
    found = profile_from(of(turn(decisions=(STABLE, asked)), turn(marks={"final": 1.6}))).asr
    assert found.forced.at(0.5) == pytest.approx(0.08)
    assert found.final.at(0.5) == pytest.approx(0.1)


def test_a_stable_partial_that_was_not_waited_for_took_at_least_so_long():
    late = Happened(at=1.4, kind="start", reason="the turn is decided")
    other = turn(decisions=(late,), marks={"transcript": 1.2, "started": 1.4})
    found = profile_from(of(turn(), other)).asr
    assert found.stable.samples == (0.06, 0.16)
    assert found.interim.at(0.5) == pytest.approx(0.2)
    assert profile_from(of(other)).asr.stable is None  # it never came
    assert profile_from(of(turn())).asr.interim.at(0.5) == ASSUMED_INTERIM


def test_a_recogniser_may_be_ahead_of_the_end_of_the_voice():
    found = profile_from(
        of(turn(marks={"transcript": 1.22, "started": 1.22}, decisions=(STABLE.model_copy(update={"at": 1.22}),)))
    )
    assert found.asr.stable.at(0.5) == pytest.approx(-0.02)


def test_a_run_without_a_face_gives_none():
    assert profile_from(of(turn(marks={"first_frame": None}))).face is None


def test_turns_that_tell_nothing_are_left_out():
    other = {"first_token": 9.0, "first_clause": 9.1, "first_audio": 9.2}
    spoilt = [
        turn(marks=other, outcome="cut off"),
        turn(marks=other, false_cutoffs=1),
        turn(marks=other, faults=(Happened(at=1.0, kind="llm", reason="it broke"),)),
        turn(marks=other, voiced=None),
        turn(marks={"first_audio": None}, outcome="missed"),
    ]
    assert profile_from(of(turn(), *spoilt)).llm.first_token.at(1.0) == pytest.approx(0.12)
    with pytest.raises(SettingsError, match="no answered turn"):
        profile_from(of(*spoilt))


def test_what_comes_all_at_once_has_no_pace():
    """A mind that does not stream has one token, a voice that does not one piece of sound."""
    found = profile_from(of(turn(tokens=1, marks={"last_audio": MARKS["first_audio"]})))
    assert found.llm.token.at(0.5) == 0
    assert found.tts.speed.at(0.5) == ASSUMED_SPEED


def test_a_recogniser_that_never_came_in_time_is_told():
    mute = turn(decisions=(), marks={"final": None})
    with pytest.raises(SettingsError, match="In no turn of the run of test a transcript came in time"):
        profile_from(of(mute))


def test_many_samples_become_as_many_quantiles():
    turns = [turn(marks={"first_token": 1.3 + (i % 997) / 1000}) for i in range(1500)]
    found = profile_from(of(*turns)).llm.first_token
    assert len(found.samples) == MOST_SAMPLES
    assert (found.samples[0], found.samples[-1]) == (0.0, 0.996)
    assert found.at(0.5) == pytest.approx(median(t.marks["first_token"] - 1.3 for t in turns), abs=0.002)


def test_each_question_gets_a_reply_that_it_got():
    turns = [
        turn(reply="Four.", tokens=2),
        turn(reply="It is four in the afternoon, as I said.", tokens=9),
        turn(reply="It is four.", tokens=4),
        turn(transcript="and what time is it (there)?", reply="Six there."),
        turn(transcript=None, heard="hello", reply="Hi."),
        turn(transcript="", heard="", reply="Pardon?"),
    ]
    llm = profile_from(of(*turns)).llm
    assert reply_to("What time is it", llm, 0).text == "It is four."
    assert reply_to("and what time is it (there)?", llm, 0).text == "Six there."
    assert reply_to("well hello", llm, 0).text == "Hi."
    assert reply_to("othello", llm, 0).text == "Pardon?"


@settings(max_examples=30)
@given(
    marks=st.fixed_dictionaries({name: st.none() | st.floats(-5, 1e4) for name in MARKS}),
    tokens=st.integers(0, 10**6),
    reply=st.text(max_size=30),
    transcript=st.none() | st.text(max_size=30),
    sound=st.floats(0, 1e4),
)
def test_whatever_a_run_holds_there_is_a_profile_or_one_line(marks, tokens, reply, transcript, sound):
    run = of(
        turn(marks=marks, tokens=tokens, reply=reply, transcript=transcript, sound_seconds=sound), turn(reply=reply)
    )
    found = told = None
    try:
        found = profile_from(run.model_copy(update={"scenario": "s" * 300}))
    except SettingsError as error:
        told = error.lines
    if found is None:
        assert told is not None
        assert len(told) == 1
    else:
        assert ServiceProfile.model_validate(found.model_dump(mode="json")) == found


def test_where_it_comes_from_is_told():
    environment = {"date": "2026-11-22T00:00:00+00:00", "cpu": "Some CPU", "gpus": ["H100"], "commit": None, "cores": 2}
    found = profile_from(of(turn(), environment=environment, sessions=4))
    assert found.provenance == {
        "scenario": "test",
        "fingerprint": "f",
        "sessions": "4",
        "date": "2026-11-22T00:00:00+00:00",
        "cpu": "Some CPU",
        "cores": "2",
        "gpus": "H100",
    }
    assert found.name == "test, as measured"
    assert profile_from(of(turn(), simulated="lab")).name == "test, as in lab"


def test_a_simulation_of_a_run_has_the_runs_medians(tmp_path):
    """What is measured in a run that is simulated with known delays is found, and found again."""
    likely = profile(  # narrow, so that nine turns are enough to tell a bias from luck
        asr={"stable": {"p50": 0.06, "p95": 0.063}, "final": {"p50": 0.09, "p95": 0.095}},
        llm={
            "first_token": {"p50": 0.15, "p95": 0.155},
            "token": {"p50": 0.02, "p95": 0.0205},
            "replies": [{"text": "Half past ten.", "tokens": 5}],
        },
        tts={"first_sound": {"p50": 0.1, "p95": 0.105}, "speed": {"p50": 6, "p95": 7}},
    )
    bites, silent = scenario(question()), faceless()
    first = simulate(bites, silent, likely, rounds=9, seed=1, jobs=1)
    path = tmp_path / "measured.yaml"
    path.write_text(to_yaml(profile_from(first)), encoding="utf-8")
    second = simulate(bites, silent, load_profile(path), rounds=9, seed=1, jobs=1)
    assert {turn.outcome for turn in second.turns} == {"answered"}
    for stage in first.turns[0].contributions:
        before, after = (median(turn.contributions[stage] for turn in run.turns) for run in (first, second))
        assert after == pytest.approx(before, abs=0.003), stage
    before, after = (median(turn.voice_to_voice for turn in run.turns) for run in (first, second))
    assert after == pytest.approx(before, abs=0.005)
