"""Tools that Kit lends her: she looks at things on the stage, sets variants, and plays the timeline.

All of it runs on Kit's thread. What it changes is in the session's layer, so nothing of it is saved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pxr import Sdf, Tf, Usd, UsdGeom

MOST_PRIMS = 5000
"""Prims that are looked through for a name; a stage may hold millions."""

MOST_LISTED = 24

Action = Literal["play", "pause", "stop"]
ACTIONS: tuple[Action, ...] = ("play", "pause", "stop")

_NAME = {"type": "string", "maxLength": 300, "description": "its name, or its whole path such as /World/Car"}

LENT: tuple[dict[str, Any], ...] = (
    {
        "type": "function",
        "name": "list_stage",
        "description": "Lists the things on the Omniverse stage, with the variants that can be chosen.",
        "parameters": {"type": "object", "properties": {}},
        "reads": True,
    },
    {
        "type": "function",
        "name": "look_at_prim",
        "description": "Looks at a thing on the Omniverse stage, and tells what and where it is.",
        "parameters": {"type": "object", "properties": {"prim": _NAME}, "required": ["prim"]},
        "reads": False,
    },
    {
        "type": "function",
        "name": "set_variant",
        "description": "Chooses a variant of a thing on the Omniverse stage, such as the colour of a car.",
        "parameters": {
            "type": "object",
            "properties": {
                "prim": _NAME,
                "variant": {"type": "string", "maxLength": 100, "description": "such as red"},
                "variant_set": {
                    "type": "string",
                    "maxLength": 100,
                    "description": "such as color; needed if several fit",
                },
            },
            "required": ["prim", "variant"],
        },
        "reads": False,
    },
    {
        "type": "function",
        "name": "control_timeline",
        "description": "Plays, pauses or stops the animation on the Omniverse stage.",
        "parameters": {
            "type": "object",
            "properties": {"action": {"type": "string", "enum": list(ACTIONS)}},
            "required": ["action"],
        },
        "reads": False,
    },
)
"""What the server is told."""


def offer() -> dict[str, Any]:
    """The client event that lends them."""
    return {"type": "sophia.tools", "tools": [dict(tool) for tool in LENT]}


class CannotDo(Exception):
    """A tool failed; the message says why, in words that she can tell."""


class StageTools:
    """Runs the tools on ``stage()``. ``look`` turns her gaze to a path, ``timeline`` plays, pauses or stops."""

    def __init__(
        self,
        stage: Callable[[], Usd.Stage | None],
        look: Callable[[str], None],
        timeline: Callable[[Action], None] | None = None,
    ) -> None:
        self._stage = stage
        self._look = look
        self._timeline = timeline

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """The client event that answers a ``sophia.tool.call``; ``None`` for what is none."""
        call_id = event.get("call_id")
        if event.get("type") != "sophia.tool.call" or not isinstance(call_id, str):
            return None
        output, failed = self._run(str(event.get("name")), str(event.get("arguments")))
        return {"type": "sophia.tool.result", "call_id": call_id, "output": output, "failed": failed}

    def _run(self, name: str, arguments: str) -> tuple[str, bool]:
        try:
            given = json.loads(arguments)
            texts = {str(key): str(value) for key, value in given.items() if value is not None}
            return self._do(name, texts), False
        except (CannotDo, Tf.ErrorException) as why:
            return str(why)[:500], True
        except (ValueError, AttributeError, RecursionError):
            return "the arguments are no JSON object", True

    def _do(self, name: str, given: Mapping[str, str]) -> str:
        if name == "control_timeline":
            return self._control(given.get("action", ""))
        stage = self._stage()
        if stage is None:
            raise CannotDo("no stage is open in Omniverse")
        match name:
            case "list_stage":
                return _listed(stage)
            case "look_at_prim":
                prim = find_prim(stage, given.get("prim", ""))
                self._look(str(prim.GetPath()))
                return described(prim)
            case "set_variant":
                prim = find_prim(stage, given.get("prim", ""))
                return set_variant(stage, prim, given.get("variant", ""), given.get("variant_set", ""))
        raise CannotDo("there is no such tool here")

    def _control(self, action: str) -> str:
        known: Action | None = next((one for one in ACTIONS if one == action), None)
        if known is None:
            raise CannotDo("the timeline can play, pause or stop")
        if self._timeline is None:
            raise CannotDo("this application has no timeline")
        self._timeline(known)
        return {"play": "The timeline plays.", "pause": "The timeline is paused.", "stop": "The timeline is stopped."}[
            known
        ]


def _prims(stage: Usd.Stage) -> Iterator[Usd.Prim]:
    for count, prim in enumerate(stage.Traverse()):
        if count >= MOST_PRIMS:
            return
        yield prim


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def find_prim(stage: Usd.Stage, name: str) -> Usd.Prim:
    """The prim of a path, or the one with this name, or whose name holds it. Raises :class:`CannotDo`."""
    name = name.strip()
    if name.startswith("/") and Sdf.Path.IsValidPathString(name) and (prim := stage.GetPrimAtPath(name)):
        return prim
    asked = _plain(name.rsplit("/", 1)[-1])
    if not asked:
        raise CannotDo("name a thing on the stage")
    prims = [prim for prim in _prims(stage) if prim.IsA(UsdGeom.Imageable)]
    same = [prim for prim in prims if _plain(prim.GetName()) == asked]
    like = same or [prim for prim in prims if asked in _plain(prim.GetName())]
    above = [
        prim for prim in like if not any(prim.GetPath().HasPrefix(other.GetPath()) for other in like if other != prim)
    ]
    if len(above) == 1:
        return above[0]
    if not above:
        raise CannotDo(f"there is nothing called {name[:100]} on the stage")
    raise CannotDo(f"several are called that: {', '.join(str(prim.GetPath()) for prim in above[:5])}")


def described(prim: Usd.Prim) -> str:
    """What and where a prim is, in words."""
    said = [f"{prim.GetName()} at {prim.GetPath()}, {_kind(prim)}"]
    purposes = [UsdGeom.Tokens.default_, UsdGeom.Tokens.render]
    box = UsdGeom.BBoxCache(Usd.TimeCode.Default(), purposes).ComputeWorldBound(prim).ComputeAlignedRange()
    if not box.IsEmpty():
        unit = UsdGeom.GetStageMetersPerUnit(prim.GetStage())
        size, middle = box.GetSize(), box.GetMidpoint()
        said.append("size " + " by ".join(f"{value * unit:.2g}" for value in size) + " metres")
        said.append("middle at " + ", ".join(f"{value * unit:.3g}" for value in middle) + " metres")
    if UsdGeom.Imageable(prim).ComputeVisibility() == UsdGeom.Tokens.invisible:
        said.append("hidden")
    return "; ".join([*said, *_variants(prim)])


def _kind(prim: Usd.Prim) -> str:
    return f"a {prim.GetTypeName()}" if prim.GetTypeName() else "of no type"


def _variants(prim: Usd.Prim) -> list[str]:
    sets = prim.GetVariantSets()
    return [
        f"variants of {name}: {', '.join(sets.GetVariantSet(name).GetVariantNames()[:MOST_LISTED])}; "
        f"now {sets.GetVariantSelection(name) or 'none'}"
        for name in sets.GetNames()
    ]


def _listed(stage: Usd.Stage) -> str:
    root = stage.GetDefaultPrim() or stage.GetPseudoRoot()
    lines = [f"{prim.GetName()}, {_kind(prim)}" for prim in root.GetChildren() if prim.IsA(UsdGeom.Imageable)]
    chosen = [
        f"{prim.GetName()}: {'; '.join(_variants(prim))}" for prim in _prims(stage) if prim.GetVariantSets().GetNames()
    ]
    more = len(lines) - MOST_LISTED
    listed = [*lines[:MOST_LISTED], *([f"and {more} more"] if more > 0 else []), *chosen[:MOST_LISTED]]
    return "\n".join(listed) or "The stage is empty."


def set_variant(stage: Usd.Stage, prim: Usd.Prim, variant: str, variant_set: str = "") -> str:
    """Chooses a variant in the session's layer. Raises :class:`CannotDo`."""
    sets = prim.GetVariantSets()
    fitting = [
        (name, found)
        for name in sets.GetNames()
        if not variant_set or _plain(name) == _plain(variant_set)
        for found in sets.GetVariantSet(name).GetVariantNames()
        if _plain(found) == _plain(variant)
    ]
    if len(fitting) != 1:
        there = "; ".join(_variants(prim)) or "it has no variants"
        raise CannotDo(f"{'several sets have' if fitting else 'there is no'} variant {variant[:100]}: {there}")
    (name, found), *_ = fitting
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        sets.GetVariantSet(name).SetVariantSelection(found)
    return f"{prim.GetName()}: {name} is {found} now."
