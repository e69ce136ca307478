"""Soundbites on the virtual clock: deadlines, cues, what was voiced when."""

import asyncio
import time

import numpy as np
import pytest

from pipelines.virtual_time import run
from sophia.audio import AudioSource, Frame
from sophia.soundbite import Bite, Soundbite, SoundbiteSettings, voiced_span

LOUD = np.full(800, 9000, np.int16)  # 50 ms


def bite(name: str = "a") -> Bite:
    """50 ms of silence, 50 ms loud, 30 ms of silence: 130 ms, so seven frames."""
    return Bite(name, np.concatenate([np.zeros(800, np.int16), LOUD, np.zeros(480, np.int16)]))


def settings(**changes: object) -> SoundbiteSettings:
    return SoundbiteSettings.model_validate({"lead_seconds": 0.1, "pause_seconds": 0.2, "tail_seconds": 0.1} | changes)


async def collect(source: AudioSource) -> list[tuple[float, Frame]]:
    loop = asyncio.get_running_loop()
    return [(loop.time(), frame) async for frame in source.frames()]


def test_frames_leave_when_their_last_sample_was_spoken() -> None:
    taken = run(collect(Soundbite([bite()], settings())))
    assert len(taken) == 5 + 7 + 5
    for number, (at, frame) in enumerate(taken):
        assert frame.time == pytest.approx(number * 0.02)
        assert at == pytest.approx(frame.end)
        assert (len(frame.pcm), frame.rate, frame.pcm.dtype) == (320, 16_000, np.int16)
    sound = np.concatenate([frame.pcm for _, frame in taken])
    np.testing.assert_array_equal(np.flatnonzero(sound), np.arange(1600 + 800, 1600 + 1600))


def test_what_was_voiced_when_is_on_the_loops_clock() -> None:
    source = Soundbite([bite("a"), Bite("quiet", np.zeros(320, np.int16))], settings())
    run(collect(source))
    spoken, quiet = source.spoken
    assert spoken.bite.name == "a"
    assert (spoken.first_voiced, spoken.last_voiced) == (pytest.approx(0.15), pytest.approx(0.2))
    assert (quiet.first_voiced, quiet.last_voiced) == (None, None)


def test_a_cue_lets_the_next_bite_come() -> None:
    async def main() -> list[float | None]:
        source = Soundbite([bite("a"), bite("b"), bite("c")], settings(wait_for_cue=True))
        loop = asyncio.get_running_loop()
        assert source.left == 3
        loop.call_at(1.001, source.cue)
        loop.call_at(1.15, source.cue)  # while b waits out its pause: still the cue for b
        loop.call_at(5.001, source.cue)
        await collect(source)
        assert source.left == 0
        return [s.first_voiced for s in source.spoken]

    # A cue counts from the next frame on: 1.02 + 0.2 pause + 0.05 of silence inside the bite.
    assert run(main()) == [pytest.approx(0.15), pytest.approx(1.27), pytest.approx(5.27)]


def test_a_cue_during_a_bite_counts_from_its_end() -> None:
    async def main() -> list[float | None]:
        source = Soundbite([bite(), bite()], settings(wait_for_cue=True))
        asyncio.get_running_loop().call_at(0.15, source.cue)
        await collect(source)
        return [s.first_voiced for s in source.spoken]

    assert run(main()) == [pytest.approx(0.15), pytest.approx(0.24 + 0.2 + 0.05)]


def test_of_a_held_source_the_first_bite_waits_too() -> None:
    async def main() -> list[float | None]:
        source = Soundbite([bite(), bite()], settings(wait_for_cue=True))
        source.hold()
        for at in (2.001, 4.001):
            asyncio.get_running_loop().call_at(at, source.cue)
        await collect(source)
        return [s.first_voiced for s in source.spoken]

    assert run(main()) == [pytest.approx(2.02 + 0.1 + 0.05), pytest.approx(4.02 + 0.2 + 0.05)]


def test_without_a_tail_it_listens_until_closed() -> None:
    async def main() -> float:
        source = Soundbite([bite()], settings(tail_seconds=None))
        loop = asyncio.get_running_loop()
        loop.call_at(60.0, lambda: asyncio.ensure_future(source.aclose()))
        await collect(source)
        return loop.time()

    assert run(main()) == pytest.approx(60.0, abs=0.021)


def test_a_late_taker_is_caught_up_with_and_nothing_is_lost() -> None:
    async def main() -> tuple[list[float], int, int]:
        source = Soundbite([], settings(lead_seconds=0, tail_seconds=1.0))
        loop = asyncio.get_running_loop()
        at = []
        async for frame in source.frames():
            at.append(loop.time() - frame.end)
            if len(at) == 10:
                await asyncio.sleep(0.21)
        return at, source.late, source.overflows

    lateness, late, overflows = run(main())
    assert len(lateness) == 50
    assert max(lateness) == pytest.approx(0.19)
    assert lateness[-1] == pytest.approx(0)
    assert (late, overflows) == (9, 0)


def test_on_a_real_loop_deadlines_do_not_drift() -> None:
    async def main() -> float:
        source = Soundbite([], settings(lead_seconds=0, tail_seconds=0.2))
        frames = [frame async for frame in source.frames()]
        return frames[-1].end - frames[0].time

    before = time.monotonic()
    assert asyncio.run(main()) == pytest.approx(0.2)
    assert time.monotonic() - before >= 0.2


@pytest.mark.parametrize(("pcm", "span"), [
    (np.zeros(0, np.int16), None),
    (np.full(1600, 20, np.int16), None),
    (LOUD, (0, 800)),
    (LOUD[:100], (0, 100)),
    (np.concatenate([np.full(320, 100, np.int16), LOUD, np.full(320, 100, np.int16)]), (320, 1120)),
])  # fmt: skip
def test_voiced_span(pcm: np.ndarray, span: tuple[int, int] | None) -> None:
    assert voiced_span(pcm) == span
