"""Build hook: generates ``aurora/wire`` from ``proto/`` with protoc, and packs the configurations into wheels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MESSAGES = "aurora/wire/audio2face.proto"
SERVICE = "aurora/wire/audio2face_service.proto"

PROTOBUF = 6
"""Major version that the rest of the house runs on; code generated for a later one refuses to load."""


def generate(root: Path) -> None:
    """Writes the message classes and the gRPC stub below ``root``.

    The service's file yields the gRPC stub alone: its name is NVIDIA's, and registering it in protobuf's pool would
    clash with NVIDIA's own wheels in the same process.
    """
    import grpc_tools  # noqa: PLC0415 - only there while building
    from google.protobuf import __version__ as protobuf  # noqa: PLC0415 - what this grpcio-tools generates for
    from grpc_tools import protoc  # noqa: PLC0415

    assert grpc_tools.__file__ is not None
    if int(protobuf.split(".")[0]) > PROTOBUF:
        raise RuntimeError(
            f"protobuf {protobuf} is too new to build with; grpcio-tools 1.81 is the last for {PROTOBUF}"
        )
    include = [f"-I{root / 'proto'}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
    for arguments in (
        [f"--python_out={root}", MESSAGES],
        [f"--grpc_python_out={root}", SERVICE],
    ):
        if protoc.main(["protoc", *include, *arguments]) != 0:
            raise RuntimeError(f"protoc could not compile proto/{arguments[-1]}")


class GenerateWire(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's entry: runs before each target is built; ``artifacts`` in pyproject.toml packs the result."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        generate(root)
        if self.target_name == "wheel" and version == "standard":  # an editable install reads them where they are
            # One by one: a token that lies beside them is not packed.
            build_data["force_include"].update(
                {str(file): f"pipelines/{file.relative_to(root)}" for file in root.glob("configs/**/*.yaml")}
            )
