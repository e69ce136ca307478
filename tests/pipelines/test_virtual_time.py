"""The virtual clock itself: it jumps, it orders, and it calls a deadlock a deadlock."""

import asyncio

import pytest

from pipelines.virtual_time import Stuck, run


def test_an_hour_passes_at_once_and_in_order():
    async def main():
        order = []

        async def wait(seconds):
            await asyncio.sleep(seconds)
            order.append((seconds, asyncio.get_running_loop().time()))

        async with asyncio.TaskGroup() as group:
            for seconds in (3600.0, 0.02, 5.0):
                group.create_task(wait(seconds))
        return order

    order = run(main())
    assert [seconds for seconds, _ in order] == [0.02, 5.0, 3600.0]
    assert all(at == pytest.approx(seconds, abs=1e-6) for seconds, at in order)


def test_timeouts_fire_at_their_virtual_time():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(30)


def test_a_deadlock_is_an_error_not_a_hang():
    async def main():
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        run(main())
