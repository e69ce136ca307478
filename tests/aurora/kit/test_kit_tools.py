"""The tools that Kit lends her, on a real stage: she looks, chooses variants and plays, and changes no file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pretended_kit import Kit, face_stage
from pxr import Gf, Usd, UsdGeom
from test_kit_extension import ready

from aurora.sophia.core.director import Director
from aurora.sophia.core.tools import ACTIONS, LENT, Action, StageTools, offer


def car_stage() -> Usd.Stage:
    """A stage with a face, a cube, and a car whose colour can be chosen; a second wheel hides."""
    stage = face_stage()
    car = UsdGeom.Xform.Define(stage, "/World/Sports_Car")
    for at, name in enumerate(("Wheel_1", "Wheel_2")):
        wheel = UsdGeom.Sphere.Define(stage, f"/World/Sports_Car/{name}")
        wheel.AddTranslateOp().Set(Gf.Vec3d(100 * at, 0, 0))
    UsdGeom.Imageable(stage.GetPrimAtPath("/World/Sports_Car/Wheel_2")).MakeInvisible()
    for name, variants in (("color", ("red", "Dark_Blue")), ("trim", ("sport", "red"))):
        chosen = car.GetPrim().GetVariantSets().AddVariantSet(name)
        for variant in variants:
            chosen.AddVariant(variant)
    car.GetPrim().GetVariantSets().SetSelection("color", "red")
    return stage


class Tried:
    """The tools on a stage; what they did beside it."""

    def __init__(self, stage: Usd.Stage | None) -> None:
        self.looked: list[str] = []
        self.played: list[Action] = []
        self.tools = StageTools(lambda: stage, self.looked.append, self.played.append)

    def call(self, name: str, arguments: Any = None) -> tuple[str, bool]:
        text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
        event = {"type": "sophia.tool.call", "call_id": "c1", "name": name, "arguments": text}
        answer = self.tools.answer(event)
        assert answer is not None
        assert (answer["type"], answer["call_id"]) == ("sophia.tool.result", "c1")
        return answer["output"], answer["failed"]


def test_she_looks_at_things_and_tells_what_they_are() -> None:
    stage = car_stage()
    tried = Tried(stage)
    told, failed = tried.call("look_at_prim", {"prim": "cube"})
    assert not failed
    assert told == ("Cube at /World/Cube, a Cube; size 0.02 by 0.02 by 0.02 metres; middle at 1.1, 0.1, 1.08 metres")
    assert tried.looked == ["/World/Cube"]
    assert "variants of color: Dark_Blue, red; now red" in tried.call("look_at_prim", {"prim": "sports car"})[0]
    assert "hidden" in tried.call("look_at_prim", {"prim": "/World/Sports_Car/Wheel_2"})[0]
    listed = tried.call("list_stage")[0]
    assert "Sports_Car, a Xform" in listed
    assert "Sports_Car: variants of color" in listed


def test_a_name_that_nothing_or_several_things_have_is_told() -> None:
    tried = Tried(car_stage())
    assert tried.call("look_at_prim", {"prim": "teapot"}) == ("there is nothing called teapot on the stage", True)
    assert tried.call("look_at_prim", {"prim": "wheel"}) == (
        "several are called that: /World/Sports_Car/Wheel_1, /World/Sports_Car/Wheel_2", True
    )  # fmt: skip
    assert tried.call("look_at_prim", {})[1]
    assert tried.looked == []


def test_a_variant_is_chosen_in_the_sessions_layer_alone() -> None:
    stage = car_stage()
    root, tried = stage.GetRootLayer().ExportToString(), Tried(stage)
    assert tried.call("set_variant", {"prim": "car", "variant": "dark blue"}) == (
        "Sports_Car: color is Dark_Blue now.", False
    )  # fmt: skip
    car = stage.GetPrimAtPath("/World/Sports_Car")
    assert car.GetVariantSets().GetVariantSelection("color") == "Dark_Blue"
    assert stage.GetRootLayer().ExportToString() == root
    told, failed = tried.call("set_variant", {"prim": "car", "variant": "red"})
    assert failed
    assert told.startswith("several sets have variant red")
    assert tried.call("set_variant", {"prim": "car", "variant": "red", "variant_set": "Trim"})[1] is False
    assert tried.call("set_variant", {"prim": "car", "variant": "green"})[0].startswith("there is no variant green")
    assert "it has no variants" in tried.call("set_variant", {"prim": "cube", "variant": "red"})[0]


def test_the_timeline_plays_pauses_and_stops() -> None:
    tried = Tried(car_stage())
    for action in ACTIONS:
        assert not tried.call("control_timeline", {"action": action})[1]
    assert tried.played == list(ACTIONS)
    assert tried.call("control_timeline", {"action": "rewind"})[1]
    none = StageTools(car_stage, lambda path: None)
    answer = none.answer({"type": "sophia.tool.call", "call_id": "c", "name": "control_timeline",
                          "arguments": '{"action": "play"}'})  # fmt: skip
    assert answer is not None
    assert answer["output"] == "this application has no timeline"


@pytest.mark.parametrize("arguments", ["", "[]", "3", "{", "[" * 100_000, '{"prim": ' + '"x"' * 2 + "}"])
def test_arguments_that_make_no_sense_are_a_failure(arguments: str) -> None:
    assert Tried(car_stage()).call("look_at_prim", arguments)[1]


def test_without_a_stage_and_for_other_tools_it_says_so() -> None:
    assert Tried(None).call("list_stage") == ("no stage is open in Omniverse", True)
    assert Tried(car_stage()).call("delete_everything") == ("there is no such tool here", True)
    assert Tried(car_stage()).tools.answer({"type": "sophia.tool.call"}) is None
    assert Tried(car_stage()).tools.answer({"type": "sophia.floor"}) is None


def test_a_call_is_run_at_the_next_update_and_answered_over_the_line() -> None:
    stage, played = car_stage(), list[Action]()
    director = Director(lambda: stage, lambda name, payload: None, timeline=played.append)
    call = {"type": "sophia.tool.call", "call_id": "c7", "name": "control_timeline", "arguments": '{"action": "play"}'}
    connection = ready(call)
    director.connect(connection)
    director.update(100.0)
    assert played == ["play"]
    assert json.loads(connection._commands[-1])["output"] == "The timeline plays."


def test_the_offer_is_one_that_the_server_takes() -> None:
    from pipelines.server.realtime.lending import lent_tools

    lent = lent_tools(offer()).tools
    assert [(one.spec.name, one.reads) for one in lent] == [(tool["name"], tool["reads"]) for tool in LENT]


def test_the_extension_offers_them_unless_it_is_told_not_to(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[Any] = []

    class Line:
        state, why = "connected", ""

        def __init__(self, url: str, token: str, ca: str, *, first: Any) -> None:
            offered.append([event["type"] for event in first])

        def start(self) -> None:
            return

        def stop(self) -> None:
            return

    for wanted in (True, False):
        offered = first
        kit.set(tools=wanted)
        monkeypatch.setattr(f"{kit.extension.SophiaLiveExtension.__module__}.Connection", Line)
        extension = kit.extension.SophiaLiveExtension()
        extension.on_startup("aurora.sophia.live-0.1.0")
        extension.on_shutdown()
    assert first == [["sophia.tools"], []]
