"""Base, what is installed: CUDA and its libraries, profilers and command lines.

A library is looked for as a package, then by the linker, then in the CUDA toolkit's folder. In containers all of them
come along, so a manifest decides whether the machine itself needs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.finding import Result, warn
from pipelines.doctor.host import SECONDS, Host, Output

FOLDERS: Final = ("/usr/local/cuda/lib64", "/usr/local/cuda/targets/*/lib", "/usr/lib/*-linux-gnu", "~/.local/lib")


@dataclass(frozen=True, slots=True)
class Library:
    """A library by the names of its Debian package (a pattern) and of its shared object; ``install`` brings it."""

    key: str
    title: str
    package: str
    soname: str
    install: str
    why: str


LIBRARIES: Final = (
    Library("cudart", "CUDA runtime", r"cuda-cudart-\d.*", "libcudart", "cuda-toolkit", "every CUDA program needs it"),
    Library("cudnn", "cuDNN", r"libcudnn\d+(-cuda-\d+)?", "libcudnn", "cudnn", "PyTorch and TensorRT build on it"),
    Library("cublas", "cuBLAS", r"libcublas-\d.*", "libcublas", "cuda-toolkit", "every matrix product of a model"),
    Library("cufft", "cuFFT", r"libcufft-\d.*", "libcufft", "cuda-toolkit", "spectra of sound"),
    Library("curand", "cuRAND", r"libcurand-\d.*", "libcurand", "cuda-toolkit", "sampling on the GPU"),
    Library("cusparse", "cuSPARSE", r"libcusparse-\d.*", "libcusparse", "cuda-toolkit", "sparse weights"),
    Library("cusolver", "cuSOLVER", r"libcusolver-\d.*", "libcusolver", "cuda-toolkit", "linear algebra of RAPIDS"),
    Library("tensorrt", "TensorRT", r"libnvinfer\d+", "libnvinfer", "tensorrt", "Riva and Audio2Face run on it"),
    Library("nccl", "NCCL", r"libnccl2", "libnccl", "libnccl2", "models that span several GPUs"),
    Library("cutensor", "cuTENSOR", r"libcutensor\d+.*", "libcutensor", "cutensor", "tensors of CuPy and JAX"),
)
"""Packages as NVIDIA's apt repository names them."""

PACKAGES: Final = ("dpkg-query", "-W", "-f=${db:Status-Abbrev}\t${Package}\t${Version}\n")


@dataclass(frozen=True, slots=True)
class Tool:
    """A command line tool and where its output tells the version; the pattern's first group is the version."""

    key: str
    title: str
    command: tuple[str, ...]
    pattern: str
    why: str
    fix: str


TOOLS: Final = (
    Tool("cuda", "CUDA toolkit (nvcc)", ("nvcc", "--version"), r"release [\d.]+, V([\d.]+)",
         "builds engines on the machine; containers bring their own", "sudo apt-get install cuda-toolkit"),
    Tool("nsys", "Nsight Systems", ("nsys", "--version"), r"version (\d[\d.]*)",
         "shows where a turn's time goes across processes", "sudo apt-get install cuda-toolkit  # brings it along"),
    Tool("ncu", "Nsight Compute", ("ncu", "--version"), r"Version (\d[\d.]*)",
         "shows why one kernel is slow", "sudo apt-get install cuda-toolkit  # brings it along"),
    Tool("dcgm", "DCGM", ("dcgmi", "--version"), r"version:?\s*(\d[\d.]*)",
         "health and counters of GPUs",
         "sudo apt-get install datacenter-gpu-manager-4-cuda12  # with CUDA 13: datacenter-gpu-manager-4-cuda13"),
    Tool("ngc", "NGC CLI", ("ngc", "--version"), r"NGC CLI (\d[\d.]*)",
         "fetches models and images from NGC",
         "follow https://org.ngc.nvidia.com/setup/installers/cli, which has the command of its newest version"),
    Tool("conda", "conda", ("conda", "--version"), r"conda (\d[\d.]*)",
         "environments of RAPIDS and training",
         "curl -LO https://github.com/conda-forge/miniforge/releases/latest/download/"
         "Miniforge3-Linux-$(uname -m).sh && bash Miniforge3-Linux-$(uname -m).sh"),
)  # fmt: skip


def packages(output: Output) -> dict[str, str]:
    """Name to version of the Debian packages that are installed, as :data:`PACKAGES` prints them."""
    cells = (line.split("\t") for line in output.text.splitlines())
    return {cell[1][:100]: cell[2][:100] for cell in cells if len(cell) == 3 and cell[0].startswith("ii")}


def linked(output: Output) -> dict[str, str]:
    """Soname to path, as ``ldconfig -p`` prints them; the first of several counts, as it does for the linker."""
    found: dict[str, str] = {}
    for line in output.text.splitlines():
        name, arrow, path = line.partition(" => ")
        if arrow and name.split():
            found.setdefault(name.split()[0], path.strip())
    return found


def version_of(tool: Tool, output: Output) -> str | None:
    """The version in what a tool printed on either stream; None if there is none."""
    found = re.search(tool.pattern, f"{output.text}\n{output.error}")
    return found[1].rstrip(".")[:50] if found else None


def so_version(paths: Iterable[str], soname: str) -> tuple[str, str] | None:
    """The longest version in file names such as ``libcudnn.so.9.0.0``, and the path that has it."""
    pattern = re.compile(rf"/{re.escape(soname)}\.so\.(\d+(?:\.\d+)*)$")
    found = [(match[1], path) for path in paths if (match := pattern.search(path))]
    return max(found, key=lambda pair: len(pair[0])) if found else None


async def _installed(host: Host) -> Mapping[str, str]:
    return packages(await host.run(*PACKAGES))


async def _linked(host: Host) -> Mapping[str, str]:
    return linked(await host.run("ldconfig", "-p"))


def _library(library: Library) -> Check:
    async def probe(c: Context) -> Result:
        fix = f"sudo apt-get install {library.install}  # NVIDIA's apt repository; containers bring their own"
        for name, version in (await c.once("packages", lambda: _installed(c.host))).items():
            if re.fullmatch(library.package, name):
                return c.judge(library.key, version, f"{version} (package {name})", fix)
        links = await c.once("linker", lambda: _linked(c.host))
        known = [path for soname, path in links.items() if soname.startswith(f"{library.soname}.so")]
        paths = [real for path in known for real in c.host.names(path)] or [
            path for folder in FOLDERS for path in c.host.names(f"{folder}/{library.soname}.so.*")
        ]
        if found := so_version(paths or known, library.soname):
            return c.judge(library.key, found[0], f"{found[0]} ({found[1]})", fix)
        return c.judge(library.key, None, "not on this machine", fix)

    return Check("base", "libraries", library.key, library.title, library.why, probe, 2 * SECONDS + 5)


def tool_check(tool: Tool, group: str) -> Check:
    """The row of ``tool``."""

    async def probe(c: Context) -> Result:
        output = await c.host.run(*tool.command)
        if output.trouble == "missing":
            return c.judge(tool.key, None, "not installed", tool.fix)
        version = version_of(tool, output)
        if version is None:
            said = {"hangs": "it does not answer", "denied": "it cannot be run"}.get(output.trouble, output.line)
            return warn(f"{tool.command[0]} is there, but tells no version: {said}", " ".join(tool.command))
        return c.judge(tool.key, version, version, tool.fix)

    return Check("base", group, tool.key, tool.title, tool.why, probe)


CUDA: Final = (tool_check(TOOLS[0], "libraries"), *(_library(library) for library in LIBRARIES))
PROGRAMS: Final = tuple(tool_check(tool, "tools") for tool in TOOLS[1:])
