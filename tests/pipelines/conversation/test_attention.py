"""Whom her face attends to and where she nods: nothing flaps, whatever happens, and chance can be repeated."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from table import Table
from tooled_talk import of, talk, weather

from pipelines.conversation.attention import AFTER, DWELL, ENTER, REST, SPOKEN, Attention
from pipelines.conversation.events import (
    Attending,
    GenerationOver,
    HoldStarted,
    Marked,
    Nodded,
    PhaseChanged,
    PlayoutStarted,
    Stopped,
    Transcribed,
    VoiceStarted,
    VoiceStopped,
)
from pipelines.simulation.exact import Says
from sophia.decisions import Commit
from sophia.transcripts import Transcript

PHASES = ("idle", "hearing", "thinking", "speaking", "paused")


def commit(at, generation=1):
    return Commit(at=at, turn=1, generation=generation, reason="", silence=0.3, text="x")


def lived(events, until=None, seed=0):
    """What follows from ``events``, with a tick at each deadline, as the conversation's timer does it."""
    policy, news = Attention(seed), []

    def ticks(before):
        while (due := policy.deadline) is not None and due < before:
            got = policy.tick(due)
            news.extend(got)
            assert got or policy.deadline is None or policy.deadline > due, "it asks for the same tick for ever"

    for event in events:
        ticks(event.at)
        news += policy.told(event)
    ticks(float("inf") if until is None else until)
    return news


def attended(news):
    return [(round(one.at, 6), one.to) for one in news if isinstance(one, Attending)]


def nods(news):
    return [one.at for one in news if isinstance(one, Nodded)]


def phase(at, name):
    return PhaseChanged(at=at, phase=name)


def speech(until, voice=1.5, pause=0.5, begin=0.0):
    """A user who speaks and pauses, with the edges that the detector tells."""
    yield phase(begin, "hearing")
    at = begin
    while at < until:
        yield VoiceStarted(time=at, at=at + 0.05)
        yield VoiceStopped(time=at + voice, at=at + voice + 0.15)
        at += voice + pause


def test_she_looks_at_who_speaks_away_to_think_and_back_before_she_speaks():
    news = lived(
        [
            phase(1.0, "hearing"),
            commit(3.0),
            phase(3.0, "thinking"),
            Marked(at=4.5, generation=1, instant="first_audio"),
            PlayoutStarted(at=4.6, generation=1, time=4.7),
            phase(4.7, "speaking"),
            phase(7.0, "idle"),
        ]
    )
    assert attended(news) == [(1.0, "hearing"), (3.0 + ENTER["thinking"], "thinking"), (4.5, "speaking"), (7.8, "idle")]


def test_a_short_wait_is_no_thought():
    news = lived([phase(1.0, "hearing"), phase(2.0, "thinking"), phase(2.3, "speaking")])
    assert [to for _, to in attended(news)] == ["hearing", "speaking"]


def test_she_thinks_while_a_tool_runs_though_she_has_spoken():
    news = lived(
        [
            commit(1.0),
            phase(1.0, "thinking"),
            Marked(at=1.9, generation=1, instant="first_audio"),
            phase(2.0, "speaking"),
            HoldStarted(at=4.0, generation=1),
            phase(4.0, "thinking"),
            phase(6.0, "speaking"),
            GenerationOver(at=8.0, generation=1),
        ]
    )
    assert [to for _, to in attended(news)] == ["thinking", "speaking", "thinking", "speaking"]


def test_sound_of_another_guess_does_not_bring_her_eyes_back():
    news = lived([Marked(at=0.5, generation=1, instant="first_audio"), commit(1.0, 2), phase(1.0, "thinking")])
    assert attended(news) == [(1.35, "thinking")]


def test_she_nods_in_pauses_of_the_user_and_not_too_often():
    counted = []
    for seed in range(20):
        at = nods(lived(speech(60.0), until=60.0, seed=seed))
        counted.append(len(at))
        assert all(later - earlier >= REST for earlier, later in pairwise(at))
        assert all(1.5 < time % 2.0 < 2.0 for time in at), "in the pause"
    assert 5 < sum(counted) / len(counted) < 24


def test_she_does_not_nod_at_a_cough_while_she_speaks_or_when_the_turn_is_over():
    cough = [phase(0.0, "hearing"), VoiceStarted(time=0.0, at=0.1), VoiceStopped(time=SPOKEN / 3, at=SPOKEN / 3 + 0.1)]
    speaking = [phase(0.0, "speaking"), *list(speech(20.0))[1:]]
    over = [
        event
        for time in range(0, 60, 3)
        for event in (
            phase(time, "hearing"),
            VoiceStarted(time=time, at=time),
            VoiceStopped(time=time + 2, at=time + 2),
            phase(time + 2 + AFTER / 2, "thinking"),
        )
    ]
    for seed in range(20):
        for events in (cough, speaking, over):
            assert nods(lived(events, seed=seed)) == []


def test_words_that_will_not_change_are_a_place_to_nod():
    def stable(at, text):
        return Transcribed(at=at, transcript=Transcript(text, stability=1.0))

    few, many = "so well yes", "so I went there and it was closed"
    assert not any(nods(lived([phase(0.0, "hearing"), stable(1.0, few)], seed=seed)) for seed in range(20))
    nodded = [nods(lived([phase(0.0, "hearing"), stable(1.0, many), stable(9.0, many)], seed=s)) for s in range(20)]
    assert [1.0 + AFTER] in nodded
    assert all(not (1.0 + AFTER in at and 9.0 + AFTER in at) for at in nodded), "the same words again"


EVENTS = st.one_of(
    st.sampled_from(PHASES).map(lambda name: lambda at: phase(at, name)),
    st.integers(1, 3).map(lambda number: lambda at: commit(at, number)),
    st.integers(1, 3).map(lambda number: lambda at: Marked(at=at, generation=number, instant="first_audio")),
    st.integers(1, 3).map(lambda number: lambda at: HoldStarted(at=at, generation=number)),
    st.integers(1, 3).map(lambda number: lambda at: GenerationOver(at=at, generation=number)),
    st.just(lambda at: VoiceStarted(time=at, at=at)),
    st.just(lambda at: VoiceStopped(time=at, at=at)),
    st.integers(0, 9).map(
        lambda count: lambda at: Transcribed(at=at, transcript=Transcript("a " * count, stability=1.0))
    ),
)
SCRIPTS = st.lists(st.tuples(st.floats(0.0, 1.5), EVENTS), max_size=40)


def dated(script):
    at, events = 0.0, []
    for gap, make in script:
        at += gap
        events.append(make(at))
    return events


@given(SCRIPTS, st.integers(0, 9))
def test_nothing_flaps_whatever_happens(script, seed):
    news = lived(dated(script), seed=seed)
    changes = attended(news)
    assert all(later[0] - earlier[0] >= DWELL - 1e-6 for earlier, later in pairwise(changes))
    assert all(later[1] != earlier[1] for earlier, later in pairwise(changes))
    at = nods(news)
    assert all(later - earlier >= REST for earlier, later in pairwise(at))
    assert news == lived(dated(script), seed=seed), "the same seed"


@given(SCRIPTS)
def test_what_lasts_is_shown(script):
    events = dated(script)
    at = events[-1].at if events else 0.0
    news = lived([*events, phase(at, "paused"), phase(at + 5.0, "idle")])
    assert ([to for _, to in attended(news)] or ["idle"])[-1] == "idle"


def test_nothing_comes_after_the_end():
    policy = Attention()
    policy.told(phase(1.0, "thinking"))
    assert policy.told(Stopped(at=1.1)) == []
    assert policy.deadline is None
    assert policy.tick(9.0) == []


def test_a_conversation_tells_everybody_and_moves_the_face_that_rests():
    notes = Table([Says(1.0, "where is my order")], seconds=16).talk()
    attends = [one.to for one in notes.happened if isinstance(one, Attending)]
    assert attends[0] == "hearing"
    assert "speaking" in attends
    assert attends[-1] == "idle"


def test_while_a_tool_runs_her_face_thinks_and_she_looks_back_before_the_answer_is_heard():
    own, _ = weather(4.0)
    table = talk(own)
    held = of(table, HoldStarted)[-1].at
    started = [one.time for one in of(table, PlayoutStarted)]
    changes = [(one.at, one.to) for one in of(table, Attending)]
    thinks = [at for at, to in changes if to == "thinking"]
    assert any(at >= held for at in thinks)
    spoken = [at for at, to in changes if to == "speaking" and at > thinks[-1]]
    assert spoken
    assert changes[-1][1] == "idle"
    assert started
