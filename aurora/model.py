"""A head of somebody's own: can the page show this file, and which of the 52 ARKit shapes will move?

Looked at is the description alone. The page (``aurora/web/src/stage``) finds shapes by the same rules, and tests load
the same files there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aurora.extents import check_extents
from aurora.face import ARKIT
from aurora.glb import Json, ModelRefused, inner, objects, read_gltf, texts
from aurora.names import LONGEST_NAME, arkit_name

FEWEST = 10
"""Shapes that must be there beside jawOpen."""
MOST_NAMES = 50_000
"""Names of shapes and expressions in a file. A body with many outfits has some hundreds."""

LOOKS = tuple(name for name in ARKIT if name.startswith("eyeLook"))
PRESETS: dict[str, tuple[str, ...]] = {
    "aa": ("jawOpen",),
    "ih": ("mouthStretchLeft", "mouthStretchRight"),
    "ou": ("mouthPucker",),
    "ee": ("mouthSmileLeft", "mouthSmileRight"),
    "oh": ("mouthFunnel",),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "blinkLeft": ("eyeBlinkLeft",),
    "blinkRight": ("eyeBlinkRight",),
}
"""What a VRM's preset expressions stand in for where nothing in the file has ARKit's name."""
VOWELS = frozenset(name for vowel in ("aa", "ih", "ou", "ee", "oh") for name in PRESETS[vowel])

_VRM0_PRESETS = {"a": "aa", "i": "ih", "u": "ou", "e": "ee", "o": "oh", "blink_l": "blinkLeft", "blink_r": "blinkRight"}
_BINDS = ("morphTargetBinds", "materialColorBinds", "textureTransformBinds", "binds", "materialValues")
EYES = {
    "lefteye": "Left", "eyeleft": "Left", "eyel": "Left", "leye": "Left",
    "righteye": "Right", "eyeright": "Right", "eyer": "Right", "reye": "Right",
}  # fmt: skip
"""Which eye a node is, by :func:`bare_name`."""

_READ = {
    "EXT_materials_bump", "EXT_mesh_gpu_instancing", "EXT_texture_avif", "EXT_texture_webp", "KHR_lights_punctual",
    "KHR_materials_anisotropy", "KHR_materials_clearcoat", "KHR_materials_dispersion",
    "KHR_materials_emissive_strength", "KHR_materials_ior", "KHR_materials_iridescence", "KHR_materials_sheen",
    "KHR_materials_specular", "KHR_materials_transmission", "KHR_materials_unlit", "KHR_materials_volume",
    "KHR_mesh_quantization", "KHR_texture_transform", "VRM", "VRMC_materials_hdr_emissiveMultiplier",
    "VRMC_materials_mtoon", "VRMC_node_constraint", "VRMC_springBone", "VRMC_vrm",
}  # fmt: skip
"""Extensions that three.js 0.187 and three-vrm 3.5 read without a decoder of their own."""
_UNLOADABLE = {"KHR_draco_mesh_compression"}
"""What three.js stops at even where the file says that it could do without."""
_COMPRESSED = {"KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression", "KHR_texture_basisu"}


@dataclass(frozen=True, slots=True)
class Model:
    """What is in a head's file.

    ``names`` will move and ``missing`` will not; both in the order of :data:`aurora.face.ARKIT`, and together all of
    it. ``size`` is in bytes.
    """

    kind: Literal["glb", "vrm"]
    names: tuple[str, ...]
    missing: tuple[str, ...]
    size: int


def check_model(path: Path) -> Model:
    """What the head's file at ``path`` can do. Reads its description only, but blocks while it does.

    Raises :class:`ModelRefused` with a reason in one line: not a GLB, cut off, too large, needs other files or a
    decoder, no shapes, or too few of them.
    """
    gltf = read_gltf(path)
    if not str(inner(gltf, "asset").get("version", "")).startswith("2"):
        raise ModelRefused(path, "not glTF 2")
    _stands_alone(path, gltf)
    size = path.stat().st_size
    check_extents(path, gltf, size)
    if _in_a_ring(gltf):
        raise ModelRefused(path, "its nodes hang on each other in a ring")
    if (named := _named(gltf)) > MOST_NAMES:
        raise ModelRefused(path, f"it names {named} shapes; at most {MOST_NAMES} are looked at")
    vrm = _vrm_expressions(gltf)
    shapes = set(_shapes(gltf))
    if vrm is not None:
        shapes |= vrm
    if not shapes and not any(objects(mesh, "primitives") and _targets(mesh) for mesh in objects(gltf, "meshes")):
        raise ModelRefused(path, "no morph targets: nothing of this face can move")
    if "jawOpen" not in shapes or (len(shapes) <= FEWEST and not _speaks(vrm)):
        raise ModelRefused(path, _too_few(shapes))
    if _has_eyes(gltf) if vrm is None else _looks_about(gltf):
        shapes.update(LOOKS)
    return Model(
        kind="glb" if vrm is None else "vrm",
        names=tuple(name for name in ARKIT if name in shapes),
        missing=tuple(name for name in ARKIT if name not in shapes),
        size=size,
    )


def _stands_alone(path: Path, gltf: Json) -> None:
    if any("uri" in buffer for buffer in objects(gltf, "buffers")):
        raise ModelRefused(path, "it keeps its vertices in another file; export it as one GLB")
    if any("uri" in image for image in objects(gltf, "images")):
        raise ModelRefused(path, "it keeps its textures outside; export it as one GLB")
    needed = texts(gltf, "extensionsRequired")
    for name in (*needed, *(_UNLOADABLE & set(texts(gltf, "extensionsUsed")))):
        if name in _COMPRESSED:
            raise ModelRefused(path, f"it is compressed ({name}); export it without compression")
        if name not in _READ:
            raise ModelRefused(path, f"it needs the glTF extension {name[:60]!a}, which the page does not know")


def _too_few(shapes: set[str]) -> str:
    if "jawOpen" not in shapes:
        return f"no shape jawOpen among its {len(shapes)} ARKit shapes; without it she cannot speak"
    return f"only {len(shapes)} ARKit shapes; jawOpen and {FEWEST} more are needed"


def _nodes(gltf: Json) -> Iterator[Json]:
    """The nodes of the scene that is shown, each once."""
    nodes, scenes = objects(gltf, "nodes"), objects(gltf, "scenes")
    shown = gltf.get("scene", 0)
    scene = scenes[shown] if isinstance(shown, int) and 0 <= shown < len(scenes) else {}
    waiting, seen = list(_indices(scene, "nodes")), set()
    while waiting:
        index = waiting.pop()
        if index not in seen and index < len(nodes):
            seen.add(index)
            yield nodes[index]
            waiting.extend(_indices(nodes[index], "children"))


def _in_a_ring(gltf: Json) -> bool:
    """Whether a node is its own ancestor; the page would follow it for ever."""
    nodes = objects(gltf, "nodes")
    above, done = bytearray(len(nodes)), bytearray(len(nodes))
    for root in range(len(nodes)):
        way = [(root, _indices(nodes[root], "children"))] if not done[root] else []
        above[root] = bool(way)
        while way:
            index, children = way[-1]
            child = next(children, None)
            if child is None:
                above[index], done[index] = 0, 1
                way.pop()
            elif child < len(nodes) and above[child]:
                return True
            elif child < len(nodes) and not done[child]:
                above[child] = 1
                way.append((child, _indices(nodes[child], "children")))
    return False


def _indices(holder: Json, key: str) -> Iterator[int]:
    found = holder.get(key)
    if isinstance(found, list):
        yield from (index for index in found if type(index) is int and index >= 0)


def _targets(mesh: Json) -> int:
    """How many morph targets a mesh has; its primitives have equally many."""
    return max((len(objects(primitive, "targets")) for primitive in objects(mesh, "primitives")), default=0)


def _shapes(gltf: Json) -> Iterator[str]:
    """ARKit names of the morph targets that are shown; a mesh whose names do not fit its targets has none."""
    meshes = objects(gltf, "meshes")
    shown = {index for node in _nodes(gltf) if type(index := node.get("mesh")) is int and 0 <= index < len(meshes)}
    for index in shown:
        names = texts(inner(meshes[index], "extras"), "targetNames")
        if len(names) == _targets(meshes[index]):
            yield from (known for name in names if (known := arkit_name(name)))


def _named(gltf: Json) -> int:
    """How many names there are to be looked at."""
    new, old = inner(gltf, "extensions", "VRMC_vrm", "expressions"), inner(gltf, "extensions", "VRM")
    return (
        sum(len(texts(inner(mesh, "extras"), "targetNames")) for mesh in objects(gltf, "meshes"))
        + sum(len(inner(new, part)) for part in ("preset", "custom"))
        + len(objects(inner(old, "blendShapeMaster"), "blendShapeGroups"))
    )


def _has_eyes(gltf: Json) -> bool:
    return {"Left", "Right"} <= {EYES.get(bare_name(node.get("name"))) for node in _nodes(gltf)}


def bare_name(name: object) -> str:
    """A node's name as it is compared: small letters and digits alone, without Mixamo's prefix."""
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        return ""
    return "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum()).removeprefix("mixamorig")


def _vrm_expressions(gltf: Json) -> set[str] | None:
    """ARKit names that a VRM's expressions move, presets included; ``None`` for a file that is no VRM."""
    new, old = inner(gltf, "extensions", "VRMC_vrm"), inner(gltf, "extensions", "VRM")
    if not new and not old:
        return None
    expressions = [
        *(inner(new, "expressions", part) for part in ("preset", "custom")),
        {vrm0_name(group): group for group in objects(inner(old, "blendShapeMaster"), "blendShapeGroups")},
    ]
    found: set[str] = set()
    for part in expressions:
        for name, expression in part.items():
            if any(objects(expression, binds) for binds in _BINDS):  # one that moves nothing is not there
                known = arkit_name(name)
                found.update(PRESETS.get(name, (known,) if known else ()))
    return found


def vrm0_name(group: Json) -> str:
    """The name of a VRM 0 expression, presets as VRM 1 calls them."""
    preset, name = group.get("presetName"), group.get("name")
    if isinstance(preset, str) and (preset in _VRM0_PRESETS or preset == "blink"):
        return _VRM0_PRESETS.get(preset, preset)
    return name if isinstance(name, str) else ""


def _speaks(vrm: set[str] | None) -> bool:
    """Whether a VRM has all five vowels."""
    return vrm is not None and vrm >= VOWELS


def _looks_about(gltf: Json) -> bool:
    """Whether a VRM's eyes can be turned: by its own rule for looking, and bones or expressions that carry it out."""
    new = inner(gltf, "extensions", "VRMC_vrm")
    if new:
        return bool(inner(new, "lookAt"))
    return bool(inner(gltf, "extensions", "VRM", "firstPerson"))
