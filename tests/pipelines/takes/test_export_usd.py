"""Takes as USD scenes by the program: on the head that was asked for, whole, and one line where it cannot be."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from glbs import Glb, full
from take_folders import JAW, jaw, make_take

pytest.importorskip("pxr", reason="needs the extra usd")
pytest.importorskip("PIL", reason="needs the extra usd")

from pxr import Usd, UsdGeom, UsdSkel

from aurora.face import ARKIT
from pipelines.command.run import run
from pipelines.takes import scene
from pipelines.takes.__main__ import main
from pipelines.takes.performance import read_performance


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    return make_take(tmp_path_factory.mktemp("takes") / "take")


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    return full().write(tmp_path_factory.mktemp("heads") / "mine.glb")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ended(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        run(lambda: main([str(argument) for argument in arguments]))
    return end.value.code


def test_a_take_becomes_a_scene_that_is_whole(take, head, tmp_path, capsys) -> None:
    path = tmp_path / "her.usda"
    assert ended("export", take, "--usd", path, "--head", head, "--fps", 30, "--srt", tmp_path / "her.srt") == 0
    told = capsys.readouterr()
    assert f"{path}: 136 poses at 30 a second" in told.out
    assert "1 meshes, 52 of 52 shapes; checked" in told.out
    assert told.err == ""
    assert ended("check", path) == 0
    assert capsys.readouterr().out == f"{path}: whole\n"
    stage = Usd.Stage.Open(str(path))
    weights = UsdSkel.Animation(stage.GetPrimAtPath("/World/Sophia/Skel/Anim")).GetBlendShapeWeightsAttr()
    assert weights.Get(45)[JAW] == pytest.approx(jaw(1.5), abs=2e-3)
    assert stage.GetPrimAtPath("/World/Sophia").GetAttribute("userProperties:caption").Get(40) == "Hello there."
    about = stage.GetPrimAtPath("/World").GetCustomDataByKey("sophia")
    assert about["turns"]["turn_2"]["heard"] == "Fine & <well>."
    assert UsdGeom.GetStageMetersPerUnit(stage) == 0.01


def test_the_head_of_the_conversation_is_taken_where_none_is_asked_for(head, tmp_path, monkeypatch, capsys) -> None:
    take = make_take(tmp_path / "take", settings={"face": {"model": str(head)}})
    assert ended("export", take, "--usd", tmp_path / "her.usdz") == 0
    assert "1 meshes" in capsys.readouterr().out
    gone = make_take(tmp_path / "gone", settings={"face": {"model": str(tmp_path / "gone.glb")}})
    performance = read_performance(gone)
    full().write(tmp_path / "ours.glb")
    monkeypatch.setattr(scene, "SOPHIA", tmp_path / "ours.glb")
    assert scene.choose_head(None, performance).names == ARKIT
    assert performance.notes == [f"its head {tmp_path / 'gone.glb'} is not here; the project's own stands in"]


def test_what_is_there_is_kept(take, head, tmp_path, capsys) -> None:
    (tmp_path / "her_files").mkdir()
    (tmp_path / "her_files" / "voice.wav").write_bytes(b"mine")
    assert ended("export", take, "--usd", tmp_path / "her.usdc", "--head", head) == 2
    assert "--force" in capsys.readouterr().err
    assert not (tmp_path / "her.usdc").exists()
    assert ended("export", take, "--usd", tmp_path / "her.usdc", "--head", head, "--force") == 0
    assert ended("export", take, "--usd", head, "--head", head, "--force") == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--usd", "x.glb"], "does not end in .usda, .usdc or .usdz"),
        (["--usd", "-"], "does not end in"),
        (["--usd", "no/where/x.usda"], "there is no folder"),
        (["--usd", "x.usda", "--head", "nowhere.glb"], "no such file or directory; name another head"),
        (["--usd", "x.usda", "--head", "few.glb"], "nothing of this face can speak; name another head"),
    ],
)
def test_what_cannot_be_is_one_line(take, capsys, here, options, words) -> None:
    Glb().write(here / "few.glb")
    assert ended("export", take, *options) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert len((told.out + told.err).splitlines()) == 1
    assert not list(here.glob("x.*"))


def test_without_a_face_there_is_no_scene(tmp_path, head, capsys) -> None:
    faceless = make_take(tmp_path / "faceless", face=False)
    assert ended("export", faceless, "--usd", tmp_path / "x.usda", "--head", head) == 2
    assert "no poses of a face" in capsys.readouterr().err


def test_a_file_that_is_broken_is_told(take, head, tmp_path, capsys) -> None:
    path = tmp_path / "her.usda"
    assert ended("export", take, "--usd", path, "--head", head) == 0
    (tmp_path / "her_files" / "voice.wav").unlink()
    capsys.readouterr()
    assert ended("check", path) == 1
    assert "voice.wav" in capsys.readouterr().out
    assert ended("check", tmp_path / "nowhere.usda") == 1


def test_without_the_extra_one_line_says_how_to_get_it(take, tmp_path, monkeypatch, capsys) -> None:
    for name in [name for name in sys.modules if name.startswith("aurora.usd.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pxr", None)
    for arguments in (("export", take, "--usd", tmp_path / "x.usda"), ("check", tmp_path / "x.usda")):
        assert ended(*arguments) == 2
        told = capsys.readouterr().err
        assert "pip install -e '.[usd]'" in told
        assert len(told.splitlines()) == 1
    assert ended("export", take, "--wav", tmp_path / "x.wav", "--json", tmp_path / "x.json") == 0


def test_an_export_of_long_takes_tells_how_far_it_is(take, head, tmp_path) -> None:
    told: list[tuple[str, float]] = []
    performance = read_performance(take)
    poses = np.repeat(performance.poses(60), 8, axis=0)
    scene.write_scene(
        performance, scene.choose_head(head, performance), poses, 60, path=tmp_path / "long.usdc",
        progress=lambda what, share: told.append((what, share)),
    )  # fmt: skip
    frames = [share for what, share in told if what == "frames"]
    assert len(frames) == len(poses) // 1000 + 1
    assert frames == sorted(frames)
