"""What comes with the project: loadable everywhere, small, and made again by one command."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from benchmarks.assets import soundbites
from pipelines.scenarios.loading import bundled_talks, load_scenario
from pipelines.scenarios.room import speech_level
from pipelines.scenarios.scenario import ScenarioError
from pipelines.talk.devices import BUNDLED as QUESTIONS
from sophia.audio import EAR_RATE
from sophia.wav import read_wav


def test_all_of_it_loads_without_a_voice_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.scenarios.rendering.say", None)
    scenario = load_scenario("bundled")
    assert scenario.notes == ()
    assert scenario.lines >= 18
    assert {"questions", "pauses", "hesitations", "noise", "room", "quiet", "interruption", "backchannel"} <= {
        talk.name for talk in scenario.talks
    }
    for talk in scenario.talks:
        for line in talk.lines:
            assert line.transcript
            assert line.words
            assert line.voiced is not None
            re.compile(line.expect or "")
    kinds = {line.cue.kind for talk in scenario.talks for line in talk.lines}
    assert kinds == {"reply", "over", "gap"}
    assert {line.reaction for talk in scenario.talks for line in talk.lines} == {"reply", "ignore"}


def test_subsets_go_by_name() -> None:
    assert sum(load_scenario(f"bundled/{name}").lines for name in bundled_talks()) == load_scenario("bundled").lines
    assert [talk.name for talk in load_scenario("bundled/noise").talks] == ["noise", "loud noise"]
    with pytest.raises(ScenarioError, match="did you mean bundled/pauses"):
        load_scenario("bundled/pause")
    with pytest.raises(ScenarioError, match="there are backchannel, "):
        load_scenario("bundled/")


def test_pauses_are_as_long_as_their_marks_say() -> None:
    gaps = []
    for line in load_scenario("bundled/pauses").talks[0].lines:
        gaps.append(max(b.start - a.end for a, b in zip(line.words, line.words[1:], strict=False)))
    assert gaps == pytest.approx([0.5, 0.8, 1.1], abs=0.02)


def test_the_plain_questions_still_stand_where_the_voice_loop_looks() -> None:
    assert len(list(QUESTIONS.glob("*.wav"))) == 6
    assert load_scenario(QUESTIONS).lines == 6


def test_the_german_questions_stand_beside_them() -> None:
    scenario = load_scenario(QUESTIONS / "german", language="de-DE")
    assert scenario.lines == 7
    assert not scenario.notes
    assert all(line.expect and line.voiced for line in scenario.talks[0].lines)


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in QUESTIONS.rglob("*") if path.is_file()) < 1_900_000


def test_its_sounds_are_made_again(tmp_path: Path) -> None:
    """As they are bundled, up to what another processor's rounding may do to them."""
    made = {path.relative_to(tmp_path): read_wav(path) for path in soundbites.make(tmp_path)}
    english = (path for path in QUESTIONS.rglob("*.wav") if path.parent != QUESTIONS / "german")
    there = {path.relative_to(QUESTIONS): read_wav(path) for path in english}
    assert made.keys() == there.keys()
    for name, sound in there.items():
        assert made[name].rate == sound.rate == EAR_RATE
        assert made[name].seconds == pytest.approx(sound.seconds, rel=0.1), name
        assert speech_level(made[name].pcm) == pytest.approx(speech_level(sound.pcm), rel=0.2), name
    soundbites.document(tmp_path)
    told, bundled = manifest(tmp_path), manifest(QUESTIONS)
    assert [{**row, "seconds": ""} for row in told] == [{**row, "seconds": ""} for row in bundled]
    for row in bundled:
        assert float(row["seconds"]) == pytest.approx(there[Path(row["file"])].seconds, abs=0.005)


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
