"""Base, containers: Docker, NVIDIA's toolkit and its runtime, a GPU in a container, and the images that are here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pipelines.doctor.checklist import SECONDS, Check, Context, Probe
from pipelines.doctor.finding import Result, fail, ok, skip
from pipelines.doctor.host import Host, Output, on_arm
from pipelines.doctor.libraries import Tool, tool_check

CONTAINER_SECONDS: Final = 28.0
"""How long the container of the GPU check may take; a cold disk takes most of it."""

REMOVE_SECONDS: Final = 1.5
"""How long removing that container may take, Ctrl+C included; Docker goes on with it where nobody waits any more."""

_RETRY_SECONDS: Final = 0.2

INSTALL_TOOLKIT: Final = (
    "sudo apt-get install nvidia-container-toolkit && "
    "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
)

START_MONITORING: Final = (
    f"docker compose --env-file docker/{'spark' if on_arm() else 'workstation'}.env "
    "-f docker/docker-compose.monitoring.yml up -d"
)

_TOOLKIT: Final = Tool(
    "container_toolkit", "NVIDIA container toolkit", ("nvidia-ctk", "--version"), r"version v?(\d[\d.]*)",
    "gives containers the GPU", INSTALL_TOOLKIT,
)  # fmt: skip


def docker_trouble(output: Output) -> Result | None:
    """What is wrong with Docker, by what its client says; None: nothing."""
    said = f"{output.error}\n{output.text}".casefold()
    if output.trouble == "missing":
        return fail("not installed", "curl -fsSL https://get.docker.com | sh  # DGX OS brings it")
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


async def _version(c: Context) -> Output:
    return await c.once("docker", lambda: c.host.run("docker", "version", "--format", "{{.Server.Version}}"))


async def _docker(c: Context) -> Result:
    asked = await _version(c)
    if trouble := docker_trouble(asked):
        return c.judge("docker", None, trouble.found, trouble.fix)
    version = asked.text.strip()[:50]
    return c.judge("docker", version, version, "sudo apt-get install docker-ce")


async def _compose(c: Context) -> Result:
    asked = await c.host.run("docker", "compose", "version", "--short")
    told = re.match(r"\s*v?(\d[\d.]*)", asked.text) if asked.good else None
    version = told[1][:50] if told else None
    fix = "sudo apt-get install docker-compose-plugin  # of Docker's own packages"
    return c.judge("compose", version, version or "not installed", fix)


async def _runtime(c: Context) -> Result:
    asked = await c.host.run("docker", "info", "--format", "{{json .Runtimes}}")
    if docker_trouble(asked):
        return skip("see Docker")
    named = runtimes(asked)
    if "nvidia" in named:
        return ok(", ".join(named))
    fix = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
    found = f"no NVIDIA runtime (there are: {', '.join(named) or 'none'})"
    return c.judge("container_toolkit", None, found, fix)


async def images(host: Host) -> tuple[str, ...]:
    """The images that Docker holds, as ``repository:tag``; none if it does not answer."""
    asked = await host.run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    return tuple(line.strip()[:200] for line in asked.text.splitlines()[:5000]) if asked.good else ()


async def containers(host: Host) -> tuple[tuple[str, str], ...]:
    """Image and name of each container that runs; none if Docker does not answer."""
    asked = await host.run("docker", "ps", "--format", "{{.Image}}\t{{.Names}}")
    cells = (line.strip().split("\t") for line in asked.text.splitlines()[:1000]) if asked.good else ()
    return tuple((cell[0][:200], cell[1][:80]) for cell in cells if len(cell) == 2)


def small_image(names: Iterable[str]) -> str | None:
    """An image that is here and may be trusted to start: NVIDIA's, else a system's, completed by the toolkit."""
    order = ("nvcr.io/nvidia/cuda:", "nvidia/cuda:", "ubuntu:", "debian:")
    found = [name for start in order for name in names if name.startswith(start) and not name.endswith(":<none>")]
    return found[0] if found else None


async def run_container(host: Host, *arguments: str, seconds: float = CONTAINER_SECONDS) -> Output:
    """``docker run`` with ``arguments``, without network and without fetching; nothing of it is left, however it ends.

    Killing Docker's client leaves its container running, so one that hangs, or that nobody waits for any more, is
    removed by its name.
    """
    name, output = f"sophia-doctor-{uuid.uuid4().hex[:12]}", None
    try:
        output = await host.run(
            "docker", "run", "--rm", "--pull=never", "--network=none", f"--name={name}", *arguments, seconds=seconds
        )
    finally:
        if output is None or output.trouble == "hangs":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REMOVE_SECONDS):
                    await _removed(host, name)
    return output


async def _removed(host: Host, name: str) -> None:
    """Removes a container. One that is not there may still be in the making: it is asked for until it is gone."""
    while True:
        asked = await host.run("docker", "rm", "--force", name)
        if asked.text.strip() == name:
            return
        await asyncio.sleep(_RETRY_SECONDS)


async def _gpu_container(c: Context) -> Result:
    if docker_trouble(await _version(c)):
        return skip("see Docker")
    image = small_image(await c.once("images", lambda: images(c.host)))
    if image is None:
        return skip("no small image is here, and the doctor fetches none", "docker pull ubuntu")
    ran = await run_container(c.host, "--gpus=all", "--entrypoint=nvidia-smi", image, "-L")
    if ran.good and "GPU 0" in ran.text:
        return ok(f"{image}: {ran.line}")
    said = f"no answer within {CONTAINER_SECONDS:g} s" if ran.trouble == "hangs" else ran.line or "it fails silently"
    fix = f"look at it yourself: docker run --rm --gpus=all --entrypoint=nvidia-smi {image}"
    if "could not select device driver" in ran.error:
        fix = INSTALL_TOOLKIT
    found = c.judge("container_toolkit", None, f"{image}: {said}", fix)
    return replace(found, expected="a GPU in it")


def _check(key: str, title: str, why: str, probe: Probe, seconds: float = SECONDS) -> Check:
    return Check("base", "containers", key, title, why, probe, seconds)


CONTAINERS: Final = (
    _check("docker", "Docker", "the stack's services run in it", _docker),
    _check("compose", "Docker Compose", "starts the stack's services in their order", _compose),
    tool_check(_TOOLKIT, "containers"),
    _check("runtime", "NVIDIA runtime", "without it --gpus finds nothing", _runtime),
    _check("gpu_container", "a GPU in a container", "proves driver, toolkit and Docker together",
           _gpu_container, CONTAINER_SECONDS + REMOVE_SECONDS + 8),
)  # fmt: skip
