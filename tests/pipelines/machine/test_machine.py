"""Samples of the machine: on the virtual clock, bounded, and never in the way of what is measured."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.machine import counters as sampling
from pipelines.machine import host as machine_host
from pipelines.machine import series as machine_series
from pipelines.machine.counters import LAG, WORST_LAG, MachineCounters
from pipelines.machine.gpu import GpuAbsent, quantity
from pipelines.machine.host import AVAILABLE, LOAD, MACHINE_CPU, PROCESS_CPU, RESIDENT, STOLEN, Host
from pipelines.machine.series import Quantity, Series
from pipelines.virtual_time import run

STAT = "cpu  {user} 0 100 {idle} 50 0 0 {steal} 999 999\ncpu0 1 2 3 4 5 6 7 8 9 10\n"


@pytest.fixture
def proc(tmp_path):
    """A made-up /proc; the function writes the processor's ticks."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self/statm").write_text("90000 2560 100 1 0 50 0\n")
    (tmp_path / "loadavg").write_text("1.25 0.80 0.50 2/345 6789\n")
    (tmp_path / "meminfo").write_text("MemTotal: 2048000 kB\nMemFree: 1 kB\nMemAvailable: 1048576 kB\n")

    def ticks(user, idle, steal):
        (tmp_path / "stat").write_text(STAT.format(user=user, idle=idle, steal=steal))

    ticks(1000, 1000, 1000)
    return tmp_path, ticks


async def watched(counters, seconds, meanwhile=lambda: None):
    """``counters`` run for ``seconds``; their figures by name."""
    task = asyncio.create_task(counters.run())
    await asyncio.sleep(seconds / 2)
    meanwhile()
    await asyncio.sleep(seconds / 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return {counter.name: counter for counter in counters.counters(0.0)}


def test_shares_are_of_the_time_since_the_sample_before(proc):
    folder, ticks = proc
    used = iter([10.0, 10.5])
    host = Host(folder, lambda: next(used))
    first = host.read(100.0)
    assert first == {LOAD: 1.25, RESIDENT: pytest.approx(2560 * 4096 / 2**20), AVAILABLE: 1024}
    ticks(1060, 1030, 1010)
    second = host.read(101.0)
    assert second[PROCESS_CPU] == pytest.approx(50)
    assert second[MACHINE_CPU] == pytest.approx(60)
    assert second[STOLEN] == pytest.approx(10)


def test_no_share_is_told_of_a_time_too_short_for_one(proc):
    folder, ticks = proc
    host = Host(folder)
    host.read(100.0)
    ticks(1060, 1030, 1010)
    assert MACHINE_CPU not in host.read(100.0 + machine_host.SHORTEST / 2)
    assert MACHINE_CPU in host.read(100.0 + machine_host.SHORTEST * 2)


def test_a_system_that_tells_nothing_is_still_measured(tmp_path):
    host = Host(tmp_path, lambda: 1.0)
    assert host.read(0.0) == {}
    assert host.read(1.0) == {PROCESS_CPU: 0.0}


def test_a_sample_is_taken_at_the_beginning_each_second_and_at_the_end(proc):
    found = run(watched(MachineCounters(None, Host(proc[0])), 3.5))
    assert found[LOAD.name].times == (0, 1, 2, 3, 3.5)
    assert list(found) == [q.name for q in (LAG, WORST_LAG, PROCESS_CPU, LOAD, RESIDENT, AVAILABLE)]
    assert set(found[LOAD.name].values) == {1.25}
    assert found[LAG.name].times == (1, 2, 3, 3.5)
    assert set(found[WORST_LAG.name].values) == {0.0}


def test_times_count_from_where_the_run_began(proc):
    async def main():
        await asyncio.sleep(7)
        counters = MachineCounters(None, Host(proc[0]))
        await watched(counters, 2.5)
        return counters.counters(7.0)[-1].times

    assert run(main()) == (0, 1, 2, 2.5)


def test_the_lag_is_how_late_a_timer_fires(proc):
    async def main():
        loop = asyncio.get_running_loop()

        def late():  # as if the loop had been busy for 80 ms
            loop._virtual.now += 0.08

        return await watched(MachineCounters(None, Host(proc[0])), 2.05, late)

    found = run(main())
    assert max(found[WORST_LAG.name].values) == pytest.approx(0.08, abs=0.03)
    assert max(found[LAG.name].values) < 0.01


@given(st.integers(1, 40_000), st.integers(2, 6))
def test_a_long_run_is_kept_coarser_but_whole(samples, most):
    series, peaks = Series(Quantity("mean", "")), Series(Quantity("worst", "", peak=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine_series, "MOST_SAMPLES", 2 * most)
        samples = min(samples, 200 * most)
        for i in range(samples):
            series.add(float(i), float(i))
            peaks.add(float(i), float(i % 97))
    mean, worst = series.counter(0.0), peaks.counter(0.0)
    assert len(mean.times) == len(mean.values) <= 2 * most
    assert list(mean.times) == sorted(mean.times)
    assert mean.times[-1] == samples - 1
    assert max(worst.values) == min(96, samples - 1)
    assert list(mean.values) == sorted(mean.values)


class Gpu:
    """A source that answers what it is told, in threads."""

    def __init__(self, answer):
        self.answer = answer
        self.threads = set()
        self.closed = threading.Event()

    def read(self):
        self.threads.add(threading.current_thread())
        return self.answer()

    def notes(self):
        return ["no power"]

    def close(self):
        self.closed.set()


class Noted(list):
    """Notes that can be waited for."""

    def __init__(self):
        super().__init__()
        self.any = asyncio.Event()

    def append(self, line):
        super().append(line)
        self.any.set()


async def until_noted(counters):
    """``counters`` run until they have something to say."""
    counters.notes = notes = Noted()
    task = asyncio.create_task(counters.run())
    await asyncio.wait_for(notes.any.wait(), 5)
    assert not task.done()
    task.cancel()
    await asyncio.wait((task,))


async def test_the_gpu_is_asked_in_a_thread_of_its_own(proc):
    gpu = Gpu(lambda: {quantity(0, "utilisation"): 87.0})
    counters = MachineCounters(lambda: gpu, Host(proc[0]))
    await until_noted(counters)
    assert threading.main_thread() not in gpu.threads
    found = {counter.name: counter for counter in counters.counters(0.0)}
    assert found["gpu 0 utilisation"].values == (87,)
    assert found["gpu 0 utilisation"].unit == "%"
    assert counters.notes == ["no power"]
    assert gpu.closed.wait(5)


async def test_a_gpu_that_fails_costs_a_note_and_nothing_else(proc):
    def gone():
        raise GpuAbsent("it fell off\nthe bus")

    gpu = Gpu(gone)
    counters = MachineCounters(lambda: gpu, Host(proc[0]))
    await until_noted(counters)
    assert counters.notes[0] == "GPU counters are missing for some of the time: it fell off the bus"
    assert {counter.name for counter in counters.counters(0.0)} >= {LOAD.name}


async def test_a_machine_without_a_gpu_gets_one_note(proc):
    def none():
        raise GpuAbsent("no driver")

    counters = MachineCounters(none, Host(proc[0]))
    await until_noted(counters)
    assert counters.notes == ["no GPU counters: no driver"]


async def test_a_driver_that_never_answers_holds_up_neither_the_loop_nor_the_end(proc, monkeypatch):
    monkeypatch.setattr(sampling, "GPU_SECONDS", 0.02)
    free = threading.Event()
    gpu = Gpu(lambda: free.wait(10) and {})
    counters = MachineCounters(lambda: gpu, Host(proc[0]))
    try:
        await until_noted(counters)
        assert len(gpu.threads) == 1
        assert "no answer within" in counters.notes[0]
    finally:
        free.set()
