"""Whoever stops waiting for a message takes no memory along: the core's own waiting goes on until the call is over."""

import asyncio

import pytest

from pipelines.services.calls import CoreCall
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
