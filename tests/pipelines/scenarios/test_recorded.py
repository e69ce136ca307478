"""Recordings become lines that keep their place in the conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loading_sounds import buzz, silence, write

from pipelines.conversation.events import TurnEnded
from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.recorded import MARGIN
from pipelines.scenarios.scenario import Cue, Line, Scenario, ScenarioError
from pipelines.takes.writer import TakeWriter
from pipelines.telemetry.ledger import PLAYED, VOICE_END, Ledger, Outcome
from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame
from sophia.vad import VoiceStarted, VoiceStopped

BEGAN = 500.0

Marks = dict[str, float]


def turn(number: int, user: str, marks: Marks, outcome: Outcome = Outcome.REPLIED) -> Ledger:
    ledger = Ledger(number, user=user, outcome=outcome)
    for mark, at in marks.items():
        ledger.mark(mark, BEGAN + at)
    return ledger


CONVERSATION = [
    turn(1, "Tell me a story.", {"voice_start": 1.0, VOICE_END: 2.0, PLAYED: 2.5, "silenced": 7.2, "end": 7.4},
         Outcome.INTERRUPTED),
    turn(2, "What time is it?", {"voice_start": 7.0, VOICE_END: 7.8, PLAYED: 8.2, "end": 9.0}),
    turn(3, "", {"voice_start": 11.0, VOICE_END: 11.5}, Outcome.FAILED),
    turn(4, "Hello?", {"voice_start": 13.0, VOICE_END: 13.5, PLAYED: 14.0, "end": 15.0}),
]  # fmt: skip
VOICES = [(1.0, 2.0), (4.0, 4.3), (7.0, 7.8), (11.0, 11.5), (13.0, 13.5)]  # the second is an "mhm"


def sound(seconds: float = 16.0, hiss: float = 3.0) -> np.ndarray:
    pcm = np.random.default_rng(1).normal(0, hiss, round(seconds * EAR_RATE)).astype(np.int16)
    for start, end in VOICES:
        pcm[round(start * EAR_RATE) : round(end * EAR_RATE)] = buzz(end - start)
    return pcm


async def record(folder: Path, turns: list[Ledger], pcm: np.ndarray) -> Path:
    recording = TakeWriter(folder, {}, start=BEGAN, reply_rate=22_050)
    step = round(FRAME_SECONDS * EAR_RATE)
    for place in range(0, len(pcm), 10 * step):
        recording.listened(Frame(pcm[place : place + 10 * step], BEGAN + place / EAR_RATE))
    for start, end in VOICES:
        recording.told(VoiceStarted(BEGAN + start, BEGAN + start + 0.1))
        recording.told(VoiceStopped(BEGAN + end, BEGAN + end + 0.1))
    for ledger in turns:
        recording.told(TurnEnded(at=BEGAN, ledger=ledger))
    await recording.aclose()
    return folder


@pytest.fixture
async def take(tmp_path: Path) -> Path:
    return await record(tmp_path / "take", CONVERSATION, sound())


def wrong(folder: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def lines(folder: Path) -> list[Line]:
    (talk,) = load_scenario(folder).talks
    return list(talk.lines)


async def test_turns_are_cut_out_with_a_margin(take: Path) -> None:
    first = lines(take)[0]
    assert first.seconds == pytest.approx(1.0 + 2 * MARGIN, abs=0.001)
    assert first.voiced == (round(MARGIN * EAR_RATE), round((MARGIN + 1.0) * EAR_RATE))
    assert first.transcript == "Tell me a story."
    assert [w.text for w in first.words] == ["Tell", "me", "a", "story."]
    assert first.words[0].start == pytest.approx(MARGIN, abs=0.01)
    assert first.words[-1].end == pytest.approx(MARGIN + 1.0, abs=0.01)
    assert load_scenario(take).notes == (
        "transcripts are what was recognised when it was recorded; nobody checked them",
    )


async def test_each_line_keeps_its_place_in_the_conversation(take: Path) -> None:
    story, mhm, time, nothing, hello = lines(take)
    assert story.cue == Cue("reply", pytest.approx(1.0 - MARGIN))
    assert mhm.cue == Cue("over", pytest.approx(4.0 - MARGIN - 2.5)), "after her first sample"
    assert (mhm.reaction, mhm.transcript) == ("ignore", None)
    assert time.cue == Cue("over", pytest.approx(7.0 - MARGIN - 2.5)), "a barge-in"
    assert (time.reaction, time.transcript) == ("reply", "What time is it?")
    assert nothing.cue == Cue("reply", pytest.approx(11.0 - MARGIN - 9.0))
    assert nothing.transcript is None
    assert hello.cue == Cue("gap", pytest.approx(13.0 - 11.5 - 2 * MARGIN)), "nobody replied to the line before"


def flattened(line: str) -> str:
    """A ledger as version 2 had it: its words among its numbers, and each reason beside its decision."""
    row = json.loads(line)
    words = row.pop("words")
    row.pop("utterance")
    return json.dumps({**row, "schema": 2, **{name: words[name] for name in ("user", "reply", "heard", "skipped")}})


async def test_ledgers_of_the_version_before_are_read_alike(take: Path) -> None:
    now = lines(take)
    ledgers = (take / "turns.jsonl").read_text().splitlines()
    (take / "turns.jsonl").write_text("\n".join(map(flattened, ledgers)))
    assert [(line.transcript, line.cue, line.voiced) for line in lines(take)] == [
        (line.transcript, line.cue, line.voiced) for line in now
    ]


async def test_without_words_a_line_has_no_transcript(take: Path) -> None:
    ledgers = [json.loads(line) for line in (take / "turns.jsonl").read_text().splitlines()]
    for row in ledgers:
        del row["words"]
    (take / "turns.jsonl").write_text("\n".join(map(json.dumps, ledgers)))
    assert {line.transcript for line in lines(take)} == {None}


async def test_a_noisy_recording_trusts_the_detector(tmp_path: Path) -> None:
    take = await record(tmp_path / "take", CONVERSATION, sound(hiss=400.0))
    assert lines(take)[0].voiced == (round(MARGIN * EAR_RATE), round((MARGIN + 1.0) * EAR_RATE))


async def test_a_recording_that_was_cut_short(take: Path) -> None:
    manifest = json.loads((take / "manifest.json").read_text())
    (take / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    ledgers = (take / "turns.jsonl").read_text().splitlines()
    (take / "turns.jsonl").write_text("\n".join([*ledgers[:2], ledgers[2][:50]]))
    write(take / "user.wav", sound()[: round(7.5 * EAR_RATE)])
    scenario = load_scenario(take)
    assert [line.transcript for line in scenario.talks[0].lines] == ["Tell me a story.", None]
    assert scenario.notes[:3] == (
        "the recording was cut short; what is there is used",
        "turns.jsonl: 1 lines are cut short and are left out",
        "1 utterances lie outside of user.wav and are left out",
    )


async def test_sound_that_a_slow_disk_lost_is_left_out(take: Path) -> None:
    pcm = sound()
    pcm[round(6.0 * EAR_RATE) : round(9.0 * EAR_RATE)] = 0
    write(take / "user.wav", pcm)
    scenario = load_scenario(take)
    assert "turn 3: its sound is lost; left out" in scenario.notes
    assert scenario.lines == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": 9}, "has schema 9, this version reads 2; use the version that recorded it"),
        ({"schema": None}, "is not the manifest of a recording; name a folder that --record made"),
        ({"loop_time": "soon"}, "loop_time is missing or wrong"),
    ],
)
async def test_manifests_of_another_kind(take: Path, change: dict[str, Any], told: str) -> None:
    manifest = json.loads((take / "manifest.json").read_text())
    (take / "manifest.json").write_text(json.dumps({**manifest, **change}))
    assert told in wrong(take)


async def test_files_that_are_missing_or_broken(take: Path) -> None:
    text = (take / "turns.jsonl").read_text()
    (take / "turns.jsonl").write_text(text.replace('{"schema": 3', '{"schema": 4'))
    assert "turns.jsonl has ledgers of schema 4, this version reads 2 and 3" in wrong(take)
    (take / "turns.jsonl").write_text("")
    assert "holds no turn that can be replayed" in wrong(take)
    (take / "turns.jsonl").write_text('{"schema": 2, "marks": {"voice_start": 501.0}}\n[1, 2]\n')
    assert "holds no turn that can be replayed" in wrong(take)
    (take / "user.wav").write_bytes(b"")
    assert "user.wav is empty" in wrong(take)
    (take / "user.wav").unlink()
    assert "user.wav cannot be read" in wrong(take)
    (take / "manifest.json").write_text('{"schema": 1,')
    assert "manifest.json is not JSON" in wrong(take)
    (take / "manifest.json").write_text("[]")
    assert "is not the manifest of a recording" in wrong(take)


async def test_a_recording_without_its_events_has_no_backchannels(take: Path) -> None:
    (take / "events.jsonl").unlink()
    assert len(lines(take)) == 4
    write(take / "user.wav", np.concatenate([sound(), silence(1.0)]))
    assert len(lines(take)) == 4


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
MARKS = st.dictionaries(
    st.sampled_from(["voice_start", VOICE_END, PLAYED, "silenced", "end"]), st.floats(BEGAN - 2, BEGAN + 20)
)
WORDS = st.one_of(JSON, st.fixed_dictionaries({"user": st.one_of(JSON, st.text(max_size=20))}))
LEDGERS = st.one_of(
    JSON,
    st.fixed_dictionaries({"schema": st.just(2), "user": JSON, "marks": st.one_of(MARKS, JSON)}),
    st.fixed_dictionaries({"schema": st.just(3), "words": WORDS, "marks": st.one_of(MARKS, JSON)}),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LEDGERS, max_size=4), st.lists(st.fixed_dictionaries({"kind": JSON, "data": JSON}), max_size=3))
def test_no_recording_ends_in_a_traceback(tmp_path: Path, ledgers: list[Any], events: list[Any]) -> None:
    if not (tmp_path / "user.wav").exists():
        write(tmp_path / "user.wav", sound())
        (tmp_path / "manifest.json").write_text(json.dumps({"schema": 2, "complete": True, "loop_time": BEGAN}))
    (tmp_path / "turns.jsonl").write_text("\n".join(map(json.dumps, ledgers)))
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    outcome: Scenario | str
    try:
        outcome = load_scenario(tmp_path)
    except ScenarioError as error:
        outcome = str(error)
    if isinstance(outcome, str):
        assert "\n" not in outcome
        return
    for line in outcome.talks[0].lines:
        assert line.voiced is not None
        assert 0 <= line.voiced[0] < line.voiced[1] <= len(line.pcm)
        assert line.cue.kind == "gap" or line.cue.seconds >= 0
