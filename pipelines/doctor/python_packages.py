"""Prints what a Python has installed of the stack, and whether PyTorch and JAX see a GPU, as one line of JSON.

The doctor runs this file with each Python that it finds, so it uses nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import sys
from importlib import metadata
from typing import Any

WANTED = re.compile(
    r"(torch|torchvision|torchaudio|tensorflow|jax|cudf|cuml|cugraph|cuspatial|cusignal|cupy|vllm|tritonclient"
    r"|tensorrt-llm|tensorrt|nemo-toolkit|omniverse-kit|jupyterlab)(-cu\d+x?|-cuda\d+x?)?"
)


def gpu_of_torch() -> dict[str, Any]:
    """What PyTorch sees: its CUDA, and the names of the GPUs."""
    torch = importlib.import_module("torch")
    seen = torch.cuda.is_available()
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if seen else []
    return {"cuda": torch.version.cuda, "gpus": names}


def gpu_of_jax() -> dict[str, Any]:
    """What JAX sees: the names of the GPUs."""
    jax = importlib.import_module("jax")
    return {"gpus": [str(device) for device in jax.devices() if device.platform in ("gpu", "cuda")]}


def main() -> None:
    """Prints the report; whatever a package prints or raises while it is imported stays out of it."""
    packages: dict[str, str] = {}
    sees: dict[str, dict[str, Any]] = {}
    for distribution in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", str(distribution.metadata["Name"] or "")).lower()
        found = WANTED.fullmatch(name)
        if found:
            packages[found.group(1)] = str(distribution.version)
    for name, ask in (("torch", gpu_of_torch), ("jax", gpu_of_jax)):
        if name in packages:
            with contextlib.redirect_stdout(io.StringIO()):
                try:
                    sees[name] = ask()
                except BaseException as error:
                    sees[name] = {"error": f"{type(error).__name__}: {error}"[:300]}
    print(json.dumps({"python": sys.version.split()[0], "packages": packages, "sees": sees}))


if __name__ == "__main__":
    del sys.path[0]  # this file's folder: its modules are none of theirs
    main()
