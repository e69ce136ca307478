from __future__ import annotations

import importlib
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nova

FOLDER = Path(nova.__file__).parent / "models" / "nova" / "1"
WAIT = 10.0  # an upper bound that is only ever reached by a failure


def batch_module() -> Any:
    if "embedded_mind" not in sys.modules:
        package = types.ModuleType("embedded_mind")
        package.__path__ = [str(FOLDER)]
        sys.modules["embedded_mind"] = package
    return importlib.import_module("embedded_mind.batch")


def generation(pieces: list[str], *, break_at: int | None = None) -> Any:
    """A generation that records what happens to it."""

    class Recorded(batch_module().Generation):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(pieces)
            self.sent: list[str] = []
            self.reasons: list[str | None] = []
            self.gone = False
            self.first, self.ended = threading.Event(), threading.Event()

        def cancelled(self) -> bool:
            return self.gone

        def emit(self, piece: str, last: bool) -> None:
            if break_at == len(self.sent):
                raise OSError("broken pipe")
            self.sent.append(piece)
            self.first.set()
            if last:
                self.ended.set()

        def abandon(self, reason: str | None = None) -> None:
            self.reasons.append(reason)
            self.ended.set()

    return Recorded()


@pytest.fixture
def batches() -> Iterator[Any]:
    made: list[Any] = []

    def make(**options: Any) -> Any:
        made.append(batch_module().Batch(**{"slots": 4, "first_token": 0.0, "token": 0.0} | options))
        return made[-1]

    yield make
    for batch in made:
        batch.close()
        assert not batch.thread.is_alive()


def test_each_gets_all_its_pieces_in_order(batches: Any) -> None:
    batch = batches(slots=2)
    running = [generation([f"{n}{i}" for i in range(20)]) for n in range(6)]
    assert all(batch.add(g) for g in running)
    for n, one in enumerate(running):
        assert one.ended.wait(WAIT)
        assert one.sent == [f"{n}{i}" for i in range(20)]
        assert one.reasons == []


def test_a_newcomer_does_not_wait_for_a_long_answer(batches: Any) -> None:
    batch = batches(token=0.002)
    long, short = generation(["x"] * 5000), generation(["y"] * 3)
    batch.add(long)
    assert long.first.wait(WAIT)
    batch.add(short)
    assert short.ended.wait(WAIT)
    assert not long.ended.is_set()


def test_a_cancelled_one_leaves_and_the_others_go_on(batches: Any) -> None:
    batch = batches(slots=1, token=0.002)
    gone, next_ = generation(["x"] * 5000), generation(["y"] * 3)
    batch.add(gone)
    batch.add(next_)
    assert gone.first.wait(WAIT)
    gone.gone = True
    assert gone.ended.wait(WAIT)
    assert gone.reasons == [None]
    assert next_.ended.wait(WAIT)
    assert next_.sent == ["y"] * 3


def test_one_that_breaks_takes_no_other_along(batches: Any) -> None:
    batch = batches()
    bad, good = generation(["x"] * 5, break_at=2), generation(["y"] * 5)
    batch.add(bad)
    batch.add(good)
    assert bad.ended.wait(WAIT)
    assert good.ended.wait(WAIT)
    assert bad.reasons == ["generation failed: broken pipe"]
    assert good.sent == ["y"] * 5


def test_the_backlog_is_bounded(batches: Any) -> None:
    batch = batches(slots=1, backlog=2, first_token=60.0)
    assert batch.add(generation(["x"]))
    while batch.waiting:  # the first one takes the slot
        pass
    assert batch.add(generation(["x"]))
    assert batch.add(generation(["x"]))
    assert not batch.add(generation(["x"]))


def test_closing_tells_everybody(batches: Any) -> None:
    batch = batches(slots=1, first_token=60.0)
    both = [generation(["x"]), generation(["y"])]
    for one in both:
        batch.add(one)
    batch.close()
    assert [g.reasons for g in both] == [["the server is shutting down"]] * 2
    assert not batch.add(generation(["z"]))


def test_an_empty_answer_still_ends(batches: Any) -> None:
    empty = generation([])
    batches().add(empty)
    assert empty.ended.wait(WAIT)
    assert empty.sent == [""]
