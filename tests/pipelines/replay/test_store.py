"""Runs on disk: saved unit by unit, resumable, and refused with a reason when they cannot be read."""

import json

import pytest

from pipelines.records.results import Run, Turn, Unit, pack_envelope, unpack_envelope
from pipelines.records.store import RunError, RunStore, baseline, finished_units, load_run


def turn(line=0, round=0, **changes):
    facts = {
        "talk": "t", "line": line, "name": f"line {line}", "round": round, "session": 0, "at": 1.0, "seconds": 1.0,
        "voiced": (0.1, 0.9), "outcome": "answered", "voice_to_voice": 0.5, "user_envelope": "AAAA",
    }  # fmt: skip
    return Turn(**{**facts, **changes})


HEADER = Run(scenario="s", fingerprint="f", lines=2, rounds=2, complete=False, config={"turns": {"settle": 0.4}})


def interrupted(folder):
    store = RunStore(folder, HEADER)
    store.add(Unit(0, 0, 0), [turn(0), turn(1)])
    store._writer.shutdown(wait=True)  # as far as it came
    return store


class TestSaved:
    def test_a_complete_run_comes_back_as_it_was(self, tmp_path):
        store = interrupted(tmp_path / "run")
        run = HEADER.model_copy(update={"turns": (turn(0), turn(1)), "complete": True})
        store.finish(run)
        assert load_run(tmp_path / "run") == run
        assert load_run(tmp_path / "run" / "run.json") == run

    def test_an_interrupted_run_is_read_as_far_as_it_came(self, tmp_path):
        interrupted(tmp_path)
        run = load_run(tmp_path)
        assert not run.complete
        assert [one.line for one in run.turns] == [0, 1]
        assert finished_units(tmp_path) == {Unit(0, 0, 0)}

    def test_a_line_that_was_cut_off_is_played_again(self, tmp_path):
        interrupted(tmp_path)
        with (tmp_path / "turns.jsonl").open("a") as file:
            file.write('{"talk": 0, "round": 1, "sess')
        assert finished_units(tmp_path) == {Unit(0, 0, 0)}

    def test_it_is_gone_on_with(self, tmp_path):
        interrupted(tmp_path)
        store = RunStore(tmp_path, HEADER, resume=True)
        store.add(Unit(0, 1, 0), [turn(0, 1), turn(1, 1)])
        store._writer.shutdown(wait=True)
        assert finished_units(tmp_path) == {Unit(0, 0, 0), Unit(0, 1, 0)}
        assert len(load_run(tmp_path).turns) == 4

    def test_a_baseline_has_every_value_but_no_envelopes(self, tmp_path):
        run = HEADER.model_copy(update={"turns": (turn(0),), "complete": True})
        (tmp_path / "base.json").write_text(baseline(run))
        (one,) = load_run(tmp_path / "base.json").turns
        assert one == turn(0, user_envelope="")


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("not json", "is not JSON"),
            ("[]", "is not a replay's run"),
            ('{"kind": "other"}', "is not a replay's run"),
            (json.dumps({"kind": "sophia-replay", "schema": 99}), "has schema 99, this version reads 2"),
            (json.dumps({"kind": "sophia-replay", "schema": 1}), "reads 2: make the baseline afresh"),  # other stages
            (json.dumps({"kind": "sophia-replay", "schema": 2, "scenario": "s"}), "fingerprint: Field required"),
            ("\xff\xfe", "is not JSON"),
        ],
    )
    def test_what_is_no_run(self, tmp_path, content, why):
        file = tmp_path / "run.json"
        file.write_bytes(content.encode("latin-1"))
        with pytest.raises(RunError, match=why):
            load_run(file)

    def test_what_is_not_there(self, tmp_path):
        with pytest.raises(RunError, match="No such file"):
            load_run(tmp_path / "none")

    def test_a_folder_that_holds_a_run_already(self, tmp_path):
        interrupted(tmp_path)
        with pytest.raises(RunError, match="--resume"):
            RunStore(tmp_path, HEADER)

    def test_a_folder_that_holds_a_recording(self, tmp_path):
        (tmp_path / "turns.jsonl").write_text("a take's\n")
        with pytest.raises(RunError, match="perhaps a recording; name another folder"):
            RunStore(tmp_path, HEADER)
        assert (tmp_path / "turns.jsonl").read_text() == "a take's\n"

    def test_damage_in_the_middle(self, tmp_path):
        interrupted(tmp_path)
        lines = (tmp_path / "turns.jsonl").read_text()
        (tmp_path / "turns.jsonl").write_text("rubbish\n" + lines)
        with pytest.raises(RunError, match="line 1 is damaged"):
            finished_units(tmp_path)

    def test_a_place_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(RunError, match="cannot write into"):
            RunStore(tmp_path / "file" / "run", HEADER)


def test_envelopes_keep_levels_to_a_decibel():
    assert list(unpack_envelope(pack_envelope([-0.2, -40.0, -120.0, -96.0]))) == [0, -40, -96, -96]


def test_an_envelope_that_is_none():
    with pytest.raises(ValueError, match=r"base64|padding"):
        unpack_envelope("?!")
