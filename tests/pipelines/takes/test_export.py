"""The export program: WAV, subtitles, CSV and JSON that begin at one instant, and one line where it cannot."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from take_folders import JAW, RATE, SPOKEN, jaw, make_take

from aurora.face import ARKIT
from aurora.livelink import HEADER
from pipelines.command.run import run
from pipelines.takes.__main__ import main
from sophia.wav import read_wav


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    return make_take(tmp_path_factory.mktemp("takes") / "take")


def ended(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        run(lambda: main([str(argument) for argument in arguments]))
    return end.value.code


def test_all_outputs_fit_together(take, tmp_path, capsys) -> None:
    names = {name: tmp_path / f"her.{name}" for name in ("wav", "srt", "vtt", "csv", "json")}
    options = [part for name, path in names.items() for part in (f"--{name}", path)]
    assert ended("export", take, *options, "--fps", 30) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 5
    assert not told.err
    sound = read_wav(names["wav"], RATE)
    document = json.loads(names["json"].read_text("utf-8"))
    with names["csv"].open(newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(document["weights"]) == len(document["head"]) == len(document["eyes"]) == 136
    assert document["names"] == list(ARKIT)
    assert (document["fps"], document["rate"]) == (30, RATE)
    onset = np.flatnonzero(np.abs(sound.pcm) > 4000)[0] / RATE
    for frame in range(136):
        weight = document["weights"][frame][JAW]
        assert float(table[frame]["JawOpen"]) == pytest.approx(weight, abs=1e-4)
        if SPOKEN[0][0] < frame / 30 < SPOKEN[0][1]:
            assert frame / 30 >= onset - 1e-3
            assert weight == pytest.approx(jaw(frame / 30), abs=2e-3)
    assert document["captions"][0] == [1.0, 1.5, "Hello there."]
    assert document["turns"][0]["marks"] == {"voice_end": 0.5, "played": 1.0}
    assert names["srt"].read_text().count("-->") == names["vtt"].read_text().count("-->") == 3


def test_the_csv_is_live_link_faces(take, tmp_path) -> None:
    assert ended("export", take, "--csv", tmp_path / "f.csv", "--fps", 60) == 0
    lines = (tmp_path / "f.csv").read_text().splitlines()
    assert lines[0] == HEADER
    began = json.loads((take / "manifest.json").read_text())["began"]
    assert lines[1].startswith(f"{began[11:19]}:00.000,61,0.0000000000,")
    times = []
    for line in lines[1:]:
        cells = line.split(",")
        assert len(cells) == 63
        hours, minutes, seconds, ticks = cells[0].split(":")
        times.append((int(hours) * 60 + int(minutes)) * 60 + int(seconds) + float(ticks) / 60)  # as Unreal reads it
    assert all(after - before == pytest.approx(1 / 60, abs=1e-4) for before, after in pairwise(times))


def test_without_a_face_there_is_no_csv_and_no_file_at_all(tmp_path, capsys) -> None:
    faceless = make_take(tmp_path / "faceless", face=False)
    assert ended("export", faceless, "--wav", tmp_path / "v.wav", "--csv", tmp_path / "v.csv") == 2
    assert "no poses of a face" in capsys.readouterr().err
    assert not list(tmp_path.glob("v.*"))
    assert ended("export", faceless, "--wav", tmp_path / "v.wav", "--json", tmp_path / "v.json") == 0
    document = json.loads((tmp_path / "v.json").read_text())
    assert document["notes"] == ["it holds no poses of a face"]
    assert not np.array(document["weights"])[:, JAW].any()


def test_what_is_there_is_kept_unless_force_is_said(take, tmp_path, capsys) -> None:
    (tmp_path / "v.wav").write_bytes(b"mine")
    assert ended("export", take, "--wav", tmp_path / "v.wav") == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "v.wav").read_bytes() == b"mine"
    assert ended("export", take, "--wav", tmp_path / "v.wav", "--force") == 0
    assert ended("export", take, "--wav", take / "reply.wav", "--force") == 2
    assert ended("export", take, "--wav", tmp_path / "a", "--csv", tmp_path / "a") == 2


def test_a_new_file_is_its_owners_alone(take, tmp_path) -> None:
    assert ended("export", take, "--wav", tmp_path / "v.wav", "--json", tmp_path / "v.json") == 0
    for name in ("v.wav", "v.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_no_output_and_no_take_are_one_line_each(take, tmp_path, capsys) -> None:
    assert ended("export", take) == 2
    assert "--wav" in capsys.readouterr().err
    assert ended("export", tmp_path / "nowhere", "--wav", tmp_path / "v.wav") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_standard_output_holds_the_file_alone(take) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.takes", "export", str(take), "--wav", "-"],
        cwd=Path(__file__).parents[3], capture_output=True, check=True, env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert done.stdout[:4] == b"RIFF"
    assert b"her voice, " in done.stderr
