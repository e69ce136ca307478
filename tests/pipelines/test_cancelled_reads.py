"""Whoever stops waiting for a message takes no memory along: the core's own waiting goes on until the call is over."""

import asyncio

import pytest

from pipelines.services.calls import CoreCall
from pipelines.services.kept import Kept
from pipelines.virtual_time import run


class Core:
    """A call of gRPC's core whose next message takes a second, unless it is cancelled."""

    def __init__(self, error=None):
        self.handed_over = 0
        self.error = error

    async def receive_serialized_message(self):
        await asyncio.sleep(1)
        if self.error:
            raise self.error
        self.handed_over += 1
        return b"message"


class Call:
    """What grpc.aio stands on it."""

    def __init__(self, core):
        self._cython_call = core

    def add_done_callback(self, callback):
        pass


def test_a_message_is_taken_over_though_nobody_waits_for_it_any_more():
    async def main():
        core, heard = Core(), []
        call = CoreCall(Call(core), lambda: heard.append(1), 0.0)
        waiting = asyncio.create_task(call.receive_serialized_message())
        await asyncio.sleep(0.5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert core.handed_over == 0
        await asyncio.sleep(1)
        assert core.handed_over == 1
        assert not heard, "a call that is given up is no sign of life for its reader"

    run(main())


def test_an_error_that_nobody_waits_for_is_nobodys():
    async def main():
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        call = CoreCall(Call(Core(ValueError("over"))), lambda: None, 0.0)
        waiting = asyncio.create_task(call.receive_serialized_message())
        await asyncio.sleep(0.5)
        waiting.cancel()
        await asyncio.wait([waiting])
        await asyncio.sleep(1)
        del waiting
        assert told == []

    run(main())


def test_who_waits_gets_the_message_and_the_error():
    async def main():
        assert await CoreCall(Call(Core()), lambda: None, 0.0).receive_serialized_message() == b"message"
        with pytest.raises(ValueError, match="over"):
            await CoreCall(Call(Core(ValueError("over"))), lambda: None, 0.0).receive_serialized_message()

    run(main())


async def two(first, second, ends):
    """Work in two steps, each of which waits for a future."""
    found = await first
    found += await second
    ends.append(found)
    return found


def test_what_comes_is_handed_over_in_the_next_turn_of_the_loop():
    async def main():
        loop, order, ends = asyncio.get_running_loop(), [], []
        first, second = loop.create_future(), loop.create_future()

        async def waits():
            order.append(await Kept(two(first, second, ends)))

        waiting = asyncio.create_task(waits())
        await asyncio.sleep(1)
        first.set_result(1)
        await asyncio.sleep(1)
        assert not order
        second.set_result(2)
        loop.call_soon(order.append, "whatever is due next")
        await waiting
        assert order == [3, "whatever is due next"]

    run(main())


@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("again", [False, True])
def test_whoever_is_cancelled_goes_at_once_and_the_work_to_its_end(steps, again):
    async def main():
        loop, ends = asyncio.get_running_loop(), []
        futures = [loop.create_future(), loop.create_future()]
        waiting = asyncio.create_task(_value(Kept(two(*futures, ends))))
        for future in futures[:steps]:
            await asyncio.sleep(1)
            future.set_result(1)
        await asyncio.sleep(1)
        before = loop.time()
        waiting.cancel()
        if again:
            waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert loop.time() == before
        assert waiting.cancelled()
        for future in futures[steps:]:
            assert not future.cancelled()
            await asyncio.sleep(1)
            future.set_result(1)
        await asyncio.sleep(1)
        assert ends == [2]

    run(main())


def test_whoever_is_cancelled_as_the_message_comes_is_cancelled_and_the_work_goes_on():
    async def main():
        loop, ends = asyncio.get_running_loop(), []
        first, second = loop.create_future(), loop.create_future()
        waiting = asyncio.create_task(_value(Kept(two(first, second, ends))))
        await asyncio.sleep(1)
        first.set_result(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        second.set_result(1)
        await asyncio.sleep(1)
        assert ends == [2]

    run(main())


def test_whoever_was_cancelled_before_it_waits_does_not_wait():
    async def main():
        loop, ends = asyncio.get_running_loop(), []
        first, second = loop.create_future(), loop.create_future()

        async def waits():
            asyncio.current_task().cancel()
            await Kept(two(first, second, ends))

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(waits())
        first.set_result(1)
        second.set_result(1)
        await asyncio.sleep(1)
        assert ends == [2]

    run(main())


async def _value(kept):
    return await kept
