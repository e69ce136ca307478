"""What people read: the table, the warnings, the verdict, and the page."""

from __future__ import annotations

import io
import re

import pytest
from load_runs import counters, run, turn
from rich.console import Console

from nova.services.triton_statistics import ModelStatistics
from pipelines.load import plot
from pipelines.load.results import Batching, LoadTest, Step
from pipelines.load.table import holds, show, warnings

HOSTILE = "[bold]</script><img src=x onerror=alert(1)>"


def step(streams: int, wait: float | None = 0.4, *, each: int = 20, **more: object) -> Step:
    turns = [
        turn(5.0 * n, session=session, wait=wait, **({"reason": HOSTILE} if wait is None else {}))
        for session in range(streams)
        for n in range(each)
    ]
    return Step.of(run(turns, sessions=streams, **more), 0.24)


def load(*steps: Step, **more: object) -> LoadTest:
    return LoadTest.model_validate({"scenario": "questions", "fingerprint": "f", "steps": steps, **more})


def shown(test: LoadTest, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    show(test, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_row_has_the_means_and_below_it_the_tails() -> None:
    batching = Batching.of(ModelStatistics("nova", 40, 10, 40, 0, 0.08, 4.0))
    text = shown(load(step(2, counters=counters()).model_copy(update={"batching": batching})))
    lines = [line.split() for line in text.splitlines()]
    heading = lines.index(["streams", "E2E", "ASR", "TTFT", "clause", "TTFB", "turns", "missed", "runs", "cut-offs"])
    assert lines[heading - 1] == ["LLM", "first", "TTS", "under-", "false"]
    assert ["2", "0.400", "0.030", "0.120", "0.200", "0.080", "40", "0", "0", "0"] in lines
    assert ["p95", "0.400", "0.030", "0.120", "0.200", "0.080"] in lines
    assert ["2", "40", "0", "10", "4.00", "2.0", "ms", "100.0", "ms"] in lines
    assert ["2", "2.0", "ms", "0.50", "40%", "1%"] in lines


def test_it_fits_80_columns_when_many_streams_miss_many_turns() -> None:
    text = shown(load(step(64, None, each=200)))
    assert max(len(line) for line in text.splitlines() if "64" in line and "missed" not in line) <= 80
    assert "∞" in text


def test_simulated_figures_say_so() -> None:
    text = shown(load(step(1), simulated="nvidia-4xh100", until_p95=1.0))
    assert "SIMULATED" in text
    assert "nvidia-4xh100" in text
    assert "simulated; more were not tried" in text


def test_what_services_say_is_not_markup() -> None:
    assert HOSTILE in shown(load(step(1, None)), width=200)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((step(1), step(2, 1.5)), "Holds 1 stream with p95 within 1 s."),
        ((step(1), step(2)), "Holds 2 streams with p95 within 1 s; more were not tried."),
        ((step(4, None),), "Holds not even 4 streams with p95 within 1 s."),
    ],
)
def test_the_verdict(steps: tuple[Step, ...], words: str) -> None:
    assert holds(load(*steps, until_p95=1.0)) == words
    assert holds(load(*steps)) == ""


def test_warnings_tell_when_not_to_believe_the_figures() -> None:
    assert warnings(load(step(1, counters=counters()))) == []
    assert "this machine" in warnings(load(step(1, counters=counters(machine=99.0))))[0]
    assert "95th percentile" in warnings(load(step(1, each=5)))[0]
    apart = Step.of(run([turn(0.0), turn(50.0, session=1)], sessions=2), 0.24)
    assert "never all talked at once" in warnings(load(apart))[0]
    cut_short = step(1).model_copy(update={"complete": False})
    assert "interrupted" in warnings(load(cut_short))[0]


def test_nothing_measured_is_told() -> None:
    assert shown(load()) == "Nothing was measured.\n"


def test_the_page_is_the_same_each_time_and_needs_no_network() -> None:
    test = load(step(1), step(2, 0.9), scenario=HOSTILE, until_p95=1.0, simulated="exact")
    page = plot.page(test)
    assert page == plot.page(test)
    assert HOSTILE not in page
    assert "&lt;/script&gt;" in page
    assert "(simulated)" in page
    assert re.search(r'<(script|link|img)[^>]+(src|href)="?(https?:)?//', page) is None
    assert "default-src 'none'" in page


def test_the_page_of_a_test_without_a_reply() -> None:
    assert "Latency under load" in plot.page(load(step(1, None)))
