"""The stage in a real Chromium: heads of every kind are found, moved and drawn; broken ones are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromiums
from glbs import HEADS, full, prefixed, presets
from page_site import serving

from aurora.face import ARKIT
from aurora.model import LOOKS, check_model

HERE = Path(__file__).parent
AURORA = HERE.parents[2] / "aurora"
pytestmark = pytest.mark.timeout(240)  # graphics by software on a loaded machine


class Lab:
    """A page with a stage in it; its questions are those of ``stage_page.js``."""

    def __init__(self, launch: Callable[..., Any], address: str, folder: Path, *flags: str) -> None:
        self._launch, self.address, self.folder = launch, address, folder
        self._page = launch(*flags).new_page(viewport={"width": 400, "height": 400})
        self.troubles: list[str] = []
        self._page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self._page.goto(address, wait_until="commit")
        self._page.wait_for_selector("body.ready", timeout=60_000)

    def elsewhere(self, *flags: str) -> Lab:
        """The same page in a browser with other flags."""
        return Lab(self._launch, self.address, self.folder, *flags)

    def __call__(self, question: str, *arguments: Any) -> Any:
        call = f"(all) => window.lab.{question}(...all)"
        return self._page.evaluate(call, list(arguments))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("stage")
    (folder / "index.html").write_text(
        '<!doctype html><link rel="icon" href="data:,"><canvas></canvas>'
        '<script type="module" src="stage_page.js"></script>',
        "utf-8",
    )
    # The code as it is served, and heads of every kind.
    heads = [AURORA / "head" / f"{name}.glb" for name in ("sophia", "sophia-light")]
    for file in (HERE / "stage_page.js", *(AURORA / "web" / "static").glob("*.js"), *heads):
        (folder / file.name).symlink_to(file)
    for name, make in HEADS.items():
        make().write(folder / f"{name}.glb")
    with chromiums() as launch, serving(folder) as address:
        lab = Lab(launch, address, folder)
        assert lab("create", ARKIT, {"quality": "auto"}) == {"quality": "low", "smooth": False}  # software draws
        lab("resize", 100, 120)
        yield lab
        assert lab.troubles == []


@pytest.mark.parametrize("name", HEADS)
def test_the_page_finds_what_python_found(lab: Lab, name: str) -> None:
    found = lab("load", f"{name}.glb")
    model = check_model(lab.folder / f"{name}.glb")
    assert (found.get("names"), found.get("missing")) == (list(model.names), list(model.missing)), found


def test_progress_rises_to_one(lab: Lab) -> None:
    shares = lab("load", "full.glb")["shares"]
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("name", ["full", "prefixed", "perfect_sync"])
@pytest.mark.parametrize("shape", ["jawOpen", "eyeBlinkLeft", "cheekPuff", "mouthSmileRight"])
def test_a_weight_moves_its_shape(lab: Lab, name: str, shape: str) -> None:
    lab("load", f"{name}.glb")
    half, whole = (max(lab("moved", {shape: weight}, [0, 0, 0])["far"].values()) for weight in (0.5, 1.0))
    assert whole > 0.02
    assert half == pytest.approx(whole / 2, rel=0.01)


def test_teeth_open_with_the_head_and_only_lashes_blink_where_lids_are_apart(lab: Lab) -> None:
    lab("load", "split.glb")
    far = lab("moved", {"jawOpen": 1.0}, [0, 0, 0])["far"]
    assert far["Wolf3D_Head"] > 0.02
    assert far["Wolf3D_Teeth"] > 0.02
    assert far["Lashes"] == 0
    far = lab("moved", {"eyeBlinkLeft": 1.0}, [0, 0, 0])["far"]
    assert far["Lashes"] > 0.02
    assert far["Wolf3D_Head"] == 0


def test_eye_bones_turn_with_the_eight_looks(lab: Lab) -> None:
    lab("load", "split.glb")
    nodes = lab("moved", {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5, "eyeLookUpLeft": 0.5}, [0, 0, 0])["nodes"]
    assert nodes["LeftEye"][0] == pytest.approx(0.26, abs=0.02)  # to her left, half of 0.52 rad
    assert nodes["RightEye"][0] == pytest.approx(0.26, abs=0.02)
    assert nodes["LeftEye"][1] == pytest.approx(0.21, abs=0.02)  # up, half of 0.42 rad
    assert nodes["RightEye"][1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["full", "split", "perfect_sync", "vrm0"])
def test_the_head_nods_and_turns(lab: Lab, name: str) -> None:
    found = lab("load", f"{name}.glb")
    assert "place" in found
    node = {"perfect_sync": "J_head", "vrm0": "J_head"}.get(name, "Head")
    x, y, z = lab("moved", {}, [0.2, 0.3, 0.0])["nodes"][node]
    forwards = -1 if name == "vrm0" else 1  # the old version's bones look the other way
    assert forwards * x == pytest.approx(0.29, abs=0.03)
    assert forwards * y == pytest.approx(-0.2, abs=0.03)
    assert forwards * z > 0.9


def test_a_head_whose_pivot_lies_between_the_feet_does_not_turn_about_them(lab: Lab) -> None:
    glb = full()
    for node in glb.gltf["nodes"]:
        node.pop("translation", None)
    glb.write(lab.folder / "feet.glb")
    lab("load", "feet.glb")
    assert lab("moved", {}, [0.2, 0.3, 0.0])["far"] == {"Face": 0}


def test_presets_open_the_mouth_and_close_one_eye(lab: Lab) -> None:
    found = lab("load", "presets.glb")
    assert [note for note in found["notes"] if "blinkLeft" in note]
    both = lab("moved", {"jawOpen": 1.0, "eyeBlinkLeft": 1.0}, [0, 0, 0])["far"]
    blink = lab("moved", {"eyeBlinkLeft": 1.0}, [0, 0, 0])["far"]
    jaw = lab("moved", {"jawOpen": 1.0}, [0, 0, 0])["far"]
    assert max(both.values()) == pytest.approx(max(jaw.values()), rel=0.02)  # a blink does not silence the mouth
    assert max(blink.values()) > 0.02
    assert max(lab("moved", {"browInnerUp": 1.0}, [0, 0, 0])["far"].values()) == 0


def test_a_drawing_has_its_own_colours_on_any_page_and_a_likeness_does_not(lab: Lab) -> None:
    seen = {}
    for name in ("presets", "perfect_sync"):
        lab("load", f"{name}.glb")
        for theme in ("light", "dark"):
            lab("theme", theme)
            seen[name, theme] = lab("brightness", [[0, 0, 0.5, 0.5]], {}, [0, 0, 0])[0]["mean"]
    assert seen["presets", "dark"] == seen["presets", "light"]
    own = sum((1.055 * linear ** (1 / 2.4) - 0.055) / 3 for linear in (0.8, 0.6, 0.5))
    assert seen["presets", "dark"] == pytest.approx(own, abs=0.08)
    assert abs(seen["perfect_sync", "dark"] - seen["perfect_sync", "light"]) > 0.005


def test_one_shape_of_several_meshes_does_not_leak_into_others(lab: Lab) -> None:
    lab("load", "full.glb")
    for shape in ("jawOpen", *LOOKS):
        assert max(lab("moved", {shape: 1.0}, [0, 0, 0])["far"].values()) > 0.01
    assert max(lab("moved", {}, [0, 0, 0])["far"].values()) == 0  # and goes back to rest


BROKEN = {
    "cut.glb": (full().bytes()[:-500], "the model is cut off"),
    "text.glb": (b"<!doctype html> no head here", "the model is not a GLB file"),
    "few.glb": (prefixed().bytes().replace(b"jawOpen", b"jawOben"), "the model has no shape jawOpen"),
    "range.glb": (full().bytes().replace(b'"count": ', b'"count":9'), "the model cannot be read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_head_is_refused_and_the_old_one_stays(lab: Lab, name: str) -> None:
    data, reason = BROKEN[name]
    (lab.folder / name).write_bytes(data)
    lab("load", "full.glb")
    told = lab("load", name)
    assert told["code"] == "broken"
    assert told["message"].startswith(reason)
    assert "\n" not in told["message"]
    assert max(lab("moved", {"jawOpen": 1.0}, [0, 0, 0])["far"].values()) > 0.02


def test_a_head_that_is_not_there_is_broken_too(lab: Lab) -> None:
    told = lab("load", "none.glb")
    assert (told["code"], told["message"]) == ("broken", "the model did not come: the server answered 404")


def test_of_two_loads_the_later_one_counts(lab: Lab) -> None:
    raced = lab("race", "full.glb", "split.glb")
    assert raced["ends"] == ["AbortError", "done"]
    assert raced["models"] == 1


def test_a_hundredth_head_holds_no_more_than_the_first(lab: Lab) -> None:
    for name in ("full", "perfect_sync", "split", "full"):
        lab("load", f"{name}.glb")
        lab("covered", {}, [0, 0, 0])
    held = lab("memory")
    for _ in range(3):
        lab("load", "split.glb")
        lab("load", "full.glb")
    lab("covered", {}, [0, 0, 0])
    assert lab("memory") == held


def test_the_face_fills_the_canvas_in_any_shape(lab: Lab) -> None:
    lab("load", "full.glb")
    shares = []
    for width, height in ((100, 120), (150, 75), (60, 150)):
        assert lab("resize", width, height) == [width, height]
        shares.append(lab("covered", {}, [0, 0, 0]))
    lab("resize", 100, 120)
    assert all(0.08 < share < 0.9 for share in shares), shares
    assert lab("covered", {}, [0, 1.2, 0]) < 0.7 * shares[0]  # turned away, the plate is narrow


@pytest.mark.parametrize("name", ["full", "sophia-light"])
def test_after_the_graphics_were_taken_away_she_is_drawn_again(lab: Lab, name: str) -> None:
    lab("load", f"{name}.glb")
    (before,) = lab("brightness", [[0, 0, 0.6, 0.6]], {}, [0, 0, 0])
    lab("loseContext")
    (after,) = lab("brightness", [[0, 0, 0.6, 0.6]], {}, [0, 0, 0])
    assert after == pytest.approx(before, abs=0.02)
    assert abs(before["mean"] - 0.5) > 0.02  # something was drawn over the grey


def test_a_graphics_card_is_given_smooth_edges_and_every_pixel(lab: Lab) -> None:
    other = lab.elsewhere()
    card = "ANGLE (NVIDIA, NVIDIA GB10/PCIe/SSE2, OpenGL ES 3.2)"
    assert other("create", ARKIT, {"quality": "auto"}, card) == {"quality": "high", "smooth": True}
    width, height = other("resize", 800, 600)
    assert width * height > 800 * 600


def test_the_processor_draws_only_so_many_pixels(lab: Lab) -> None:
    width, height = lab("resize", 1600, 1200)
    assert width * height < 260_000
    assert width / height == pytest.approx(4 / 3, abs=0.01)
    assert lab("resize", 100, 120) == [100, 120]


def test_without_webgl_the_page_is_told_so(lab: Lab) -> None:
    told = lab.elsewhere("--disable-3d-apis")("create", ARKIT, {})
    assert told["code"] == "nowebgl"


MOUTH, LEFT_EYE, RIGHT_EYE, BROW = (
    [0, -0.28, 0.14, 0.1],
    [0.19, 0.22, 0.1, 0.05],
    [-0.19, 0.22, 0.1, 0.05],
    [0, 0.4, 0.4, 0.1],
)
"""Places in her own face, in heights of a face from its middle."""


def test_her_own_head_is_whole(lab: Lab) -> None:
    for name in ("sophia", "sophia-light"):
        found = lab("load", f"{name}.glb")
        assert (found["missing"], found["notes"]) == ([], [])
        assert check_model(lab.folder / f"{name}.glb").missing == ()


def test_her_mouth_opens_dark_and_her_eyes_close(lab: Lab) -> None:
    lab("load", "sophia-light.glb")
    lab("resize", 180, 220)
    boxes = [MOUTH, LEFT_EYE, RIGHT_EYE, BROW]
    seen = {
        name: lab("brightness", boxes, weights, [0, 0, 0])
        for name, weights in {"rest": {}, "jaw": {"jawOpen": 0.7}, "wink": {"eyeBlinkLeft": 1.0}}.items()
    }
    lab("resize", 100, 120)
    (mouth, left, right, brow), (open_mouth, _, _, still), (_, closed, other, _) = seen.values()
    assert open_mouth["mean"] < 0.87 * mouth["mean"]
    assert still == pytest.approx(brow, abs=0.03)
    assert left["dark"] < 0.2  # the pupil
    assert closed["dark"] > 0.28  # her lid
    assert other["dark"] == pytest.approx(right["dark"], abs=0.03)


def test_names_are_arkits_own(lab: Lab) -> None:
    found = lab("load", "presets.glb")
    assert set(found["names"]) | set(found["missing"]) == set(ARKIT)
    presets_ = check_model(presets().write(lab.folder / "presets.glb"))
    assert found["names"] == list(presets_.names)
