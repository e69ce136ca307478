"""The container of the GPU check: whatever becomes of it, nothing of it is left; on a virtual clock."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from fake_machines import FakeHost, says

from pipelines import virtual_time
from pipelines.doctor.containers import CONTAINER_SECONDS, REMOVE_SECONDS, run_container
from pipelines.doctor.host import Output


def timeless(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def run() -> None:
        virtual_time.run(test())

    return run


@dataclass
class Docker(FakeHost):
    """An engine whose containers never end. Each is there ``late`` seconds after it was asked for; None: never."""

    late: float | None = 0.0
    asked: float = 0.0
    kept: set[str] = field(default_factory=set)

    async def run(self, *command: str, seconds: float = 5.0) -> Output:
        self.ran.append(" ".join(command))
        loop = asyncio.get_running_loop()
        if command[1] == "run":
            self.asked = loop.time()
            self.kept = {word.removeprefix("--name=") for word in command if word.startswith("--name=")}
            await asyncio.sleep(seconds)
            return Output(None, trouble="hangs")
        there = self.late is not None and loop.time() >= self.asked + self.late
        removed = self.kept & set(command) if there else set()
        self.kept -= removed
        return says("".join(removed))


@timeless
async def test_one_that_hangs_is_removed() -> None:
    docker = Docker()
    output = await run_container(docker, "--gpus=all", "ubuntu:24.04", "nvidia-smi")
    assert output.trouble == "hangs"
    assert asyncio.get_running_loop().time() == pytest.approx(CONTAINER_SECONDS)
    run, remove = docker.ran
    assert run.startswith("docker run --rm --pull=never --network=none --name=sophia-doctor-")
    assert remove.startswith("docker rm --force sophia-doctor-")
    assert not docker.kept


@timeless
async def test_one_that_nobody_waits_for_is_removed_as_soon_as_it_is_there() -> None:
    docker = Docker(late=1.0)
    task = asyncio.create_task(run_container(docker, "ubuntu:24.04"))
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert asyncio.get_running_loop().time() == pytest.approx(1.1)
    assert not docker.kept


@timeless
async def test_an_engine_that_removes_nothing_holds_nobody_up() -> None:
    docker = Docker(late=None)
    await run_container(docker, "ubuntu:24.04", seconds=3.0)
    assert asyncio.get_running_loop().time() == pytest.approx(3.0 + REMOVE_SECONDS)


@timeless
async def test_one_that_ends_by_itself_needs_no_removing() -> None:
    host = FakeHost(tools={"docker run": says("GPU 0: NVIDIA GB10")})
    assert (await run_container(host, "ubuntu:24.04")).good
    assert len(host.ran) == 1
