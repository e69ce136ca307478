"""When conversations that are over are forgotten, on the virtual clock; Python itself takes no look here."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from pipelines.talk.garbage import LEFT_BEHIND, RARELY, SETTLED_SECONDS, swept
from pipelines.virtual_time import run


class Conversation:
    """What only knows itself is freed by a look alone."""

    def __init__(self) -> None:
        self.itself = self


def ended() -> weakref.ref[Conversation]:
    return weakref.ref(Conversation())


@pytest.fixture(autouse=True)
def _no_looks_of_its_own() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.disable()
    yield
    gc.enable()
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() == 0


def test_the_last_to_leave_is_forgotten_soon() -> None:
    async def scene() -> None:
        with swept() as over:
            gone = ended()
            over(1)
            await asyncio.sleep(2 * SETTLED_SECONDS)
            assert gone() is not None  # whoever is left is not held up for it
            over(0)
            await asyncio.sleep(2 * SETTLED_SECONDS)
            assert gone() is None

    run(scene())


def test_of_those_who_leave_others_behind_a_bounded_number_is_remembered() -> None:
    async def scene() -> None:
        with swept() as over:
            gone = []
            for _ in range(2 * LEFT_BEHIND):
                gone.append(ended())
                over(5)
                await asyncio.sleep(2 * SETTLED_SECONDS)
                assert sum(one() is not None for one in gone) < LEFT_BEHIND

    run(scene())


def test_one_look_does_for_all_who_come_and_go_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        with swept() as over:
            looks: list[float] = []
            monkeypatch.setattr(gc, "collect", lambda: looks.append(asyncio.get_running_loop().time()))
            for _ in range(1000):
                over(0)
                await asyncio.sleep(SETTLED_SECONDS / 100)
            await asyncio.sleep(2 * SETTLED_SECONDS)
            assert 10 <= len(looks) <= 11
            over(0)
        await asyncio.sleep(2 * SETTLED_SECONDS)
        assert len(looks) <= 11  # nothing is left behind by the block

    run(scene())


def test_python_looks_more_rarely_until_the_end_and_never_at_what_was_there() -> None:
    async def scene() -> None:
        before = ended()
        with swept():
            assert before() is None  # it is looked at once more
            assert gc.get_threshold()[2] == RARELY
            assert gc.get_freeze_count() > 0

    run(scene())
