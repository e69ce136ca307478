"""A take is read as something to be shown, whole or cut short, ours or hostile."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from take_folders import JAW, RATE, SPOKEN, START, jaw, make_take

from aurora.face import ARKIT
from pipelines.conversation.events import GenerationOver, PlayoutFinished, PlayoutStarted
from pipelines.takes.captions import LONGEST, captions, srt, vtt
from pipelines.takes.performance import FADE, HOLD, TakeError, read_performance


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    return make_take(tmp_path_factory.mktemp("takes") / "take")


@pytest.fixture
def broken(take, tmp_path):
    """A copy that a test may spoil."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in take.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_everything_counts_from_the_beginning_of_the_recording(take) -> None:
    shown = read_performance(take)
    assert shown.seconds == pytest.approx(4.5, abs=1e-3)
    assert shown.notes == []
    sounds = np.flatnonzero(np.abs(shown.pcm) > 4000)
    assert sounds[0] / RATE == pytest.approx(SPOKEN[0][0], abs=2e-3)
    assert shown.times[0] == SPOKEN[0][0]
    assert [turn["turn"] for turn in shown.turns] == [1, 2]


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_poses_are_what_was_recorded_while_she_speaks(take, fps) -> None:
    shown = read_performance(take)
    poses = shown.poses(fps)
    assert poses.shape == (int(shown.seconds * fps) + 1, len(ARKIT))
    for begin, end in SPOKEN:
        for frame in range(round(begin * fps) + 1, int(end * fps)):
            assert poses[frame, JAW] == pytest.approx(jaw(frame / fps), abs=2e-3)  # between frames it is a line


def test_between_replies_the_face_rests_and_lives_and_nothing_jumps(take) -> None:
    poses = read_performance(take).poses(60)
    rest = poses[round((SPOKEN[0][1] + FADE) * 60) + 1 : round((SPOKEN[1][0] - FADE) * 60)]
    assert not rest[:, JAW].any()
    assert rest[:, ARKIT.index("browInnerUp")].max() > 0.01  # breath
    steps = np.abs(np.diff(poses[:, JAW]))
    assert steps.max() < 0.3
    assert poses[round((SPOKEN[0][1] + FADE / 2) * 60), JAW] > 0.01, "the mouth falls shut by and by"


def test_a_short_hole_is_bridged_and_a_long_one_is_a_rest(broken) -> None:
    lines = (broken / "frames.jsonl").read_text().splitlines()
    holed = [line for line in lines if not re.match(r'\{"t": 1\.[45]', line)]
    (broken / "frames.jsonl").write_text("\n".join(holed))
    shown = read_performance(broken)
    gaps = np.diff(shown.times)
    assert gaps[gaps < 1].max() < HOLD
    assert shown.poses(60)[90, JAW] == pytest.approx((jaw(1 + 23 / 60) + jaw(1.6)) / 2, abs=0.1)


def test_what_is_cut_short_gives_what_is_there_and_says_so(broken) -> None:
    for name, keep in (("reply.wav", 0.5), ("frames.jsonl", 0.5), ("events.jsonl", 0.9)):
        raw = (broken / name).read_bytes()
        (broken / name).write_bytes(raw[: int(len(raw) * keep)])
    manifest = json.loads((broken / "manifest.json").read_text())
    (broken / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))
    shown = read_performance(broken)
    assert 0 < len(shown.times) < 60
    assert 0 < len(shown.pcm) < 2.5 * RATE
    assert [line.text for line in shown.lines] == ["Hello there.", "I am Sophia."]
    for what in ("cut short", "reply.wav", "frames.jsonl: 1 of", "not an event of this version"):
        assert any(what in note for note in shown.notes), (what, shown.notes)


def test_no_face_no_sound_and_no_events_are_each_said(take, broken) -> None:
    for name, words in (("frames.jsonl", "no poses"), ("reply.wav", "no sound"), ("events.jsonl", "no events")):
        (broken / name).unlink()
        notes = read_performance(broken).notes if name != "events.jsonl" else None
        if notes is not None:
            assert any(words in note for note in notes)
    with pytest.raises(TakeError, match="she said nothing"):
        read_performance(broken)


HOSTILE = [
    "", "null", "[]", "{}", '{"t": 1}', '{"t": "x", "w": []}', '{"t": NaN, "w": [0]}', '{"t": 1e999, "w": [0]}',
    '{"t": -5, "w": [0]}', '{"t": 1e9, "w": [0]}', '{"t": 1, "w": 7}', '{"t": 1, "w": ["a"]}', '{"t": 1, "w": [null]}',
    '{"names": 7}', '{"names": []}', "[" * 100_000, "\x00\xff", '{"t": 0.5, "w": [NaN, 1e999, -3]}',
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE)
def test_a_line_that_is_no_pose_is_left_out(broken, line) -> None:
    lines = (broken / "frames.jsonl").read_text().splitlines()
    (broken / "frames.jsonl").write_text("\n".join([lines[0], line, *lines[1:]]) + "\n", encoding="utf-8")
    shown = read_performance(broken)
    assert np.isfinite(shown.recorded).all()
    assert shown.recorded.min() >= 0
    assert shown.recorded.max() <= 1
    assert (np.diff(shown.times) > 0).all()
    assert len(shown.times) >= 90
    assert (np.isfinite(shown.poses(30))).all()


def test_a_recorded_pose_is_taken_as_it_was_shown(broken) -> None:
    """A service's mouthClose may hold some of the jaw; a take's does not any more."""
    lines = [json.loads(line) for line in (broken / "frames.jsonl").read_text().splitlines()]
    for line in lines[1:]:
        line["w"][ARKIT.index("mouthClose")] = 0.25
    (broken / "frames.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert read_performance(broken).recorded[10, JAW] == pytest.approx(jaw(1 + 10 / 60), abs=1e-4)


def test_names_in_another_order_land_where_they_belong(broken) -> None:
    lines = [json.loads(line) for line in (broken / "frames.jsonl").read_text().splitlines()]
    lines[0]["names"] = [name.upper() for name in reversed(ARKIT)]
    for line in lines[1:]:
        line["w"].reverse()
    (broken / "frames.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert read_performance(broken).recorded[10, JAW] == pytest.approx(jaw(1 + 10 / 60), abs=1e-4)


NO_MANIFEST = [
    "", "7", "[]", "{}", '{"schema": 2}', '{"schema": 2, "reply_rate": "fast"}', '{"schema": 2, "reply_rate": 1}',
    '{"schema": 2, "reply_rate": 22050, "loop_time": "x"}', "[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("manifest", NO_MANIFEST)
def test_a_folder_that_is_no_take_is_one_line(broken, manifest) -> None:
    (broken / "manifest.json").write_text(manifest)
    with pytest.raises(TakeError, match="is no take") as error:
        read_performance(broken)
    assert "\n" not in str(error.value)


def test_an_event_with_a_broken_time_ends_the_words_there(broken) -> None:
    lines = (broken / "events.jsonl").read_text().splitlines()
    lines[3] = lines[3].replace(f'"time": {START + SPOKEN[1][0]}', '"time": "soon"')
    (broken / "events.jsonl").write_text("\n".join(lines))
    shown = read_performance(broken)
    assert [line.text for line in shown.lines] == ["Hello there.", "I am Sophia."]
    assert any("broken" in note for note in shown.notes)


def test_the_model_that_the_settings_named_is_known(tmp_path) -> None:
    folder = make_take(tmp_path / "t", settings={"face": {"model": "/heads/mine.glb"}})
    assert read_performance(folder).head == "/heads/mine.glb"
    (folder / "config.yaml").write_text("face: [")
    assert read_performance(folder).head is None


def over(text: str, generation: int = 1, said: str = "") -> list:
    return [
        PlayoutStarted(generation, 10.0),
        PlayoutFinished(generation, 20.0, 1),
        GenerationOver(at=20.0, generation=generation, text=text, heard=text, said=said),
    ]


@given(st.text(max_size=400))
@settings(deadline=None, max_examples=200)
def test_captions_hold_every_word_once_in_order_and_in_time(text) -> None:
    lines = captions(over(text), 10.0)
    assert " ".join(line.text for line in lines).split() == text.split()
    assert all(len(line.text) <= LONGEST or " " not in line.text for line in lines)
    times = [time for line in lines for time in (line.start, line.end)]
    assert times == sorted(times)
    assert not times or (times[0] == 0.0 and times[-1] == pytest.approx(10.0))


def test_subtitles_are_as_players_want_them(take) -> None:
    lines = read_performance(take).lines
    assert srt(lines) == (
        "1\n00:00:01,000 --> 00:00:01,500\nHello there.\n\n2\n00:00:01,500 --> 00:00:02,000\nI am Sophia.\n\n"
        "3\n00:00:04,000 --> 00:00:04,500\nFine & <well>.\n"
    )
    assert vtt(lines).startswith("WEBVTT\n\n00:00:01.000 --> 00:00:01.500\nHello there.\n\n")
    assert "Fine &amp; &lt;well&gt;.\n" in vtt(lines)


def test_a_reply_that_was_never_heard_has_no_line() -> None:
    assert captions(over("Hello.")[2:], 0.0) == []
    assert [line.text for line in captions(over("", said="Sorry."), 10.0)] == ["Sorry."]


def test_progress_is_told(take) -> None:
    told: list[tuple[str, float]] = []
    read_performance(take).poses(60, lambda what, share: told.append((what, share)))
    assert told
    assert told[0] == ("poses", 0.0)


def test_the_folder_is_left_as_it_was(take) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in Path(take).iterdir()}
    read_performance(take).poses(30)
    assert before == {path.name: path.stat().st_mtime_ns for path in Path(take).iterdir()}


def test_between_replies_she_thinks_where_she_thought(broken) -> None:
    brow, lines = ARKIT.index("browOuterUpLeft"), (broken / "events.jsonl").read_text().splitlines()
    for at, to in ((101.0, '"speaking"'), (102.2, '"thinking"'), (103.8, '"speaking"'), (103.9, "7")):
        lines.append(f'{{"t": {at - START}, "kind": "attending", "data": {{"at": {at}, "to": {to}}}}}')
    (broken / "events.jsonl").write_text("\n".join(lines))
    shown = read_performance(broken)
    assert shown.notes == []
    poses = shown.poses(60)
    assert poses[60 * 3 + 36, brow] > 0.15
    assert poses[60 * 2 + 6, brow] < 0.1
