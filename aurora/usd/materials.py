"""Authors a look as UsdPreviewSurface, the material that every USD reader shows.

Colours of points stand in for what glTF multiplies. They are the colour where there is no picture. Beside a picture
they can only be occlusion, which the preview surface has an input for.
"""

from __future__ import annotations

from pxr import Sdf, Usd, UsdShade

from aurora.usd.looks import Look, Picture

PICTURES = "pictures"
"""The folder beside the head's file that holds its pictures."""

CLEAR = 0.25
"""What covers less than this is there for its highlights alone."""

_READERS = {
    Sdf.ValueTypeNames.Float: "UsdPrimvarReader_float",
    Sdf.ValueTypeNames.Float2: "UsdPrimvarReader_float2",
    Sdf.ValueTypeNames.Float3: "UsdPrimvarReader_float3",
}


class Material:
    """One look on a stage. ``textured`` and ``coloured`` tell what the points of its parts have."""

    def __init__(self, stage: Usd.Stage, path: str, look: Look, *, textured: bool, coloured: bool) -> None:
        self._stage, self._path, self._look = stage, path, look
        self.prim = UsdShade.Material.Define(stage, path)
        self._surface = self._shader("Surface", "UsdPreviewSurface")
        picture = look.picture if textured else None
        self._finish(look.finish if textured else None)
        self._colour(picture, coloured)
        self._opacity(picture, coloured)
        if look.relief and textured:
            self._relief(look.relief)
        output = self._surface.CreateOutput("surface", Sdf.ValueTypeNames.Token)
        self.prim.CreateSurfaceOutput().ConnectToSource(output)

    def _colour(self, picture: Picture | None, coloured: bool) -> None:
        diffuse = self._surface.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f)
        if picture:
            texture = self._texture("Picture", picture, "sRGB", scale=self._look.colour, opaque=True)
            diffuse.ConnectToSource(texture.CreateOutput("rgb", Sdf.ValueTypeNames.Float3))
            if coloured:
                shade = self._reader("Occlusion", "occlusion", Sdf.ValueTypeNames.Float)
                self._surface.CreateInput("occlusion", Sdf.ValueTypeNames.Float).ConnectToSource(shade)
        elif coloured:
            diffuse.ConnectToSource(self._reader("Colour", "displayColor", Sdf.ValueTypeNames.Float3))
        elif self._look.alpha == "BLEND" and self._look.colour[3] < CLEAR:
            diffuse.Set((0.0, 0.0, 0.0))  # else a cornea is a veil of milk
        else:
            diffuse.Set(self._look.colour[:3])

    def _opacity(self, picture: Picture | None, coloured: bool) -> None:
        look = self._look
        if look.alpha == "OPAQUE":
            return
        opacity = self._surface.CreateInput("opacity", Sdf.ValueTypeNames.Float)
        if picture:
            texture = UsdShade.Shader(self._stage.GetPrimAtPath(f"{self._path}/Picture"))
            opacity.ConnectToSource(texture.CreateOutput("a", Sdf.ValueTypeNames.Float))
        elif coloured:
            opacity.ConnectToSource(self._reader("Opacity", "displayOpacity", Sdf.ValueTypeNames.Float))
        else:
            opacity.Set(look.colour[3])
        if look.alpha == "MASK":
            self._surface.CreateInput("opacityThreshold", Sdf.ValueTypeNames.Float).Set(look.cutoff)

    def _finish(self, finish: Picture | None) -> None:
        roughness = self._surface.CreateInput("roughness", Sdf.ValueTypeNames.Float)
        metallic = self._surface.CreateInput("metallic", Sdf.ValueTypeNames.Float)
        if not finish:
            roughness.Set(self._look.roughness)
            metallic.Set(self._look.metallic)
            return
        scale = (1.0, self._look.roughness, self._look.metallic, 1.0)
        texture = self._texture("Finish", finish, "raw", scale=scale, opaque=True)
        roughness.ConnectToSource(texture.CreateOutput("g", Sdf.ValueTypeNames.Float))
        if self._look.metallic:
            metallic.ConnectToSource(texture.CreateOutput("b", Sdf.ValueTypeNames.Float))
        else:
            metallic.Set(0.0)

    def _relief(self, relief: Picture) -> None:
        texture = self._texture("Relief", relief, "raw", scale=(2.0, 2.0, 2.0, 1.0))
        texture.CreateInput("bias", Sdf.ValueTypeNames.Float4).Set((-1.0, -1.0, -1.0, 0.0))
        normal = self._surface.CreateInput("normal", Sdf.ValueTypeNames.Normal3f)
        normal.ConnectToSource(texture.CreateOutput("rgb", Sdf.ValueTypeNames.Float3))

    def _texture(
        self,
        name: str,
        picture: Picture,
        space: str,
        *,
        scale: tuple[float, float, float, float],
        opaque: bool = False,
    ) -> UsdShade.Shader:
        texture = self._shader(name, "UsdUVTexture")
        texture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath(f"./{PICTURES}/{picture.name}"))
        texture.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set(space)
        for axis in ("wrapS", "wrapT"):
            texture.CreateInput(axis, Sdf.ValueTypeNames.Token).Set("repeat")
        if scale != (1.0, 1.0, 1.0, 1.0) or not opaque:
            texture.CreateInput("scale", Sdf.ValueTypeNames.Float4).Set(scale)
        where = self._reader("Where", "st", Sdf.ValueTypeNames.Float2)
        texture.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(where)
        return texture

    def _reader(self, name: str, primvar: str, kind: Sdf.ValueTypeName) -> UsdShade.Output:
        reader = self._shader(name, _READERS[kind])
        reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set(primvar)
        return reader.CreateOutput("result", kind)

    def _shader(self, name: str, kind: str) -> UsdShade.Shader:
        shader = UsdShade.Shader.Define(self._stage, f"{self._path}/{name}")
        shader.CreateIdAttr(kind)
        return shader
