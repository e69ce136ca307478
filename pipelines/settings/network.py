"""Settings of Audio2Face-3D's open network behind the embedded face."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Provider = Literal["auto", "cpu", "cuda"]
"""What runs the network."""

Rate = Literal["auto", "30", "15"]
"""Frames a second that it runs for."""


def _as_text(fps: object) -> object:
    """YAML has a number where environment and command line have text."""
    return str(fps) if isinstance(fps, int) and not isinstance(fps, bool) else fps


class NetworkSettings(BaseModel):
    """Which network animates the embedded face, and how; without a folder the small lips that come with the project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = Field(
        None, description="folder of an Audio2Face-3D model (v2.3, v2.3.1) for the embedded face"
    )
    provider: Provider = Field("auto", description="where it runs; auto takes CUDA where onnxruntime has it")
    threads: int = Field(0, ge=0, le=64, description="processor threads; 0 takes half the cores, at most 4")
    fps: Rate = Field(
        "auto",
        description="frames a second that it runs for; auto measures at the start. With 15 the frames between are "
        "interpolated, at half the work",
    )
    _fps = field_validator("fps", mode="before")(_as_text)

    tongue: bool = Field(False, description="weights of 16 tongue shapes besides, for clients that have them")
    verify: bool = Field(True, description="compare the files with NVIDIA's checksums, where they are known")

    def arguments(self) -> list[str]:
        """What ``python -m pipelines.embedded.face`` is told of them."""
        if self.folder is None:
            return []
        told = ["--network", str(self.folder), "--provider", self.provider, "--threads", str(self.threads)]
        told += ["--fps", self.fps, *(["--tongue"] if self.tongue else []), *([] if self.verify else ["--unverified"])]
        return told
