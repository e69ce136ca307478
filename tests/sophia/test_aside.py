"""Blocking calls beside the loop."""

import asyncio
import threading

import pytest

from sophia.aside import aside


async def test_it_returns_or_raises_what_the_work_does() -> None:
    assert await aside(threading.current_thread) is not threading.current_thread()
    with pytest.raises(LookupError, match="gone"):
        await aside(lambda: (_ for _ in ()).throw(LookupError("gone")))


async def test_who_gives_up_waiting_does_not_wait_for_the_work() -> None:
    release = threading.Event()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        assert release.wait(10)
        loop.call_soon_threadsafe(ended.set)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await aside(work)
    release.set()
    async with asyncio.timeout(5):
        await ended.wait()  # its late result harms no one
    await asyncio.sleep(0)


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    threads: list[threading.Thread] = []

    async def main() -> None:
        hang = threading.Event()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await aside(lambda: threads.append(threading.current_thread()) or hang.wait(30))

    asyncio.run(main())
    assert threads[0].daemon
