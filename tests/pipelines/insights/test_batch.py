"""Lines as columns: whatever a turn's instants are, its integers add up, and agree with its ledger."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import Decoder
from spoken import LOOP_TIME, SECRET, conversation, ledger, line

from pipelines.insights.batch import MOST, Batch
from pipelines.insights.lines import Line
from pipelines.insights.tables import COUNTS, KEYS, SCHEMAS
from pipelines.telemetry.ledger import CHAIN, CONTRIBUTIONS, VOICE_END

LINE = Decoder(Line)
TIMES = st.floats(0.0, 100.0) | st.integers(0, 100).map(float) | st.floats(-1e12, 1e12)


def rows(*lines: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    batch = Batch()
    for one in lines:
        batch.add(LINE.decode(json.dumps(one)))
    return {name: table.to_pylist() for name, table in batch.tables().items()}


@given(st.dictionaries(st.sampled_from([VOICE_END, *CHAIN]), TIMES))
def test_contributions_add_up_in_every_turn_and_are_those_of_the_ledger(marks: dict[str, float]) -> None:
    spoken = ledger(marks={**marks, "end": LOOP_TIME + 9.0})
    (turn,) = rows(line(spoken))["turns"]
    parts = [turn[stage] for stage in CONTRIBUTIONS]
    expected = spoken.contributions()
    if spoken.voice_to_voice is None:
        assert turn["voice_to_voice"] is None
    else:
        assert turn["voice_to_voice"] == max(-MOST, min(MOST, round(spoken.voice_to_voice * 1e6)))
    if turn["voice_to_voice"] is None or turn["voice_to_voice"] < 0:
        assert parts == [None] * len(CONTRIBUTIONS)
    else:
        assert sum(parts) == turn["voice_to_voice"]
        assert min(parts) >= 0
        if (spoken.voice_to_voice or 0.0) < 1000.0:
            for stage, seconds in expected.items():
                assert abs(turn[stage] - seconds * 1e6) <= 1.001


def test_rounding_each_contribution_by_itself_would_not_add_up() -> None:
    marks = {VOICE_END: 0.0} | {name: number * 0.0000014 for number, name in enumerate(CHAIN, 1)}
    spoken = ledger(marks=marks)
    (turn,) = rows(line(spoken))["turns"]
    assert sum(round(part * 1e6) for part in spoken.contributions().values()) != turn["voice_to_voice"]
    assert sum(turn[stage] for stage in CONTRIBUTIONS) == turn["voice_to_voice"] == 13


def test_a_turn_has_its_keys_its_hour_and_its_figures() -> None:
    found = rows(line(ledger()))
    (turn,) = found["turns"]
    assert list(turn) == SCHEMAS["turns"].names
    assert (turn["date"], turn["hour"]) == ("2026-11-30", 21)
    assert turn["ended_at"] == 1796072406123456
    assert {key: turn[key] for key in KEYS} == {
        "site": "berlin", "language": "en-US", "mode": "server", "sophia": turn["sophia"], "asr_model": "parakeet",
        "llm_model": "nova-8", "tts_model": "magpie", "face_model": "a2f", "settings": "1f09ac77b1e0", "arm": "",
        "consent": "numbers",
    }  # fmt: skip
    assert (turn["utterance"], turn["length"], turn["words"]) == (2_000_000, "medium", 3)
    assert [turn[stage] for stage in CONTRIBUTIONS] == [100_000] * 9
    assert {name: turn[name] for name in COUNTS if turn[name]} == {"tokens": 7}
    assert (turn["faults"], turn["explored"], turn["outcome"]) == (1, False, "replied")
    assert (turn["since_voice"], turn["since_heard"]) == (5_000_000, 2_100_000)


def test_parts_have_codes_and_no_words() -> None:
    found = rows(line(ledger()))
    (silence,), (decision,), (fault,) = found["silences"], found["decisions"], found["faults"]
    assert {name: silence[name] for name in ("n", "length", "threshold", "sounds", "ended_by", "explored")} == {
        "n": 1, "length": 250_000, "threshold": 300_000, "sounds": "open", "ended_by": "voice", "explored": False,
    }  # fmt: skip
    assert (decision["elapsed"], decision["kind"]) == (500_000, "start")
    assert (fault["elapsed"], fault["service"], fault["kind"], fault["count"]) == (600_000, "face", "lost", 1)
    assert SECRET not in repr(found)


def test_words_where_a_code_belongs_do_not_get_through() -> None:
    told = line(ledger())
    told["decisions"][0]["kind"] = told["faults"][0]["service"] = told["silences"][0]["sounds"] = f"my {SECRET}"
    told["outcome"] = told["conversation"]["mode"] = told["conversation"]["consent"] = f"the {SECRET}"
    told["conversation"]["site"] = "a\x1b[31mb\u202e" + "c" * 500
    found = rows(told)
    assert SECRET not in repr(found)
    (turn,) = found["turns"]
    assert (turn["outcome"], turn["mode"], turn["consent"]) == ("unknown", "other", "numbers")
    assert turn["site"] == "a[31mb" + "c" * 72


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "../../etc/passwd"), ("id", "A" * 32), ("person", "Anna"), ("began", "yesterday"), ("began", "0001-01-01"),
     ("began", "2026-11-30T21:00:00"), ("began", "1999-12-31T00:00:00+00:00"), ("loop_time", 1e300),
     ("loop_time", -1e300), ("began", "2026-11-30T21:00:00+00:00\n" * 9)],
)  # fmt: skip
def test_what_has_no_place_or_time_is_refused(field: str, value: Any) -> None:
    bad = line(ledger(2))
    bad["conversation"][field] = value
    batch = Batch()
    for one in (bad, line(ledger(1))):
        batch.add(LINE.decode(json.dumps(one)))
    assert batch.tables()["turns"]["turn"].to_pylist() == [1]
    assert batch.refused == 1


@given(st.dictionaries(st.sampled_from([VOICE_END, "played", "end", "voice_start", "captured"]), st.floats()))
def test_times_that_cannot_be_are_bounded_or_refused(marks: dict[str, float]) -> None:
    spoken = {name: at for name, at in marks.items() if math.isfinite(at)}
    found = rows(line(ledger(marks=spoken)))
    for turn in found.get("turns", []):
        assert all(abs(turn[stage] or 0) <= MOST for stage in (*CONTRIBUTIONS, "voice_to_voice", "since_voice"))


def test_a_turn_without_an_end_is_over_with_its_last_mark() -> None:
    (turn,) = rows(line(ledger(marks={"voice_start": 1001.0, VOICE_END: 1004.0})))["turns"]
    assert turn["ended_at"] == 1796072404123456
    assert turn["voice_to_voice"] is None
    assert rows(line(ledger(marks={}))) == {}


def test_a_conversation_has_as_many_turns_as_its_last_one_says() -> None:
    of = conversation(7, person="ab12")
    found = rows(line(ledger(2), of), line(ledger(5), of), line(ledger(1)))["conversations"]
    assert [(row["conversation"][-1], row["turns"], row["person"]) for row in found] == [("7", 5, "ab12"), ("1", 1, "")]
