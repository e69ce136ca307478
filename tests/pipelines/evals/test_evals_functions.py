"""Function-calling cases: how they are read, and which calls are right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nova.tools import ToolCall
from pipelines.evals.functions import load_functions, wrong
from pipelines.evals.loading import CaseError

AREA = {
    "name": "shapes.area",
    "description": "The area of a triangle.",
    "parameters": {
        "type": "dict",
        "properties": {"base": {"type": "float"}, "unit": {"type": "string"}, "sides": {"type": "tuple"}},
        "required": ["base"],
    },
}
RIGHT: dict[str, Any] = {"base": [10, 10.0], "unit": ["cm", "Centi-Meters", ""]}


def call(**given: Any) -> ToolCall:
    return ToolCall("c", "shapes_area", json.dumps(given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"base": 10}, ""),
        ({"base": 10.0, "unit": "CM"}, ""),
        ({"base": 10, "unit": "centimeters"}, ""),
        ({"base": 11}, "base=11"),
        ({"base": True}, "base=True"),
        ({"unit": "cm"}, "was not given base"),
        ({"base": 10, "color": "red"}, "color, which nobody said"),
    ],
)
def test_arguments_are_right_as_the_leaderboard_has_it(given: dict[str, Any], told: str) -> None:
    found = wrong([call(**given)], [("shapes_area", RIGHT)])
    assert told in found
    assert bool(told) == bool(found)


def test_calls_are_counted_and_may_come_in_any_order() -> None:
    two = [("shapes_area", {"base": [1]}), ("shapes_area", {"base": [2]})]
    assert wrong([call(base=2), call(base=1)], two) == ""
    assert wrong([call(base=2), call(base=2)], two)
    assert wrong([call(base=2)], two) == "1 calls, and 2 are right"
    assert wrong([], []) == ""
    assert "none would do" in wrong([call(base=2)], [])
    assert "is right" in wrong([ToolCall("c", "other")], two[:1])


def test_values_that_hold_values_are_compared_deep_down() -> None:
    right = {"shape": [{"kind": ["square", "box"], "size": [4]}], "sides": [[1, 2]]}
    good = ToolCall("c", "f", json.dumps({"shape": {"kind": "box", "size": 4}, "sides": [1, 2]}))
    assert wrong([good], [("f", right)]) == ""
    bad = ToolCall("c", "f", json.dumps({"shape": {"kind": "circle", "size": 4}, "sides": [1, 2]}))
    assert wrong([bad], [("f", right)])


def test_a_file_is_read_with_answers_beside_or_apart(tmp_path: Path) -> None:
    question = {"id": "simple_python_3", "question": [[{"role": "user", "content": "How large?"}]], "function": [AREA]}
    truth = {"id": "simple_python_3", "ground_truth": [{"shapes.area": RIGHT}]}
    (tmp_path / "questions.json").write_text(json.dumps(question) + "\n")
    (tmp_path / "answers.json").write_text(json.dumps(truth))
    (tmp_path / "both.json").write_text(json.dumps({**question, **truth}))
    (apart,) = load_functions(tmp_path / "questions.json", tmp_path / "answers.json")
    (beside,) = load_functions(tmp_path / "both.json")
    assert apart == beside
    assert apart.kind == "simple_python"
    assert apart.tools[0].name == "shapes_area"
    assert apart.tools[0].parameters["type"] == "object"
    assert [kind["type"] for kind in apart.tools[0].parameters["properties"].values()] == ["number", "string", "array"]
    assert apart.right == (("shapes_area", RIGHT),)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"id": "x"}', '{"id": "x", "question": [], "function": []}'])
def test_what_is_no_case_is_told_by_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cases.json"
    file.write_text(text)
    with pytest.raises(CaseError):
        load_functions(file)
