"""The probes of Docker against a real engine, with images that are here: run with STACK_LIVE=1."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.doctor.checklist import Context, run_checks
from pipelines.doctor.containers import CONTAINERS, INSTALL_TOOLKIT, containers, run_container
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.host import LocalHost
from pipelines.doctor.inventory import INVENTORY
from pipelines.doctor.manifest import Manifest, find_manifest, read_manifest
from pipelines.settings.model import Settings

SYSTEMS = ("debian", "ubuntu", "python")
TAGS = (
    "ubuntu:doctor-test",
    "nvcr.io/nvidia/tritonserver:doctor-test-vllm",
    "nvcr.io/nvidia/nemo-automodel:doctor-test",
)

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.environ.get("STACK_LIVE") != "1", reason="needs a Docker engine, asked for by STACK_LIVE=1"),
    pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed"),
]


def docker(*arguments: str) -> str:
    return subprocess.run(("docker", *arguments), capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """A system's image under names that the doctor knows."""
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    here = next((name for name in names if name.startswith(SYSTEMS) and not name.endswith("<none>")), None)
    if here is None:
        pytest.skip(f"no image of {', '.join(SYSTEMS)} is here, and tests fetch none")
    for tag in TAGS:
        docker("tag", here, tag)
    yield TAGS[0]
    docker("image", "rm", *TAGS)


async def look(*keys: str, host: LocalHost | None = None) -> dict[str, Result]:
    manifest: Manifest = read_manifest(find_manifest("dgx-guide"))
    checks = [check for check in (*CONTAINERS, *INVENTORY) if check.key in keys]
    context = Context(host or LocalHost(), manifest, Settings())
    return {finding.key: finding.result async for finding in run_checks(checks, context)}


def left() -> str:
    return docker("ps", "--all", "--quiet", "--filter", "name=sophia-doctor-")


async def test_the_engine_and_what_it_holds(image: str) -> None:
    found = await look("docker", "triton", "vllm", "nemo")
    assert (found["docker"].mark, found["docker"].version) == (Mark.OK, docker("version", "-f", "{{.Server.Version}}"))
    assert {found[key].mark for key in ("triton", "vllm", "nemo")} == {Mark.OK}
    held = await containers(LocalHost())
    name = docker("run", "--detach", "--rm", "--network=none", "--name=doctor-test", TAGS[1], "sleep", "60")
    try:
        triton = (await look("triton"))["triton"]
        assert len(await containers(LocalHost())) == len(held) + 1
    finally:
        docker("rm", "--force", name)
    assert triton.found == f"image {TAGS[1]}, runs as doctor-test; what is in it was not looked at"


async def test_without_the_toolkit(image: str) -> None:
    if "nvidia" in docker("info", "--format", "{{json .Runtimes}}"):
        pytest.skip("NVIDIA's container toolkit is installed here")
    found = await look("runtime", "gpu_container")
    assert found["runtime"].mark is Mark.FAIL
    assert "could not select device driver" in found["gpu_container"].found
    assert found["gpu_container"].fix == INSTALL_TOOLKIT
    assert not left()


async def test_a_container_that_hangs_is_not_left_behind(image: str) -> None:
    output = await run_container(LocalHost(), image, "sleep", "60", seconds=3.0)
    assert output.trouble == "hangs"
    assert not left()


@pytest.mark.parametrize("seconds", [0.05, 3.0])
async def test_one_that_nobody_waits_for_is_not_left_behind(image: str, seconds: float) -> None:
    task = asyncio.create_task(run_container(LocalHost(), image, "sleep", "60"))
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not left()


@pytest.mark.parametrize("where", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9"])
async def test_no_daemon(where: str) -> None:
    found = await look("docker", "runtime", "gpu_container", host=LocalHost({**os.environ, "DOCKER_HOST": where}))
    assert (found["docker"].mark, found["docker"].found) == (Mark.FAIL, "its daemon does not run")
    assert {found[key].mark for key in ("runtime", "gpu_container")} == {Mark.SKIP}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_somebody_who_may_not(tmp_path: Path) -> None:
    tool = tmp_path / "docker"
    tool.write_text(
        f'#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups {shutil.which("docker")} "$@"\n'
    )
    tool.chmod(0o755)
    host = LocalHost({"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": "/nonexistent"})
    found = await look("docker", host=host)
    assert (found["docker"].mark, found["docker"].found) == (Mark.FAIL, "this user may not talk to it")
