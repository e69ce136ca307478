"""The ledger adds up, whatever was noted, and says in JSON what it holds."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.telemetry.ledger import (
    CHAIN,
    CONTRIBUTIONS,
    INSTANTS,
    PLAYED,
    VOICE_END,
    Count,
    Ledger,
    Outcome,
    words_of,
)

TIMES = st.floats(min_value=0, max_value=1e6, allow_nan=False)


def ledger(**marks):
    book = Ledger(turn=1)
    for name, time in marks.items():
        book.mark(name, time)
    return book


ORDINARY = {
    "voice_end": 10.0,
    "captured": 10.02,
    "transcript": 10.26,
    "started": 10.261,
    "first_token": 10.30,
    "first_clause": 10.34,
    "first_audio": 10.42,
    "released": 10.40,
    "played": 10.44,
}


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(INSTANTS)), TIMES), TIMES, TIMES)
def test_whatever_was_noted_the_contributions_add_up(marks, voice_end, played):
    book = ledger(**{**marks, VOICE_END: min(voice_end, played), PLAYED: max(voice_end, played)})
    parts = book.contributions()
    assert tuple(parts) == CONTRIBUTIONS
    assert all(seconds >= 0 for seconds in parts.values())
    assert sum(parts.values()) == pytest.approx(book.voice_to_voice, abs=1e-9)
    assert abs(book.residue) < 1e-9


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(INSTANTS)), TIMES, min_size=len(INSTANTS)))
def test_edges_never_fall(marks):
    edges = list(ledger(**marks).instants().values())
    assert edges == sorted(edges)


def test_an_ordinary_turn():
    parts = ledger(**ORDINARY).contributions()
    expected = {
        "capture": 0.02,
        "asr": 0.24,
        "endpointing": 0.001,
        "llm": 0.039,
        "tools": 0.0,
        "clause": 0.04,
        "tts": 0.08,
        "hold": 0.0,
        "playout": 0.02,
    }
    assert parts == pytest.approx(expected)


def test_a_reply_that_waited_for_a_tool_says_so_and_no_other_part_is_longer():
    before = ledger(**ORDINARY, first_word=10.30).contributions()
    late = {name: ORDINARY[name] + 1.0 for name in ("first_clause", "first_audio", "released", "played")}
    after = ledger(**{**ORDINARY, "first_word": 11.30, **late}).contributions()
    moved = {name: after[name] - seconds for name, seconds in before.items()}
    assert moved == pytest.approx(dict.fromkeys(CONTRIBUTIONS, 0.0) | {"tools": 1.0})


def test_where_nobody_noted_a_first_word_no_other_part_is_different():
    without, noted = ledger(**ORDINARY).contributions(), ledger(**ORDINARY, first_word=10.30).contributions()
    assert without == noted
    assert without["tools"] == 0.0


def test_sound_that_waited_for_the_decision_is_hold():
    parts = ledger(**{**ORDINARY, "released": 10.60, "played": 10.61}).contributions()
    assert parts["hold"] == pytest.approx(0.18)
    assert parts["playout"] == pytest.approx(0.01)


def test_what_speculation_did_before_the_voice_ended_costs_nothing():
    early = {"transcript": 9.5, "started": 9.51, "first_token": 9.6, "first_clause": 9.7, "first_audio": 9.9}
    parts = ledger(**{**ORDINARY, **early, "released": 10.3, "played": 10.31}).contributions()
    assert parts["asr"] == parts["endpointing"] == parts["llm"] == parts["clause"] == parts["tts"] == 0
    assert parts["hold"] == pytest.approx(0.28)


def test_the_time_of_a_missing_instant_goes_to_the_next():
    marks = {name: time for name, time in ORDINARY.items() if name != "first_token"}
    parts = ledger(**marks).contributions()
    assert parts["llm"] == 0
    assert parts["clause"] == pytest.approx(0.079)


def test_nothing_adds_up_to_nothing():
    assert ledger(voice_end=1.0).contributions() == {}
    assert ledger(voice_end=1.0).voice_to_voice is None


def test_a_turn_without_a_reply_goes_as_far_as_it_came():
    book = ledger(voice_end=1.0, transcript=1.2, started=1.1)
    assert book.instants() == {"voice_end": 1.0, "captured": 1.0, "transcript": 1.2, "started": 1.2}
    assert book.contributions() == {}


def test_a_reply_over_the_users_voice_is_below_zero_and_has_no_contributions():
    book = ledger(voice_end=2.0, played=1.5)
    assert book.voice_to_voice == pytest.approx(-0.5)
    assert book.contributions() == {}


def test_the_first_note_stands_unless_replaced():
    book = ledger(voice_end=1.0)
    book.mark("voice_end", 2.0)
    assert book.marks["voice_end"] == 1.0
    book.mark("voice_end", 2.0, replace=True)
    assert book.marks["voice_end"] == 2.0


def test_an_unknown_instant_is_refused():
    with pytest.raises(ValueError, match="no such instant: 'playd'"):
        Ledger(turn=1).mark("playd", 1.0)


def test_a_new_attempt_forgets_the_one_before_but_not_the_user():
    book = Ledger(turn=3)
    book.attempt(4)
    for name, time in ORDINARY.items():
        book.mark(name, time)
    book.attempt(5)
    assert set(book.marks) == {"voice_end", "captured"}
    assert book.generations == [4, 5]


def test_face_and_barge_in_stand_beside_the_sum():
    book = ledger(**ORDINARY, first_frame=10.45, barge_in=12.0, silenced=12.18)
    assert book.face_lateness == pytest.approx(0.03)
    assert book.barge_in_latency == pytest.approx(0.18)
    assert sum(book.contributions().values()) == pytest.approx(0.44)


def test_it_is_json():
    book = ledger(**ORDINARY)
    book.user, book.reply, book.heard = "hello", "Hi there.", "Hi"
    book.outcome = Outcome.INTERRUPTED
    book.count(Count.SPECULATIONS_STARTED, 2)
    book.decide(10.3, "endpoint", "stable partial and 300 ms of silence")
    book.fail(11.0, "face", "Audio2Face does not answer")
    read = json.loads(json.dumps(book.as_dict()))
    assert read["schema"] == 3
    assert read["outcome"] == "interrupted"
    assert read["counts"]["speculations_started"] == 2
    assert read["counts"]["underruns"] == 0
    assert read["decisions"] == [{"time": 10.3, "kind": "endpoint"}]
    assert read["faults"] == [{"time": 11.0, "service": "face", "kind": "part", "count": 1}]
    assert read["words"] == {
        "user": "hello", "reply": "Hi there.", "heard": "Hi", "skipped": [], "tools": [],
        "reasons": ["stable partial and 300 ms of silence"], "lines": ["Audio2Face does not answer"],
    }  # fmt: skip
    assert read["utterance"] == {"seconds": None, "words": 1}
    assert sum(read["contributions"].values()) == pytest.approx(read["voice_to_voice"])
    assert set(read["contributions"]) == set(CHAIN.values())


def test_without_words_no_byte_of_what_was_said_is_left():
    book = ledger(**ORDINARY, voice_start=9.0)
    said = ["Amaryllis", "Birnbaum", "Chrysanthemum", "Dahlia", "Edelweiss", "Forsythia"]
    book.user, book.reply, book.heard = said[:3]
    book.skipped.append(said[3])
    book.decide(10.3, "endpoint", f"the sentence “{said[4]}” is complete")
    book.fail(11.0, "tts", f"it cannot say {said[5]}")
    assert all(word in json.dumps(book.as_dict()) for word in said)
    told = json.dumps(book.as_dict(words=False))
    assert not [word for word in said if word in told]
    assert book.as_dict(words=False)["utterance"] == {"seconds": pytest.approx(1.0), "words": 1}


def test_words_are_found_in_the_ledgers_of_two_versions():
    book = Ledger(turn=1, user="hello")
    assert words_of(book.as_dict())["user"] == "hello"
    assert words_of({"schema": 2, "user": "hello"})["user"] == "hello"
    assert words_of(book.as_dict(words=False)) == {}
    assert words_of({"schema": 3, "words": "hello"}) == {}
