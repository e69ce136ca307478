"""The benchmark's parts against a simulated Triton, and what is made of the figures."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import tritonclient.grpc.aio as triton_aio
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rich.console import Console
from streaming_triton import Triton, prompts, serving
from tritonclient.grpc import model_config_pb2

import nova
from nova.benchmark.clients import BareClient, Client, NovaClient, TritonclientClient
from nova.benchmark.full_speed import without_pace
from nova.benchmark.plot import page
from nova.benchmark.results import Median, Report
from nova.benchmark.suite import Plan, Suite, Target, in_turn
from nova.benchmark.tables import shown
from nova.benchmark.thresholds import Thresholds
from nova.benchmark.workload import Workload
from nova.errors import ModelError
from nova.services.triton_client import TritonMind, TritonSettings

ROOT = Path(nova.__file__).parents[1]


@pytest.fixture
def triton() -> Iterator[Triton]:
    with serving(Triton()) as served:
        yield served


@asynccontextmanager
async def target(triton: Triton) -> AsyncIterator[Target]:
    address = f"127.0.0.1:{triton.port}"
    async with (
        grpc.aio.insecure_channel(address) as channel,
        triton_aio.InferenceServerClient(address, channel_args=[("grpc.enable_http_proxy", 0)]) as theirs,
    ):
        mind = TritonMind(channel, TritonSettings(max_tokens=5, tell_time=False, concurrency=16))
        clients: list[Client] = [NovaClient(mind), TritonclientClient(theirs, mind), BareClient(channel, mind)]
        yield Target(mind, channel, clients, 30.0)


def report(**changes: Any) -> Report:
    about: dict[str, Any] = {
        "environment": {}, "server": "simulated 1.0", "model": "nova", "decoupled": True, "max_batch_size": 16,
        "max_tokens": 5, "seed": 1,
    }  # fmt: skip
    return Report(**{**about, **changes})


async def measured(triton: Triton, plan: Plan, **about: Any) -> Report:
    async with target(triton) as asked:
        suite = Suite(plan, asked, report(**about))
        await suite.run()
    return suite.report


async def test_the_three_clients_ask_the_same_and_count_the_same(triton: Triton) -> None:
    conversations = Workload().take(3)
    async with target(triton) as asked:
        for client in asked.clients:
            await client.prepare(conversations)
            counted = 0

            def token() -> None:
                nonlocal counted
                counted += 1

            for index in range(3):
                await client.ask(index, token)
            assert (client.name, counted) == (client.name, 15)
    asked_for = [
        [(given.name, given.datatype, list(given.shape)) for given in request.inputs] for request in triton.requests
    ]
    raw = [list(request.raw_input_contents) for request in triton.requests]
    assert len(raw) == 9
    assert raw[:3] == raw[3:6] == raw[6:]
    assert asked_for[:3] == asked_for[3:6] == asked_for[6:]
    assert {request.outputs[0].name for request in triton.requests} == {"text_output"}
    assert len({prompts(request)[0] for request in triton.requests}) == 3


@pytest.mark.parametrize("at", [0, 1, 2], ids=["nova", "tritonclient", "bare"])
async def test_each_client_tells_an_error_of_the_models(triton: Triton, at: int) -> None:
    triton.refuse = (0,)
    async with target(triton) as asked:
        client = asked.clients[at]
        await client.prepare(Workload().take(1))
        with pytest.raises(ModelError, match="Exceeds maximum queue size"):
            await client.ask(0, lambda: None)


async def test_a_run_measures_every_part(triton: Triton) -> None:
    found = await measured(
        triton, Plan(concurrency=(1, 3), rates=(500.0,), batch=(4,), compare=True, requests=6, rounds=2, warm_up=1)
    )
    assert [(point.concurrency, point.rate) for point in found.points] == [(1, None), (3, None), (None, 500.0)]
    for point in found.points:
        assert (point.client, point.requests, point.tokens, point.complete) == ("nova", 6, 30, True)
        assert point.server is not None
        assert (point.server.requests, point.server.mean_batch_size) == (6, 1.0)
        assert point.server.mean_queue == pytest.approx(0.002)
        assert point.whole is not None
        assert point.first_token is not None
        assert point.whole.p50 >= point.first_token.p50 > 0
    (batched,) = found.batches
    assert (batched.size, batched.how, batched.rounds, batched.mean_batch_size) == (4, "streams", 2, 1.0)
    assert [row.concurrency for row in found.compared] == [1, 3]
    for row in found.compared:
        assert list(row.requests_per_second) == ["nova", "tritonclient", "bare"]
        assert list(row.request_ratio) == ["tritonclient", "bare"]
        for client, ratio in row.token_ratio.items():  # as many tokens for each, so the ratios are the same
            assert ratio.median == pytest.approx(row.request_ratio[client].median)
        assert [len(rates) for rates in row.rates.values()] == [2, 2, 2]
        best = {client: max(rates) * 0.9 + min(rates) * 0.1 for client, rates in row.rates.items()}
        assert row.best_ratio["bare"] == pytest.approx(best["nova"] / best["bare"])
    assert Report.model_validate_json(found.model_dump_json()) == found


async def test_a_batch_is_one_request_where_the_model_takes_tensors(triton: Triton) -> None:
    triton.decoupled = False
    found = await measured(triton, Plan((1,), batch=(8,), requests=1, rounds=1, warm_up=1), decoupled=False)
    (batched,) = found.batches
    assert (batched.how, batched.mean_batch_size) == ("tensor", 8.0)
    sizes = [len(prompts(request)) for request in triton.requests]
    assert sorted(sizes)[-2:] == [1, 8]
    assert sizes.count(1) == len(sizes) - 1


async def test_a_server_without_statistics_is_measured_all_the_same(triton: Triton) -> None:
    triton.counts = False
    found = await measured(triton, Plan((1,), batch=(2,), requests=2, rounds=1, warm_up=1))
    assert found.points[0].server is None
    assert found.batches[0].mean_batch_size is None


async def test_what_was_measured_before_the_server_went_away_is_kept(triton: Triton) -> None:
    triton.break_off = (8,)  # one to warm up, one of the warm-up, then four, then the third of the next four
    async with target(triton) as asked:
        only_ours = Target(asked.mind, asked.channel, asked.clients[:1], 30.0)
        suite = Suite(Plan((1, 2), requests=4, warm_up=1), only_ours, report())
        with pytest.raises(grpc.aio.AioRpcError, match="Socket closed"):
            await suite.run()
    first, second = suite.report.points
    assert (first.requests, first.complete) == (4, True)
    assert second.complete is False


@given(st.integers(1, 40))
def test_the_medians_interval_covers_it_nineteen_times_of_twenty(n: int) -> None:
    found = Median.of([float(rank) for rank in range(n)])
    k = int(found.low) + 1
    assert found.high == n - k
    outside = 2 * sum(math.comb(n, heads) for heads in range(k)) / 2**n
    wider = 2 * sum(math.comb(n, heads) for heads in range(k + 1)) / 2**n
    assert outside <= 0.05 or n < 6
    assert wider > 0.05 or k >= (n + 1) // 2  # the next narrower interval would be too sure of itself
    assert found.median == (n - 1) / 2


def test_each_client_begins_equally_often_and_follows_each_other_equally_often() -> None:
    names = [[client.name for client in in_turn(_named("a", "b", "c"), turn)] for turn in range(6)]
    assert sorted(map(tuple, names)) == sorted(
        [("a", "b", "c"), ("a", "c", "b"), ("b", "a", "c"), ("b", "c", "a"), ("c", "a", "b"), ("c", "b", "a")]
    )


def _named(*names: str) -> list[Any]:
    return [type("Named", (), {"name": name}) for name in names]


@pytest.fixture(scope="module")
def found() -> Report:
    plan = Plan((2,), (500.0,), (2,), compare=True, requests=4, rounds=1, warm_up=1)
    with serving(Triton()) as served:
        return asyncio.run(measured(served, plan))


def test_limits_that_are_kept(found: Report) -> None:
    kept = Thresholds.model_validate(
        {
            "concurrency": {"2": {"first_token_p95": 60, "whole_p95": 60, "requests_per_second": 0.001, "failed": 0}},
            "rate": {"500.0": {"inter_token_p50": 60, "tokens_per_second": 0.001}},
            "batch": {"2": {"speedup": 0.0001}},
            "compared": {"tritonclient": {"requests": 0.0001, "tokens": 0.0001}},
        }
    )
    assert kept.missed(found) == []


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        ({"concurrency": {2: {"first_token_p95": 1e-9}}}, r"^2 at once: first token p95 is [\d.]+ ms, more than 1e-06"),
        ({"concurrency": {2: {"inter_token_p50": 1e-9}}}, "^2 at once: inter token p50"),
        ({"rate": {500: {"whole_p95": 1e-9}}}, "^500 requests/s: whole p95"),
        ({"rate": {500: {"requests_per_second": 1e9}}}, r"^500 requests/s: requests/s is [\d.]+, less than 1e\+09"),
        ({"concurrency": {2: {"tokens_per_second": 1e9}}}, "^2 at once: tokens/s"),
        ({"batch": {2: {"speedup": 1e6}}}, "^batch of 2: speed-up is"),
        ({"compared": {"bare": {"tokens": 1e6}}}, r"^2 at once: tokens/s are [\d.]+ to [\d.]+ of bare's, less than"),
    ],
)
def test_a_limit_that_is_missed_is_told(found: Report, limits: dict[str, Any], line: str) -> None:
    (told,) = Thresholds.model_validate(limits).missed(found)
    assert re.search(line, told)


def test_failures_and_silence_are_missed_too(found: Report) -> None:
    silent = found.points[0].model_copy(update={"failed": 2, "first_token": None})
    limits = Thresholds.model_validate({"concurrency": {2: {"failed": 1, "first_token_p50": 60}}})
    told = limits.missed(found.model_copy(update={"points": [silent]}))
    assert told == [
        "2 at once: first token p50 was not measured, because there were too few tokens.",
        "2 at once: 2 requests failed, more than 1.",
    ]


def test_a_ratio_is_missed_only_where_it_is_sure(found: Report) -> None:
    limits = Thresholds.model_validate({"compared": {"bare": {"requests": 1.0}}})

    def with_rounds(*ratios: float) -> Report:
        row = found.compared[0].model_copy(update={"request_ratio": {"bare": Median.of(ratios)}})
        return found.model_copy(update={"compared": [row]})

    assert limits.missed(with_rounds(0.5, 0.6, 0.7, 0.8, 0.9, 1.1)) == []
    assert limits.missed(with_rounds(0.5, 0.6, 0.7, 0.8, 0.9, 0.95)) == [
        "2 at once: requests/s are 0.50 to 0.95 of bare's, less than 1."
    ]


def test_a_limit_on_what_is_not_measured_is_a_mistake() -> None:
    limits = Thresholds.model_validate({"concurrency": {4: {}}, "batch": {8: {}}, "compared": {"bare": {}}})
    assert limits.unmeasured((4,), (), (8,), ("tritonclient", "bare")) == []
    told = limits.unmeasured((1,), (), (), ())
    assert [line.split(" ")[0] for line in told] == ["concurrency.4", "batch.8", "compared.bare"]


@pytest.mark.parametrize("bad", [{"concurrency": {1: {"first_tokn_p95": 1}}}, {"batch": {1: {"speedup": -1}}}])
def test_a_limit_that_is_none(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Thresholds.model_validate(bad)


def test_the_shipped_limits_are_limits() -> None:
    from pipelines.settings.layers import read_yaml

    files = sorted((ROOT / "configs" / "benchmark").glob("*.yaml"))
    assert {file.stem for file in files} >= {"embedded", "clients"}
    for file in files:
        assert Thresholds.model_validate(read_yaml(file).values) != Thresholds()


def test_the_tables_and_the_page_show_what_was_measured(found: Report) -> None:
    changes = {"simulated": "A stand-in <b>for</b> a model.", "interrupted": True, "missed": ["2 at once: too slow."]}
    found = found.model_copy(update=changes)
    console = Console(record=True, width=150, highlight=False)
    console.print(shown(found))
    text = console.export_text()
    for expected in (
        "2 at once",
        "500 requests/s",
        "tritonclient",
        "A stand-in",
        "Stopped before",
        "✗ 2 at once: too slow.",
    ):
        assert expected in text
    drawn = page(found)
    assert "A stand-in &lt;b&gt;for&lt;/b&gt; a model." in drawn
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", drawn)  # the library itself is in the page
    assert drawn.count('"name":"to tritonclient"') == 1
    assert page(report()) != drawn  # an empty report has a page as well


def test_full_speed_takes_the_pace_and_nothing_else(tmp_path: Path) -> None:
    model = ROOT / "nova" / "models" / "nova"
    without_pace(model, tmp_path)
    ours, copied = (
        text_format.Parse((folder / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
        for folder in (model, tmp_path / "nova")
    )
    assert {name: copied.parameters[name].string_value for name in ("first_token_ms", "token_ms")} == {
        "first_token_ms": "0", "token_ms": "0",
    }  # fmt: skip
    for name in ("first_token_ms", "token_ms"):
        copied.parameters[name].CopyFrom(ours.parameters[name])
    assert copied == ours
    assert (tmp_path / "nova" / "1" / "model.py").read_bytes() == (model / "1" / "model.py").read_bytes()
    with pytest.raises(ValueError, match="has no pace"):
        without_pace(ROOT / "nova" / "models" / "nova_vllm", tmp_path)
