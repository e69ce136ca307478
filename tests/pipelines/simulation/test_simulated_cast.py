import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import faceless, noise_line, profile, question, scenario

from pipelines.records.results import Unit
from pipelines.replay.conductor import play
from pipelines.replay.sessions import SimulatedSessions
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Talk
from pipelines.settings.model import load_settings
from pipelines.simulation.chance import Chance
from pipelines.simulation.detector import RememberingModel
from pipelines.simulation.services import SimulatedComponents
from pipelines.virtual_time import run
from sophia.silero import CONTEXT, WINDOW, SileroModel

SPREAD = {"p50": 0.1, "p95": 0.2}
LIKELY = {
    "asr": {"stable": SPREAD, "final": SPREAD, "interim": SPREAD},
    "llm": {"first_token": SPREAD, "replies": ["It is ten o'clock."]},
    "tts": {"first_sound": SPREAD, "piece": 0.1},
}
SETTINGS = faceless()
TIME = scenario(question())


def played(cast, units, *, apart=False, told=TIME):
    """The turns of units that are played side by side, in their order."""

    async def one(unit):
        mine = cast.apart() if apart else cast
        return (await play(told.talks[unit.talk], unit, SimulatedSessions(mine), 0.0)).turns

    async def all_of_them():
        return await asyncio.gather(*(one(unit) for unit in units))

    return [turn for turns in run(all_of_them()) for turn in turns]


def alone(unit, seed=0, **changes):
    return played(SimulatedComponents(profile(**{**LIKELY, **changes}), SETTINGS, TIME, seed), [unit])[0]


def between(turn, first, last):
    return turn.marks[last] - turn.marks[first]


def test_a_turn_takes_what_the_profile_says():
    (turn,) = played(SimulatedComponents(profile(network=0.01), SETTINGS, TIME), [Unit(0, 0, 0)])
    assert turn.outcome == "answered"
    assert turn.heard == turn.transcript
    assert turn.reply == "It is a quarter past ten, I think."
    end = turn.voiced[1]
    assert turn.marks["stable"] - end == pytest.approx(0.24 + 0.06 + 0.02, abs=1e-6)
    assert turn.marks["final"] - end == pytest.approx(0.5 + 0.07 + 0.02, abs=1e-6)
    assert between(turn, "started", "first_token") == pytest.approx(0.12 + 0.02, abs=1e-6)
    assert between(turn, "first_token", "last_token") == pytest.approx(7 * 0.015, abs=1e-6)  # eight words
    assert between(turn, "first_clause", "first_audio") == pytest.approx(0.08 + 0.02, abs=1e-6)
    assert turn.sound_seconds == pytest.approx(8 * 0.3, abs=1e-3)
    assert abs(turn.residue) < 1e-9


@settings(max_examples=3)
@given(seed=st.integers(0, 2**32), median=st.floats(0.01, 0.4), spread=st.floats(1.0, 3.0))
def test_equal_seeds_give_equal_turns(seed, median, spread):
    delay = {"p50": median, "p95": median * spread}
    unit, changes = Unit(0, seed % 7, 0), {"llm": {**LIKELY["llm"], "first_token": delay}}
    assert alone(unit, seed, **changes).model_dump_json() == alone(unit, seed, **changes).model_dump_json()


def test_other_seeds_and_rounds_give_other_delays():
    assert len({alone(Unit(0, 0, 0), seed=seed).voice_to_voice for seed in range(4)}) == 4
    assert len({alone(Unit(0, number, 0)).voice_to_voice for number in range(4)}) == 4


def rounded(value):
    """Without the billionth of a second within which a virtual clock calls two timers one."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return pytest.approx(value, abs=1e-8) if isinstance(value, float) else value


def test_what_is_played_beside_it_does_not_matter():
    units = [Unit(0, number, 0) for number in range(4)]
    cast = SimulatedComponents(profile(**LIKELY), SETTINGS, TIME)
    together = played(cast, units, apart=True)
    assert [rounded(turn.model_dump()) for turn in together] == [rounded(alone(unit).model_dump()) for unit in units]


def test_a_slower_stage_moves_nothing_but_itself():
    """What two simulations of one seed differ in is what was changed, not luck."""
    unit = Unit(0, 2, 0)
    before = alone(unit)
    slower = {"p50": 0.12, "p95": 0.24}
    after = alone(unit, llm={**LIKELY["llm"], "first_token": slower})
    first = between(before, "started", "first_token")
    assert between(after, "started", "first_token") == pytest.approx(1.2 * first, abs=1e-9)
    for pair in (("voice_end", "transcript"), ("first_token", "last_token"), ("first_clause", "first_audio")):
        assert between(after, *pair) == pytest.approx(between(before, *pair), abs=1e-9)


@pytest.mark.parametrize(("by", "factor"), [("streams", 2.0), ("requests", 1.0)])
def test_conversations_of_one_cast_slow_each_other_down(by, factor):
    """One session talks and the other, whose line is noise, asks for nothing: two streams, one request."""
    told = scenario(question()), scenario(noise_line([], seconds=1.2))
    both = scenario(*told[0].talks[0].lines)
    both.talks.append(told[1].talks[0])
    slow = profile(load={"by": by, "first_token": {1: 1.0, 2: 2.0}, "asr": {1: 1.0, 2: 1.5}})
    turn = played(SimulatedComponents(slow, SETTINGS, both), [Unit(0, 0, 0), Unit(1, 0, 1)], told=both)[0]
    assert between(turn, "started", "first_token") == pytest.approx(0.12 * factor, abs=1e-6)
    assert turn.marks["stable"] - turn.voiced[1] == pytest.approx(0.24 + 0.06 * 1.5, abs=1e-6)
    apart = played(SimulatedComponents(slow, SETTINGS, both), [Unit(0, 0, 0), Unit(1, 0, 1)], apart=True, told=both)[0]
    assert between(apart, "started", "first_token") == pytest.approx(0.12, abs=1e-6)


def test_chance_is_the_same_everywhere_and_for_ever():
    chance = Chance(7, Unit(1, 2, 3), lambda: 4)
    first, again = chance.of("final"), chance.of("final")
    assert (first(), first(), again()) == (0.2553041500053599, 0.34043591675228135, 0.8532963266670911)


def test_chance_belongs_to_the_line_whatever_came_before():
    line = [0]
    one, other = (Chance(7, Unit(0, 0, 0), lambda: line[0]) for _ in range(2))
    one.of("token")
    one.of("token")
    line[0] = 1
    assert one.of("token")() == other.of("token")()


def test_the_face_is_there_if_both_know_of_one():
    face, seeing = {"first_frame": 0.05, "speed": 2}, load_settings(environment={})

    async def has_face(told, wanted):
        return SimulatedComponents(told, wanted, TIME).components(Caller(TIME.talks[0]), Unit(0, 0, 0)).face is not None

    assert not run(has_face(profile(), seeing))
    assert not run(has_face(profile(face=face), SETTINGS))
    assert run(has_face(profile(face=face), seeing))


def test_the_first_frame_comes_when_it_should_and_no_thread_does():
    before = threading.active_count()
    face = {"first_frame": 0.05, "speed": 2}
    (turn,) = played(SimulatedComponents(profile(face=face), load_settings(environment={}), TIME), [Unit(0, 0, 0)])
    assert between(turn, "first_audio", "first_frame") == pytest.approx(0.05, abs=1e-6)
    assert not turn.faults
    assert threading.active_count() == before


def test_what_is_not_understood_is_asked_again_with_a_sound():
    noise = question()
    lines = Talk("talk", [type(noise)("noise", noise.pcm, noise.voiced)])
    told = scenario(*lines.lines)
    (turn,) = played(SimulatedComponents(profile(), SETTINGS, told), [Unit(0, 0, 0)], told=told)
    assert turn.outcome == "missed"
    assert any(decision.kind == "reprompt" for decision in turn.decisions)
    assert "played" in turn.marks


def windows(number):
    random = np.random.default_rng(5)
    sound = (random.normal(size=(number, CONTEXT + WINDOW)) * 0.1).astype(np.float32)
    hidden = (random.normal(size=(2, number, 128)) * 0.3).astype(np.float32)
    return sound, hidden[0], hidden[1]


def test_the_network_judges_a_window_alike_in_any_company():
    sound, hidden, cell = windows(9)
    whole = RememberingModel().forward(sound, hidden, cell)
    for number in (1, 2, 5):
        part = RememberingModel().forward(sound[:number], hidden[:number], cell[:number])
        for a, b in zip(part, whole, strict=True):
            assert np.array_equal(a, b[:number])
    for ours, theirs in zip(whole, SileroModel().forward(sound, hidden, cell), strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)


def test_what_was_judged_is_not_judged_again(monkeypatch):
    model, judged = RememberingModel(), []
    forward = SileroModel.forward
    monkeypatch.setattr(SileroModel, "forward", lambda *args: judged.append(len(args[1])) or forward(*args))
    sound, hidden, cell = windows(3)
    first = model.forward(sound, hidden, cell)
    again = model.forward(sound[::-1], hidden[::-1], cell[::-1])
    assert judged == [3]
    assert np.array_equal(first[0], again[0][::-1])
    model.forward(np.concatenate([sound, sound]), np.concatenate([hidden, 2 * hidden]), np.concatenate([cell, cell]))
    assert judged == [3, 3]


def test_the_memory_is_bounded_and_right_after_it_was_full(monkeypatch):
    monkeypatch.setattr("pipelines.simulation.detector.REMEMBERED", 4)
    model = RememberingModel()
    sound, hidden, cell = windows(6)
    whole = SileroModel().forward(sound, hidden, cell)
    for first in (0, 2, 3, 0):
        rows = slice(first, first + 3)
        found = model.forward(sound[rows], hidden[rows], cell[rows])
        assert np.allclose(found[0], whole[0][rows], atol=1e-5)
        assert len(model._known) <= 4
