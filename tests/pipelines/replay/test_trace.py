"""The trace obeys the Trace Event Format whatever the run holds, and shows a turn as its ledger has it."""

import json

import pytest
from export_runs import HOSTILE, PARTS, a_run, a_turn, any_run
from hypothesis import given, settings

from pipelines.records.results import Counter, Happened
from pipelines.replay.exports.trace import chrome_trace
from pipelines.telemetry.ledger import CONTRIBUTIONS


def named(trace):
    """Events by process and thread name; a counter's thread is its name."""
    processes = {e["pid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
    threads = {(e["pid"], e["tid"]): e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    found = {}
    for event in trace["traceEvents"]:
        if event["ph"] != "M":
            row = event["name"] if event["ph"] == "C" else threads[event["pid"], event["tid"]]
            found.setdefault((processes[event["pid"]], row), []).append(event)
    return found


def check(trace):
    """The rules of the Trace Event Format that its readers rely on; JSON without NaN among them."""
    json.dumps(trace, allow_nan=False)
    told, open_on, flows = set(), {}, {}
    seen_time = 0
    for event in trace["traceEvents"]:
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert event["pid"] > 0
        place = event["pid"], event["tid"]
        if event["ph"] == "M":
            assert seen_time == 0
            told.add(place)
            continue
        assert place in told or (event["pid"], 0) in told
        ts = event["ts"]
        assert isinstance(ts, int)
        assert 0 <= seen_time <= ts
        seen_time = ts
        stack = open_on.setdefault(place, [])
        while stack and ts >= stack[-1]["ts"] + stack[-1]["dur"] and ts > stack[-1]["ts"]:
            stack.pop()
        match event["ph"]:
            case "X":
                assert isinstance(event["dur"], int)
                assert event["dur"] >= 0
                assert not stack or ts + event["dur"] <= stack[-1]["ts"] + stack[-1]["dur"], "slices overlap"
                stack.append(event)
            case "C":
                assert all(isinstance(value, float) for value in event["args"].values())
            case "i":
                assert event["s"] == "t"
            case "s" | "f" as end:
                assert stack, "an arrow that is bound to no slice"
                assert (end == "f") == (event.get("bp") == "e")
                flows.setdefault(event["id"], []).append(end)
            case other:
                pytest.fail(f"an event of phase {other}")
    assert all(sorted(ends) == ["f", "s"] for ends in flows.values())
    assert not {pid for pid, _ in told} & {tid for _, tid in told}, "Perfetto would take it for a main thread"


@settings(max_examples=100)
@given(any_run)
def test_whatever_the_run_holds_the_trace_is_well_formed(run):
    trace = chrome_trace(run)
    check(trace)
    assert trace == chrome_trace(run)


def test_a_turn_is_shown_in_the_spans_of_the_telemetry_and_the_contributions_within():
    rows = named(chrome_trace(a_run()))
    turn, *stages = rows["session 0", "turn"]
    assert turn["name"] == "turn: 01_who_are_you"
    assert turn["args"]["sophia.voice_to_voice"] == pytest.approx(sum(PARTS.values()) + 0.0004)
    spent = {event["name"]: event["dur"] / 1e6 for event in stages}
    assert spent == pytest.approx({name: time for name, time in PARTS.items() if time}, abs=2e-6)  # nothing was held
    assert sum(spent.values()) == pytest.approx(sum(PARTS.values()), abs=1e-5)
    first = min(event["ts"] for event in stages)
    assert first == round((0.5 + 1.8) * 1e6)  # where the voice ends in the audio, not where the detector heard it end


def test_an_arrow_leads_from_the_users_voice_to_hers():
    rows = named(chrome_trace(a_run()))
    said, start = rows["session 0", "user"]
    spoken, end = rows["session 0", "Sophia"]
    assert (start["ph"], end["ph"]) == ("s", "f")
    assert said["ts"] + said["dur"] - 1 == start["ts"]
    assert spoken["ts"] == end["ts"]
    assert (end["ts"] - start["ts"]) / 1e6 == pytest.approx(sum(PARTS.values()), abs=2e-6)
    assert said["args"] == {"transcript": "who are you", "heard": "who are you", "word_errors": 0}
    assert spoken["args"] == {"reply": "I am Sophia."}


def test_decisions_and_failures_stand_where_they_happened_with_their_reasons():
    fault = Happened(at=2.3, kind="llm", reason="Nova did not answer within 5 s")
    rows = named(chrome_trace(a_run(a_turn(faults=(fault,)))))
    found = [(event["name"], event["ts"], event["args"]["reason"]) for event in rows["session 0", "turn taking"]]
    assert found == [
        ("start", 2_560_000, "a stable partial"),
        ("commit", 2_700_000, "'who are you' sounds complete"),
        ("fault: llm", 2_800_000, "Nova did not answer within 5 s"),
    ]


def test_two_who_talk_at_once_get_a_row_each():
    rows = named(chrome_trace(a_run(a_turn(), a_turn(line=1, name="over", at=1.0))))
    assert [event["name"] for event in rows["session 0", "user"] if event["ph"] == "X"] == ["01_who_are_you"]
    assert [event["name"] for event in rows["session 0", "user 2"] if event["ph"] == "X"] == ["over"]


def test_a_barge_in_ends_her_speech_and_shows_as_an_interruption():
    marks = a_turn().marks | {"barge_in": 3.0, "silenced": 3.25}
    rows = named(chrome_trace(a_run(a_turn(marks=marks))))
    speaking = rows["session 0", "Sophia"][0]
    assert speaking["ts"] + speaking["dur"] == round((0.5 + 3.25) * 1e6)
    interruption = next(event for event in rows["session 0", "beside"] if event["name"] == "interruption")
    assert interruption["dur"] == 250_000


def test_sessions_are_processes_and_what_is_simulated_says_so():
    run = a_run(a_turn(), a_turn(session=3), simulated="nvidia-4xh100")
    trace = chrome_trace(run)
    processes = {process for process, _ in named(trace)}
    assert processes == {
        "machine", "session 0 (simulated: nvidia-4xh100)", "session 3 (simulated: nvidia-4xh100)",
    }  # fmt: skip
    assert trace["otherData"]["simulated"] == "nvidia-4xh100"


def test_each_quantity_of_the_machine_is_a_counter_track_latencies_in_milliseconds():
    rows = named(chrome_trace(a_run()))
    lag = [(event["ts"], event["args"]) for event in rows["machine", "event loop lag, worst"]]
    # The sample of second 1 tells of the second before it, and is drawn there.
    assert lag == [(0, {"ms": 1.0}), (1_000_000, {"ms": 2.0}), (2_000_000, {"ms": 0.5})]
    assert [event["args"] for event in rows["machine", "load"]] == [{"tasks": 0.5}, {"tasks": 0.75}]


def test_a_sample_that_is_no_number_and_one_of_before_the_run_are_left_out():
    odd = Counter(name="x", unit="", times=(0.0, 1.0, 2.0), values=(7.0, float("nan"), 2.0))
    once = Counter(name="y", unit="", times=(3.0,), values=(5.0,))
    rows = named(chrome_trace(a_run(counters=(odd, once))))
    assert [(event["ts"], event["args"]) for event in rows["machine", "x"]] == [(1_000_000, {"value": 2.0})]
    assert [(event["ts"], event["args"]) for event in rows["machine", "y"]] == [(3_000_000, {"value": 5.0})]


def test_a_line_that_was_never_said_has_no_voice():
    missed = {"outcome": "missed", "voice_to_voice": None, "contributions": {}, "marks": {}, "decisions": ()}
    rows = named(chrome_trace(a_run(a_turn(**missed, reason="the conversation ended first"))))
    assert ("session 0", "user") not in rows
    assert rows["session 0", "turn"][0]["args"]["sophia.replay.reason"] == "the conversation ended first"


def test_hostile_text_stays_text():
    trace = chrome_trace(a_run(a_turn(name=HOSTILE, transcript=HOSTILE, reply=HOSTILE)))
    check(trace)
    assert json.loads(json.dumps(trace))["traceEvents"] == trace["traceEvents"]
    assert "\x00" not in json.dumps(trace)


def test_an_empty_run_is_an_empty_trace():
    assert chrome_trace(a_run(turns=(), counters=()))["traceEvents"] == []


def test_every_contribution_has_its_place_in_a_span():
    even = dict.fromkeys(CONTRIBUTIONS, 0.05)
    edge, marks = 1.8, {}
    for name in (
        "captured",
        "transcript",
        "started",
        "first_token",
        "first_word",
        "first_clause",
        "first_audio",
        "released",
    ):
        edge += 0.05
        marks[name] = edge
    marks["played"] = edge + 0.05
    rows = named(chrome_trace(a_run(a_turn(contributions=even, marks=marks))))
    names = [event["name"] for event in rows["session 0", "turn"]]
    assert names == ["turn: 01_who_are_you", *CONTRIBUTIONS]
