"""The time limit of a stream's reads, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from nova.services.triton_client import _Patience
from pipelines import virtual_time


class Call:
    def __init__(self) -> None:
        self.cancelled: list[float] = []

    def cancel(self) -> None:
        self.cancelled.append(asyncio.get_running_loop().time())


def test_a_slow_listener_is_no_silent_model() -> None:
    async def main() -> None:
        call = Call()
        patience = _Patience(call)
        patience.begin(1.0)
        await asyncio.sleep(0.5)
        patience.pause()
        await asyncio.sleep(100.0)  # what was read is spoken meanwhile
        patience.begin(1.0)
        await asyncio.sleep(0.9)
        assert not patience.lost
        await asyncio.sleep(0.2)
        assert patience.lost
        assert call.cancelled == [pytest.approx(101.5)]

    virtual_time.run(main())


def test_each_token_begins_the_wait_anew() -> None:
    async def main() -> None:
        call = Call()
        patience = _Patience(call)
        for _ in range(50):
            patience.begin(1.0)
            await asyncio.sleep(0.9)
            patience.pause()
        assert not patience.lost
        patience.end()

    virtual_time.run(main())


def test_the_wait_for_the_next_token_may_be_shorter_than_that_for_the_first() -> None:
    async def main() -> None:
        call = Call()
        patience = _Patience(call)
        patience.begin(10.0)
        await asyncio.sleep(1.0)
        patience.pause()
        patience.begin(2.0)
        await asyncio.sleep(60.0)
        assert call.cancelled == [pytest.approx(3.0)]

    virtual_time.run(main())


def test_nothing_is_cancelled_after_the_end() -> None:
    async def main() -> None:
        call = Call()
        patience = _Patience(call)
        patience.begin(1.0)
        patience.pause()
        patience.end()
        await asyncio.sleep(60.0)
        assert call.cancelled == []
        assert not patience.lost

    virtual_time.run(main())
