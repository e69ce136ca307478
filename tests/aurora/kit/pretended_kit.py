"""Kit without Kit: just enough of ``omni`` and ``carb`` for the shell, and a stage with a small face."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from pxr import Gf, Usd, UsdGeom, UsdSkel, Vt  # type: ignore[import-untyped]

import aurora

EXTENSION = Path(__file__).parents[3] / "aurora" / "kit" / "exts" / "aurora.sophia.live"
ANIMATION = "/World/Sophia/Skel/Anim"
SHAPES = ("jawOpen", "mouthClose", "eyeBlinkLeft", "eyeBlinkRight", *(f"mouth{number}" for number in range(8)))

# The extension's own `aurora` is a namespace; in this process it is found below ours.
if str(EXTENSION / "aurora") not in aurora.__path__:
    aurora.__path__.append(str(EXTENSION / "aurora"))


def face_stage() -> Usd.Stage:
    """A stage with a cube, and a skeleton whose take opens the jaw between 0 and 30."""
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/World").GetPrim())
    UsdSkel.Root.Define(stage, "/World/Sophia").AddTranslateOp().Set(Gf.Vec3d(10, 0, 0))
    joints = ["Body", "Body/Head", "Body/Head/EyeLeft", "Body/Head/EyeRight"]
    places = [(0, 0, 0), (0, 5, 0), (3, 5, 8), (-3, 5, 8)]
    skeleton = UsdSkel.Skeleton.Define(stage, "/World/Sophia/Skel")
    skeleton.CreateJointsAttr(joints)
    skeleton.CreateRestTransformsAttr(Vt.Matrix4dArray([Gf.Matrix4d().SetTranslate(Gf.Vec3d(*p)) for p in places]))
    animation = UsdSkel.Animation.Define(stage, ANIMATION)
    animation.CreateBlendShapesAttr(list(SHAPES))
    animation.CreateJointsAttr(joints)
    animation.CreateRotationsAttr(Vt.QuatfArray([Gf.Quatf(1)] * 4))
    weights = animation.CreateBlendShapeWeightsAttr()
    for time, jaw in ((0, 0.0), (30, 0.75)):
        weights.Set(Vt.FloatArray([jaw] + [0.0] * (len(SHAPES) - 1)), time)
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    cube = UsdGeom.Cube.Define(stage, "/World/Cube")
    cube.AddTranslateOp().Set(Gf.Vec3d(110, 10, 108))
    return stage


def weights(stage: Usd.Stage, time: float = 15.0) -> list[float]:
    return list(UsdSkel.Animation(stage.GetPrimAtPath(ANIMATION)).GetBlendShapeWeightsAttr().Get(time))


class Bus:
    """Events by name, dispatched when :meth:`update` is called, as Kit does at its next update."""

    def __init__(self) -> None:
        self.observers: dict[str, list[Callable[[Any], None]]] = {}
        self.queued: list[tuple[str, dict[str, Any]]] = []
        self.told: list[tuple[str, dict[str, Any]]] = []

    def observe(self, name: str, work: Callable[[Any], None]) -> object:
        self.observers.setdefault(name, []).append(work)
        return SimpleNamespace(name=name, work=work)

    def queue(self, name: str, payload: dict[str, Any]) -> None:
        self.queued.append((name, payload))

    def update(self) -> None:
        queued, self.queued = self.queued, []
        for name, payload in [*queued, ("update", {})]:
            if name != "update":
                self.told.append((name, payload))
            for work in self.observers.get(name, []):
                work(self.event(payload))

    def event(self, payload: dict[str, Any]) -> Any:
        return SimpleNamespace(get=payload.get)


class Legacy(Bus):
    """Kit 105 and 106: streams, and payloads in the event."""

    def event(self, payload: dict[str, Any]) -> Any:
        return SimpleNamespace(payload=payload)


class Kit:
    """The application: its stage, settings, bus and log; ``extension`` is the module of the extension."""

    def __init__(self, legacy: bool) -> None:
        self.stage: Usd.Stage | None = face_stage()
        self.bus = Legacy() if legacy else Bus()
        self.warnings: list[str] = []
        manifest = tomllib.loads((EXTENSION / "config" / "extension.toml").read_text("utf-8"))
        self.settings: dict[str, Any] = {
            f"/exts/{name}/{key}": value
            for name, values in manifest["settings"]["exts"].items()
            for key, value in values.items()
        }
        self.extension: Any = None

    def set(self, **settings: Any) -> None:
        for name, value in settings.items():
            key = f"/exts/aurora.sophia.live/{name}"
            assert key in self.settings, "the manifest declares every setting"
            self.settings[key] = value

    def modules(self, legacy: bool) -> dict[str, ModuleType]:
        bus = self.bus
        app = {
            "get_app": lambda: None,
            "GLOBAL_EVENT_UPDATE": "update",
            "queue_event": bus.queue,
        }
        carb = {
            "carb.eventdispatcher": {
                "get_eventdispatcher": lambda: SimpleNamespace(
                    observe_event=lambda *, observer_name, event_name, on_event: bus.observe(event_name, on_event)
                )
            }
        }
        if legacy:
            updates = SimpleNamespace(create_subscription_to_pop=lambda work, name: bus.observe("update", work))
            messages = SimpleNamespace(
                create_subscription_to_pop_by_type=lambda kind, work, name: bus.observe(kind, work),
                push=bus.queue,
            )
            streams = SimpleNamespace(
                get_update_event_stream=lambda: updates, get_message_bus_event_stream=lambda: messages
            )
            app = {"get_app": lambda: streams}
            carb = {"carb.events": {"type_from_string": lambda name: name}}
        found = {
            "carb": {"log_warn": self.warnings.append},
            "carb.settings": {"get_settings": lambda: SimpleNamespace(get=self.settings.get)},
            **carb,
            "omni": {}, "omni.kit": {}, "omni.kit.app": app,
            "omni.ext": {"IExt": object},
            "omni.usd": {"get_context": lambda: SimpleNamespace(get_stage=lambda: self.stage)},
        }  # fmt: skip
        modules: dict[str, ModuleType] = {}
        for name, content in found.items():
            module = modules[name] = ModuleType(name)
            module.__dict__.update(content)
            if "." in name:
                above, _, last = name.rpartition(".")
                setattr(modules[above], last, module)
        return modules
