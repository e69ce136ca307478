"""Metrics count what the ledger holds, expose it to Prometheus with exemplars, and stay few."""

import asyncio
import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client import disable_created_metrics, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from nova.tools import ToolCall
from pipelines.conversation.events import Lost, ToolEnded, ToolStarted, TurnEnded
from pipelines.conversation.measured import Measured
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.telemetry.ledger import CONTRIBUTIONS, LOSSES, Count, Ledger, Outcome
from pipelines.telemetry.metrics import LAG_INTERVAL, MOST_TOOLS, Metrics
from pipelines.telemetry.setup import Telemetry, TelemetryError
from pipelines.virtual_time import run


def a_turn(**marks):
    ledger = Ledger(turn=1, outcome=Outcome.REPLIED)
    ledger.marks.update({"voice_end": 10.0, "transcript": 10.2, "first_audio": 10.3, "played": 10.31, **marks})
    return ledger


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_turn_is_counted_by_stage_and_outcome():
    metrics = Metrics()
    ledger = a_turn(barge_in=12.0, silenced=12.15)
    ledger.outcome = Outcome.INTERRUPTED
    ledger.lip_skew = -0.03
    ledger.face_missing = 0.3
    ledger.wasted_seconds = 1.5
    ledger.count(Count.SPECULATIONS_STARTED, 3)
    ledger.count(Count.SPECULATIONS_DROPPED, 2)
    ledger.fail(11.0, "face", "down")
    metrics.record(ledger)
    value = metrics.registry.get_sample_value
    assert value("sophia_voice_to_voice_seconds_sum") == pytest.approx(0.31)
    assert value("sophia_contribution_seconds_sum", {"stage": "asr"}) == pytest.approx(0.2)
    by_stage = [value("sophia_contribution_seconds_sum", {"stage": stage}) for stage in CONTRIBUTIONS]
    assert sum(by_stage) == pytest.approx(0.31)
    assert value("sophia_barge_in_seconds_sum") == pytest.approx(0.15)
    assert value("sophia_lip_skew_seconds_bucket", {"le": "-0.02"}) == 1
    assert value("sophia_lip_skew_seconds_bucket", {"le": "-0.045"}) == 0
    assert value("sophia_face_missing_ratio_bucket", {"le": "0.2"}) == 0
    assert value("sophia_face_missing_ratio_bucket", {"le": "0.5"}) == 1
    assert value("sophia_turns_total", {"outcome": "interrupted"}) == 1
    assert value("sophia_turns_total", {"outcome": "replied"}) == 0
    assert value("sophia_speculations_started_total") == 3
    assert value("sophia_speculations_dropped_total") == 2
    assert value("sophia_wasted_seconds_total") == 1.5
    assert value("sophia_errors_total", {"service": "face"}) == 0  # counted when it happens, in a turn or beside
    metrics.error("face")
    assert value("sophia_errors_total", {"service": "face"}) == 1


@pytest.mark.parametrize(
    ("written", "read"),
    [(generate_latest, text_families), (openmetrics.generate_latest, openmetrics_families)],
    ids=["text", "OpenMetrics"],
)
@pytest.mark.parametrize("skew", [None, -0.2, -0.02, 0.0, 0.3])
def test_prometheus_own_parsers_accept_the_page(written, read, skew):
    metrics = Metrics()
    metrics.certificate("llm", 1.8e9)
    if skew is not None:
        ledger = a_turn(barge_in=12.0, silenced=12.15)
        ledger.lip_skew, ledger.face_missing = skew, 0.1
        metrics.record(ledger, trace_id="ab" * 16)
    found = {family.name: family for family in read(written(metrics.registry).decode())}
    skews = found["sophia_lip_skew_seconds"].samples
    assert {sample.name for sample in skews} == {"sophia_lip_skew_seconds_bucket"}
    assert [sample.value for sample in skews if sample.labels["le"] == "+Inf"] == [0 if skew is None else 1]


@pytest.mark.parametrize("what", LOSSES)
def test_what_was_lost_is_counted_when_it_happens_and_not_again_with_the_turn(what):
    metrics = Metrics()
    measured = Measured(metrics)
    measured.told(Lost(at=9.0, what=what, by=3))
    ledger = a_turn()
    ledger.count(what, 3)
    measured.told(TurnEnded(at=13.0, ledger=ledger))
    assert metrics.registry.get_sample_value(f"sophia_{what}_total") == 3


def test_buckets_tell_a_good_turn_from_a_slow_one():
    metrics = Metrics()
    for wait in (0.12, 0.22, 0.45, 0.9):
        metrics.record(a_turn(first_audio=10.2, transcript=10.1, played=10.0 + wait))
    counts = [
        metrics.registry.get_sample_value("sophia_voice_to_voice_seconds_bucket", {"le": le})
        for le in ("0.1", "0.15", "0.25", "0.5", "1.0")
    ]
    assert counts == [0, 1, 2, 3, 4]


def test_a_turn_without_a_reply_has_no_latency():
    metrics = Metrics()
    ledger = Ledger(turn=1, outcome=Outcome.REPROMPTED)
    ledger.mark("voice_end", 1.0)
    metrics.record(ledger)
    assert metrics.registry.get_sample_value("sophia_voice_to_voice_seconds_count") == 0
    assert metrics.registry.get_sample_value("sophia_reprompts_total") == 1


def test_speaking_over_the_user_is_not_a_latency():
    metrics = Metrics()
    metrics.record(a_turn(played=9.0))
    assert metrics.registry.get_sample_value("sophia_voice_to_voice_seconds_count") == 0


def test_sessions_go_up_and_down_whatever_happens():
    metrics = Metrics()

    def talk():
        with metrics.session():
            assert metrics.registry.get_sample_value("sophia_sessions") == 1
            raise ConnectionError

    with pytest.raises(ConnectionError):
        talk()
    assert metrics.registry.get_sample_value("sophia_sessions") == 0


def test_the_loops_lag_is_measured():
    async def main():
        metrics = Metrics()
        watch = asyncio.create_task(metrics.watch_loop())
        await asyncio.sleep(10 * LAG_INTERVAL + 0.01)
        watch.cancel()
        return metrics.registry

    registry = run(main())
    assert registry.get_sample_value("sophia_loop_lag_seconds_count") == 10
    assert registry.get_sample_value("sophia_loop_lag_seconds_sum") == pytest.approx(0, abs=1e-6)


def test_tools_are_told_apart_up_to_a_bound():
    metrics = Metrics()
    measured = Measured(metrics)
    for number, failure in enumerate(["", "timeout", "error", "internal", "cancelled", "refused", "asked", ""]):
        call = ToolCall(str(number), "clock" if number < 7 else "weather")
        measured.told(ToolStarted(at=1.0, generation=1, call=call))
        measured.told(ToolEnded(at=1.5, generation=1, call_id=call.id, output="", failure=failure))

    def counted(tool, outcome):
        return metrics.registry.get_sample_value("sophia_tool_seconds_count", {"tool": tool, "outcome": outcome})

    assert (counted("clock", "ok"), counted("clock", "failed"), counted("weather", "ok")) == (1, 3, 1)
    assert metrics.registry.get_sample_value("sophia_tool_seconds_sum", {"tool": "clock", "outcome": "failed"}) == 1.5
    for number in range(1000):
        metrics.tool(f"tool_{number}", 0.1, failed=False)
    names = {s.labels["tool"] for f in metrics.registry.collect() for s in f.samples if "tool" in s.labels}
    assert len(names) == MOST_TOOLS + 1
    assert counted("other", "ok") == 1000 - (MOST_TOOLS - 2)


def test_a_scrape_stays_small():
    disable_created_metrics()  # as set-up does
    metrics = Metrics()
    for service in ("asr", "llm", "tts", "face"):
        metrics.error(service)
    lines = [line for line in generate_latest(metrics.registry).splitlines() if not line.startswith(b"#")]
    assert len(lines) < 300


async def test_they_are_served_with_the_trace_as_exemplar_until_closed():
    port = free_port()
    telemetry = Telemetry(TelemetrySettings(metrics_port=port), clock=asyncio.get_running_loop().time)
    telemetry.metrics.record(a_turn(), trace_id="ab" * 16)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Accept": "application/openmetrics-text"}
    )
    with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
        text = answer.read().decode()
    assert f'sophia_voice_to_voice_seconds_bucket{{le="0.4"}} 1.0 # {{trace_id="{"ab" * 16}"}} 0.3' in text
    assert "_created" not in text
    await telemetry.aclose()
    with pytest.raises(urllib.error.URLError):
        await asyncio.to_thread(urllib.request.urlopen, request)


async def test_a_taken_port_is_one_line():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(TelemetryError, match=rf"metrics_port: cannot serve /metrics on 127.0.0.1:{port} .* 0 for"):
            Telemetry(TelemetrySettings(metrics_port=port), clock=asyncio.get_running_loop().time)
