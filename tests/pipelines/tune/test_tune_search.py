"""The search: the same each time, however it is shared out or interrupted; and what it recommends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tuning import PROFILE, SCENARIO, simulated

from pipelines.settings.model import Settings, load_settings
from pipelines.settings.tunable import ranges
from pipelines.tune.knee import knee, shortcomings
from pipelines.tune.score import NothingAnswered, Scores, scores, split
from pipelines.tune.search import GENERATION, Limit, Search, StudyError, Trial

KEYS = (
    "turns.pause_open",
    "turns.speculate",
    "asr.stop_history_eou",
    "turns.pause_unfinished",
    "microphone.vad.onset",
)
HALVES = split(SCENARIO)


def evaluate(candidates: Sequence[Settings]) -> Iterator[Scores | NothingAnswered]:
    for settings in candidates:
        try:
            yield scores(simulated(SCENARIO, settings, PROFILE).turns, HALVES)
        except NothingAnswered as nothing:
            yield nothing


def search(file: Path | None = None, seed: int = 0, identity: dict[str, str] | None = None, **settings: str) -> Search:
    loaded = load_settings(None, {key.replace("__", "."): value for key, value in settings.items()}, {})
    return Search(loaded, ranges(loaded, KEYS), evaluate, seed=seed, file=file, identity=identity)


def test_the_current_configuration_is_the_first_trial_and_the_search_repeats_itself() -> None:
    one, other, seeded = search(), search(), search(seed=1)
    for each in (one, other, seeded):
        each.run(Limit(30))
    assert one.changes(one.trials[0]) == {}
    assert one.trials == other.trials
    assert [trial.values for trial in one.trials] != [trial.values for trial in seeded.trials]


def test_it_finds_the_trade_off() -> None:
    found = search(turns__pause_open="1.0")
    found.run(Limit(50))
    current, front = found.trials[0], found.front
    assert [trial.scores.tuned.voice_to_voice for trial in front] == sorted(
        trial.scores.tuned.voice_to_voice for trial in front
    )
    for trial in front:
        assert trial.scores.tuned.failed == 0  # a deaf detector answers no line, but slows none down either
        for other in found.trials:
            pairs = list(zip(other.scores.tuned.objectives, trial.scores.tuned.objectives, strict=True))
            assert not (all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)) or other.scores.tuned.failed
    chosen = knee(front, current)
    assert chosen.scores.tuned.voice_to_voice < current.scores.tuned.voice_to_voice
    assert chosen.scores.tuned.false_cutoffs <= current.scores.tuned.false_cutoffs


def test_changes_that_do_nothing_are_taken_back() -> None:
    found = search()
    found.run(Limit(30))
    idle = next(
        trial for trial in found.front if {"turns.pause_unfinished", "turns.pause_open"} <= set(found.changes(trial))
    )
    plain = found.without_idle_changes(idle, Limit(0), lambda _: None)
    assert set(found.changes(plain)) < set(found.changes(idle))
    assert "turns.pause_unfinished" not in found.changes(plain)  # the made-up loop does not know it
    assert plain.scores.tuned.objectives <= idle.scores.tuned.objectives
    assert found.without_idle_changes(plain, Limit(0), lambda _: None) == plain


def test_a_study_goes_on_where_it_was_and_ends_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    whole = search()
    whole.run(Limit(1 + 3 * GENERATION))
    search(tmp_path / "a.journal").run(Limit(1 + GENERATION))
    again = search(tmp_path / "a.journal")
    assert len(again.trials) == 1 + GENERATION
    again.run(Limit(1 + 3 * GENERATION))
    assert again.trials == whole.trials


def test_an_interrupted_generation_keeps_what_was_scored(tmp_path: Path) -> None:
    told: list[Trial | None] = []

    def interrupt(trial: Trial | None) -> None:
        told.append(trial)
        if len(told) == 4:
            raise KeyboardInterrupt

    first = search(tmp_path / "a.journal")
    with pytest.raises(KeyboardInterrupt):
        first.run(Limit(20), interrupt)
    assert len(first.trials) == 4
    again = search(tmp_path / "a.journal")
    assert again.trials == first.trials
    rest: list[Trial | None] = []  # None where a candidate answered nothing
    again.run(Limit(20), rest.append)
    assert len(first.trials) + len(rest) == 20
    assert again.trials[len(first.trials) :] == [trial for trial in rest if trial]


def test_time_that_is_up_ends_it_in_the_middle_of_a_generation() -> None:
    found = search()
    left = iter(range(6))
    found.run(Limit(50, lambda: next(left, None) is None))
    assert 1 < len(found.trials) < 1 + GENERATION


def test_a_study_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.journal"
    search(file, identity={"seed": "0", "profile": "exact"}).run(Limit(1))
    with pytest.raises(StudyError, match="a study of another profile; name a new file"):
        search(file, identity={"seed": "0", "profile": "other"})


@pytest.mark.parametrize("content", [b"RIFF\x00\x00", b"{}\n", b"[1]\n", b"3", b'{"op_code": 99, "worker_id": 1}\n'])
def test_a_file_that_is_no_study_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(content)
    with pytest.raises(StudyError) as caught:
        search(file)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == content


def test_a_configuration_that_answers_nothing_is_no_baseline() -> None:
    with pytest.raises(NothingAnswered, match="a soft voice"):
        search(microphone__vad__onset="0.75").run(Limit(5))


def test_without_anything_better_the_current_configuration_is_recommended() -> None:
    found = search()
    found.run(Limit(1))
    assert knee(found.front, found.trials[0]) == found.trials[0]
    assert knee([], found.trials[0]) == found.trials[0]


def test_what_does_not_hold_is_told_with_figures() -> None:
    found = search()
    found.run(Limit(1))
    (worse,) = evaluate([load_settings(None, {"turns.pause_open": "0.2", "turns.speculate": "false"}, {})])
    (better,) = evaluate([load_settings(None, {"turns.pause_open": "1.4"}, {})])
    assert isinstance(worse, Scores)
    assert isinstance(better, Scores)
    (told,) = shortcomings(worse.validated, better.validated)[:1]
    assert told == "false cut-offs 0.0 → 50.0 per 100 lines"
    assert shortcomings(better.validated, better.validated) == []
