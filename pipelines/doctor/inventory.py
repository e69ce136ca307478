"""Base, the stack's inventory: frameworks in Python or in images that are here, and the services on their usual ports.

It asks each Python that it can find, in a process of its own. These are this one, the one on PATH, conda's, and that of
the active virtual environment. An image counts as found, not as working.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.containers import START_MONITORING, containers, images
from pipelines.doctor.finding import Mark, Result, ok, skip, warn
from pipelines.doctor.host import ARM, Host, Output
from pipelines.doctor.web import WebTrouble, get

PYTHON_SECONDS: Final = 30.0
"""How long a Python may take; importing PyTorch from a cold disk takes most of it."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python and what it has of the stack. ``sees`` tells of a framework which GPUs it sees, or why none."""

    where: str
    packages: Mapping[str, str] = field(default_factory=dict)
    sees: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the stack: the command that brings it, its package, and a pattern of the images that hold it."""

    key: str
    title: str
    why: str
    fix: str
    package: str | None = None
    image: str | None = None


_TORCH: Final = "--index-url https://download.pytorch.org/whl/cu128  # a driver of 580 or newer: whl/cu130"
_RAPIDS: Final = "pip install {0}-cu13 --extra-index-url=https://pypi.nvidia.com  # a driver older than 580: {0}-cu12"
_CONDA: Final = "conda install -c rapidsai -c conda-forge -c nvidia"
_PULL: Final = "docker login nvcr.io --username '$oauthtoken' && docker pull"

PARTS: Final = (
    Part("torch", "PyTorch", "training and the speech models", f"pip install torch {_TORCH}",
         "torch", r"nvcr\.io/nvidia/pytorch"),
    Part("torchvision", "torchvision", "comes with PyTorch", f"pip install torchvision {_TORCH}", "torchvision"),
    Part("torchaudio", "torchaudio", "sound for PyTorch", f"pip install torchaudio {_TORCH}", "torchaudio"),
    Part("tensorflow", "TensorFlow", "models in its format",
         "pip install 'tensorflow[and-cuda]'  # on Arm it uses no GPU: take an image of nvcr.io/nvidia/tensorflow",
         "tensorflow", r"nvcr\.io/nvidia/tensorflow"),
    Part("jax", "JAX", "models in its format", "pip install 'jax[cuda13]'  # a driver older than 580: jax[cuda12]",
         "jax", r"nvcr\.io/nvidia/jax|ghcr\.io/nvidia/jax"),
    Part("cudf", "RAPIDS cuDF", "tables on the GPU", _RAPIDS.format("cudf"),
         "cudf", r"nvcr\.io/nvidia/rapidsai|rapidsai/"),
    Part("cuml", "RAPIDS cuML", "learning on the GPU", _RAPIDS.format("cuml"),
         "cuml", r"nvcr\.io/nvidia/rapidsai|rapidsai/"),
    Part("cugraph", "RAPIDS cuGraph", "graphs on the GPU", _RAPIDS.format("cugraph"),
         "cugraph", r"nvcr\.io/nvidia/rapidsai|rapidsai/"),
    Part("cuspatial", "RAPIDS cuSpatial", "geometry on the GPU",
         f"{_CONDA} cuspatial=25.04  # its last release, for CUDA 12", "cuspatial"),
    Part("cusignal", "RAPIDS cuSignal", "signals on the GPU; today a part of CuPy",
         f"{_CONDA} cusignal=23.08  # its last release; new programs use cupyx.scipy.signal", "cusignal"),
    Part("vllm", "vLLM", "serves Nova", "docker/ngc-pull.sh",
         "vllm", r"nvcr\.io/nvidia/vllm|vllm/vllm-openai|nvcr\.io/nvidia/tritonserver:.*vllm"),
    Part("triton", "Triton", "serves Nova", "docker/ngc-pull.sh", None, r"nvcr\.io/nvidia/tritonserver"),
    Part("tensorrt_llm", "TensorRT-LLM", "serves Nova, compiled",
         f"{_PULL} nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc1",
         "tensorrt-llm", r"nvcr\.io/nvidia/tensorrt-llm|nvcr\.io/nvidia/tritonserver:.*trtllm"),
    Part("nemo", "NeMo", "fine-tunes Nova", "docker/ngc-pull.sh --training",
         "nemo-toolkit", r"nvcr\.io/nvidia/nemo(-framework|-automodel)?[:/]"),
    Part("kit", "Omniverse Kit", "shows the avatar",
         "git clone https://github.com/NVIDIA-Omniverse/kit-app-template && cd kit-app-template && "
         "./repo.sh template new && ./repo.sh build  # built so, only its page can be looked at: stack.kit",
         "omniverse-kit", r"nvcr\.io/nvidia/(omniverse/|isaac-sim)"),
)  # fmt: skip
"""Remedies as the projects' and NVIDIA's pages give them.

``ngc-pull.sh`` brings what the compose files and the training recipe name.
"""

JARS: Final = (
    "/opt/sparkRapidsPlugin/rapids-4-spark_*.jar",
    "/opt/spark/jars/rapids-4-spark_*.jar",
    "/usr/lib/spark/jars/rapids-4-spark_*.jar",
    "~/.m2/repository/com/nvidia/rapids-4-spark_*/*/rapids-4-spark_*.jar",
)


@dataclass(frozen=True, slots=True)
class Port:
    """A service on this machine: its usual port, a page that shows who answers, and the words on it."""

    key: str
    title: str
    port: int
    why: str
    fix: str
    path: str | None = None
    words: str = ""


PORTS: Final = (
    Port("nv_hostengine", "nvidia-dcgm", 5555, "DCGM's service, which exporters ask",
         "sudo systemctl enable --now nvidia-dcgm"),
    Port("node_exporter", "node exporter", 9100, "the machine's memory in Prometheus",
         "sudo apt-get install prometheus-node-exporter", "/metrics", "node_"),
    Port("dcgm_exporter", "DCGM exporter", 9400, "the GPU's counters in Prometheus",
         START_MONITORING, "/metrics", "DCGM_FI_"),
    Port("jupyter", "Jupyter", 8888, "notebooks for training",
         "pip install jupyterlab && jupyter lab --no-browser", "/api", "version"),
)  # fmt: skip


def environment(where: str, output: Output) -> Environment:
    """What :mod:`pipelines.doctor.python_packages` printed; nothing from anything else."""
    try:
        told = json.loads(output.text.splitlines()[-1])
        packages, sees = told["packages"], told["sees"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return Environment(where)
    if not isinstance(packages, dict) or not isinstance(sees, dict):
        return Environment(where)
    return Environment(
        where,
        {str(name): str(version)[:80] for name, version in packages.items()},
        {str(name): seen for name, seen in sees.items() if isinstance(seen, dict)},
    )


def pythons(environ: Mapping[str, str]) -> list[str]:
    """The Pythons to be asked, this one's first."""
    folders = [environ.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX")]
    found = [sys.executable, *(f"{folder}/bin/python" for folder in folders if folder), "python3"]
    return list(dict.fromkeys(found))


async def _environments(host: Host) -> list[Environment]:
    script = str(Path(__file__).with_name("python_packages.py"))
    names = pythons(os.environ)
    asked = await asyncio.gather(*(host.run(name, script, seconds=PYTHON_SECONDS) for name in names))
    return [environment(name, output) for name, output in zip(names, asked, strict=True)]


def sight(seen: Mapping[str, Any] | None) -> tuple[bool, str]:
    """Whether a framework sees a GPU, and what to say about it."""
    if seen is None:
        return True, ""
    if error := seen.get("error"):
        return False, f", cannot be used: {' '.join(str(error).split())[:200]}"
    gpus = seen.get("gpus")
    if isinstance(gpus, list) and gpus:
        return True, f", sees {', '.join(str(name)[:60] for name in gpus[:8])}"
    return False, ", sees no GPU" + ("" if seen.get("cuda", "") is not None else ": it is a build without CUDA")


def _part(part: Part) -> Check:
    async def probe(c: Context) -> Result:
        environments, running, images_here = await asyncio.gather(
            c.once("pythons", lambda: _environments(c.host)),
            c.once("containers", lambda: containers(c.host)),
            c.once("images", lambda: images(c.host)),
        )
        if found := _package(c, part, environments):
            return found
        here = (*(image for image, _ in running), *images_here)
        held = [name for name in here if re.match(part.image or "(?!)", name)]
        if held:
            return _image(c, part, held, running)
        return c.judge(part.key, None, "not here", part.fix)

    return Check("base", "inventory", part.key, part.title, part.why, probe, PYTHON_SECONDS + 5)


def _package(c: Context, part: Part, environments: Sequence[Environment]) -> Result | None:
    """What ``part`` is in the first Python that has it, rather in one whose ``part`` sees a GPU; None: in none."""
    having = [
        (*sight(env.sees.get(part.package)), env)
        for env in environments
        if part.package is not None and part.package in env.packages
    ]
    if not having or part.package is None:
        return None
    sees, words, env = next((row for row in having if row[0]), having[0])
    version = env.packages[part.package]
    result = c.judge(part.key, version, f"{version}{words} ({env.where})", part.fix)
    again = part.fix.replace("pip install", f"{env.where} -m pip install --force-reinstall")
    return result if sees or part.key not in c.manifest.items else warn(result.found, again, "a GPU is seen")


def _image(c: Context, part: Part, held: Sequence[str], running: Sequence[tuple[str, str]]) -> Result:
    """What the images ``held`` mean, those that run first. Only a recorded machine's manifest tells of images' tags."""
    wanted = c.manifest.items.get(part.key)
    chosen = held[0]
    if wanted is not None and wanted.rule == "exact":
        chosen = next((name for name in held if wanted.met_by(_tag(name))), chosen)
    names = ", ".join([name for image, name in running if image == chosen][:3])
    found = f"image {chosen}{names and f', runs as {names}'}; what is in it was not looked at"
    if wanted is not None and wanted.rule == "exact":
        return c.judge(part.key, _tag(chosen), found, part.fix)
    return Result(Mark.OK, found, c.manifest.judge(part.key, None)[1], version=_tag(chosen))


def _tag(image: str) -> str:
    return image.rpartition(":")[2]


async def _jar(c: Context) -> Result:
    home, named = os.environ.get("SPARK_HOME"), os.environ.get("SPARK_RAPIDS_JAR")
    patterns = (*((f"{home}/jars/rapids-4-spark_*.jar",) if home else ()), *JARS)
    found = [*([named] if named else []), *(path for pattern in patterns for path in c.host.names(pattern))]
    version = re.search(r"rapids-4-spark_[\d.]+-([\d.]+\d)", found[0]) if found else None
    fix = "take the jar that fits your Spark: https://nvidia.github.io/spark-rapids/docs/download.html tells which"
    if found and (wrong := misfit(found[0], c.host.kernel()[1])):
        return warn(f"{found[0]}: {wrong}", fix)
    return c.judge("spark_jar", version[1] if version else None, found[0] if found else "not here", fix)


def misfit(jar: str, machine: str) -> str:
    """Why NVIDIA's accelerator in a jar of this name cannot run on ``machine``; empty if it can, as far as names tell.

    Its classifier says it: ``cuda13-arm64`` is for Arm, as in a DGX Spark; without ``arm64`` it is for x86-64.
    """
    arm = machine in ARM
    if jar.removesuffix(".jar").endswith("-arm64") != arm:
        wanted = "cuda13-arm64" if arm else "cuda13, or none for CUDA 12"
        return f"it is for {'x86-64' if arm else 'Arm'}, and this machine is {machine}; its classifier must be {wanted}"
    if not re.search(r"rapids-4-spark_2\.1[23]-", jar):
        return "it is not the accelerator's: its name begins with rapids-4-spark_2.13 (Spark 4) or _2.12"
    return ""


def _port(port: Port) -> Check:
    async def probe(c: Context) -> Result:
        where = f"127.0.0.1:{port.port}"
        if not await listens("127.0.0.1", port.port):
            return c.judge(port.key, None, f"nothing on {where}", port.fix)
        if port.path is None:
            return ok(f"{where} answers", "answers")
        try:
            page = await get(f"http://{where}{port.path}")
        except WebTrouble as trouble:
            found, expected = f"somebody else seems to have its port: {trouble}", ""
        else:
            if port.words in page.text or page.status == 403:  # Jupyter with a token tells nothing but that
                return ok(f"{where} answers", "answers")
            found, expected = f"somebody else has its port {where}", port.title
        if port.key not in c.manifest.items:
            return skip(found)
        return warn(found, f"ss -ltnp 'sport = :{port.port}'", expected)

    return Check("base", "services", port.key, port.title, port.why, probe)


async def listens(host: str, port: int, seconds: float = 2.0) -> bool:
    """Whether somebody takes connections there."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            await writer.wait_closed()
    return True


INVENTORY: Final = (
    *(_part(part) for part in PARTS),
    Check("base", "inventory", "spark_jar", "RAPIDS for Apache Spark", "Spark's queries on the GPU", _jar),
    *(_port(port) for port in PORTS),
)
