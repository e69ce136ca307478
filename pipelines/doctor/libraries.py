"""Base, what is installed: CUDA and its libraries, container tools, profilers and command lines.

A library is looked for as a package, then by the linker, then in the CUDA toolkit's folder. In containers all of them
come along, so a manifest decides whether the machine itself needs them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.finding import Result, fail, ok, skip, warn
from pipelines.doctor.host import Host, Output

CONTAINER_SECONDS: Final = 30.0
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
    Tool("container_toolkit", "NVIDIA container toolkit", ("nvidia-ctk", "--version"), r"version v?(\d[\d.]*)",
         "gives containers the GPU", "sudo apt-get install nvidia-container-toolkit && "
         "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"),
    Tool("nsys", "Nsight Systems", ("nsys", "--version"), r"version (\d[\d.]*)",
         "shows where a turn's time goes across processes", "sudo apt-get install nsight-systems"),
    Tool("ncu", "Nsight Compute", ("ncu", "--version"), r"Version (\d[\d.]*)",
         "shows why one kernel is slow", "sudo apt-get install nsight-compute"),
    Tool("dcgm", "DCGM", ("dcgmi", "--version"), r"version:?\s*(\d[\d.]*)",
         "health and counters of GPUs", "sudo apt-get install datacenter-gpu-manager"),
    Tool("ngc", "NGC CLI", ("ngc", "--version"), r"NGC CLI (\d[\d.]*)",
         "fetches models and images from NGC", "install it from https://org.ngc.nvidia.com/setup/installers/cli"),
    Tool("conda", "conda", ("conda", "--version"), r"conda (\d[\d.]*)",
         "environments of RAPIDS and training", "install Miniforge"),
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
        fix = f"sudo apt-get install {library.install}   (NVIDIA's apt repository; NGC's containers bring it along)"
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

    return Check("base", "libraries", library.key, library.title, library.why, probe)


def _tool(tool: Tool, group: str) -> Check:
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


def docker_trouble(output: Output) -> Result | None:
    """What is wrong with Docker, by what its client says; None: nothing."""
    said = f"{output.error}\n{output.text}".casefold()
    if output.trouble == "missing":
        return fail("not installed", "curl -fsSL https://get.docker.com | sh   (DGX OS brings it)")
    if output.trouble == "hangs":
        return fail("its daemon does not answer", "sudo systemctl restart docker")
    if "permission denied" in said:
        return fail("this user may not talk to it", "sudo usermod -aG docker $USER, then log in again")
    if "cannot connect" in said or "is the docker daemon running" in said or "failed to connect" in said:
        return fail("its daemon does not run", "sudo systemctl enable --now docker")
    return None if output.good else fail(output.line or "it fails without a word", "docker version")


def runtimes(output: Output) -> tuple[str, ...]:
    """The runtimes that ``docker info`` names."""
    try:
        told = json.loads(output.text)
    except (ValueError, RecursionError):
        return ()
    return tuple(str(name)[:50] for name in list(told)[:20]) if isinstance(told, dict) else ()


async def _docker(c: Context) -> Result:
    asked = await c.host.run("docker", "version", "--format", "{{.Server.Version}}")
    if trouble := docker_trouble(asked):
        expected = c.manifest.judge("docker", None)
        return Result(expected[0], trouble.found, expected[1], trouble.fix)
    version = asked.text.strip()[:50]
    return c.judge("docker", version, version, "sudo apt-get install docker-ce")


async def _runtime(c: Context) -> Result:
    asked = await c.host.run("docker", "info", "--format", "{{json .Runtimes}}")
    if docker_trouble(asked):
        return skip("Docker does not answer")
    named = runtimes(asked)
    if "nvidia" in named:
        return ok(", ".join(named))
    fix = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
    mark, expected = c.manifest.judge("container_toolkit", None)
    return Result(mark, f"no NVIDIA runtime (there are: {', '.join(named) or 'none'})", expected, fix)


async def images(host: Host) -> tuple[str, ...]:
    """The images that Docker holds, as ``repository:tag``; none if it does not answer."""
    asked = await host.run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    return tuple(line.strip()[:200] for line in asked.text.splitlines()[:5000]) if asked.good else ()


def small_image(names: Iterable[str]) -> str | None:
    """An image that is here and may be trusted to start: NVIDIA's CUDA, else Ubuntu, which the toolkit completes."""
    order = ("nvcr.io/nvidia/cuda:", "nvidia/cuda:", "ubuntu:", "debian:")
    found = [name for start in order for name in names if name.startswith(start) and not name.endswith(":<none>")]
    return found[0] if found else None


async def _gpu_container(c: Context) -> Result:
    here = await c.once("images", lambda: images(c.host))
    image = small_image(here)
    fix = "docker run --rm --runtime=nvidia --gpus all ubuntu nvidia-smi -L"
    if image is None:
        return skip("no small image is here, and the doctor fetches none", fix)
    command = ("docker", "run", "--rm", "--pull=never", "--network=none", "--gpus=all", image, "nvidia-smi", "-L")
    ran = await c.host.run(*command, seconds=CONTAINER_SECONDS - 2)
    if ran.good and "GPU 0" in ran.text:
        return ok(f"{image}: {ran.line}")
    said = "it hangs" if ran.trouble == "hangs" else ran.line or "it fails without a word"
    return Result(c.manifest.judge("container_toolkit", None)[0], f"{image}: {said}", "a GPU in it", fix)


_CONTAINERS: Final = "containers"
CUDA: Final = (_tool(TOOLS[0], "libraries"), *(_library(library) for library in LIBRARIES))
CONTAINERS: Final = (
    Check("base", _CONTAINERS, "docker", "Docker", "the stack's services run in it", _docker),
    _tool(TOOLS[1], _CONTAINERS),
    Check("base", _CONTAINERS, "runtime", "NVIDIA runtime", "without it --gpus finds nothing", _runtime),
    Check("base", _CONTAINERS, "gpu_container", "a GPU in a container", "proves driver, toolkit and Docker together",
          _gpu_container, CONTAINER_SECONDS + 5),
)  # fmt: skip
PROGRAMS: Final = tuple(_tool(tool, "tools") for tool in TOOLS[2:])
