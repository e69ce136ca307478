"""Telemetry sets up what the settings ask for, gets spans to where they should go, and always stops in time."""

import asyncio
import base64
import json
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace.export import SpanExporter
from pydantic import ValidationError

from pipelines.certs import make_development_pki
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.telemetry import otlp, setup
from pipelines.telemetry.ledger import Ledger, Outcome
from pipelines.telemetry.ranges import _ranges, stage
from pipelines.telemetry.setup import Telemetry, TelemetryError


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy machine may take its time; what is tested is that things arrive, and that nobody waits for the hung."""
    monkeypatch.setattr(setup, "STOP_SECONDS", 30.0)
    monkeypatch.setattr(otlp, "EXPORT_SECONDS", 20.0)


def a_turn():
    ledger = Ledger(turn=1, outcome=Outcome.REPLIED, user="hello", reply="Hi.", heard="Hi.")
    ledger.marks.update({"voice_end": 1.0, "transcript": 1.2, "first_audio": 1.3, "played": 1.31, "end": 2.0})
    return ledger


def talk(telemetry):
    conversation = telemetry.start_conversation("talk")
    turn = conversation.start_turn(1, 0.5)
    ledger = a_turn()
    turn.end(ledger)
    telemetry.metrics.record(ledger, trace_id=turn.trace_id, context=turn.context)
    conversation.end()
    return turn.trace_id


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes spans and metrics by OTLP; told to hang, it answers nobody until released."""

    def __init__(self):
        self.spans, self.metrics, self.services, self.metadata = [], {}, set(), []
        self.hangs = False
        self.released = threading.Event()

    def Export(self, request, context):  # noqa: N802 - the service's name for it
        self.metadata.append(context.invocation_metadata())
        if self.hangs:
            self.released.wait(30)
        if isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest):
            for metric in (m for r in request.resource_metrics for s in r.scope_metrics for m in s.metrics):
                self.metrics[metric.name] = metric
            return metrics_service_pb2.ExportMetricsServiceResponse()
        for resource in request.resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def collector(credentials=None):
    server = grpc.server(ThreadPoolExecutor(4))
    servicer = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(servicer, server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(servicer, server)
    if credentials is None:
        servicer.port = server.add_insecure_port("127.0.0.1:0")
    else:
        servicer.port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield servicer
    finally:
        servicer.released.set()
        server.stop(None)


async def test_none_costs_nothing_and_closes_at_once():
    telemetry = Telemetry(TelemetrySettings(), clock=asyncio.get_running_loop().time)
    assert talk(telemetry) == ""
    await telemetry.aclose()


async def test_json_writes_a_line_for_each_span(tmp_path):
    file = tmp_path / "deep" / "spans.jsonl"
    settings = TelemetrySettings(exporter="json", file=file)
    telemetry = Telemetry(settings, clock=asyncio.get_running_loop().time)
    trace_id = talk(telemetry)
    await telemetry.aclose()
    spans = [json.loads(line) for line in file.read_text().splitlines()]
    by_name = {span["name"]: span for span in spans}
    assert {span["trace_id"] for span in spans} == {trace_id, by_name["conversation"]["trace_id"]}
    assert by_name["turn"]["links"] == [by_name["conversation"]["trace_id"]]
    assert file.stat().st_mode & 0o777 == 0o600
    assert by_name["asr"]["parent_id"] == by_name["turn"]["span_id"]
    assert by_name["asr"]["end"] - by_name["asr"]["start"] == pytest.approx(2e8, abs=10)
    assert by_name["turn"]["attributes"]["sophia.turn.outcome"] == "replied"


async def test_console_goes_to_standard_error(capsys):
    telemetry = Telemetry(TelemetrySettings(exporter="console"), clock=asyncio.get_running_loop().time)
    talk(telemetry)
    await telemetry.aclose()
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err.splitlines()[0])["name"] == "capture"


async def test_otlp_reaches_a_collector_over_tls_with_exemplars(tmp_path):
    make_development_pki(tmp_path)
    identity = ((tmp_path / "server.key").read_bytes(), (tmp_path / "server.crt").read_bytes())
    with collector(grpc.ssl_server_credentials([identity])) as there:
        settings = TelemetrySettings(
            exporter="otlp", endpoint=f"https://localhost:{there.port}", ca=tmp_path / "ca.crt", service_name="lab"
        )
        telemetry = Telemetry(settings, clock=asyncio.get_running_loop().time)
        trace_id = talk(telemetry)
        await telemetry.aclose()
    assert {"conversation", "turn", "asr", "llm"} <= {span.name for span in there.spans}
    assert there.services == {"lab"}
    metric = there.metrics["sophia.voice_to_voice"]
    assert metric.unit == "s"
    point = metric.histogram.data_points[0]
    assert point.sum == pytest.approx(0.31)
    assert 0.3 in point.explicit_bounds
    assert point.exemplars[0].trace_id.hex() == trace_id
    assert there.metrics["sophia.turns"].sum.data_points[0].attributes[0].value.string_value == "replied"


async def test_a_collector_that_hangs_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(setup, "STOP_SECONDS", 0.2)
    with collector() as there:
        there.hangs = True
        settings = TelemetrySettings(exporter="otlp", endpoint=f"http://127.0.0.1:{there.port}")
        telemetry = Telemetry(settings, clock=asyncio.get_running_loop().time)
        talk(telemetry)
        await telemetry.aclose()
        assert not there.released.is_set()
        assert there.spans == []


def test_a_process_ends_though_its_collector_hangs():
    program = """
import asyncio, sys
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.telemetry.setup import Telemetry

async def main():
    settings = TelemetrySettings(exporter="otlp", endpoint=sys.argv[1])
    telemetry = Telemetry(settings, clock=asyncio.get_running_loop().time)
    telemetry.start_conversation("talk").end()
    await telemetry.aclose()
    print("closed")

asyncio.run(main())
"""
    with collector() as there:
        there.hangs = True
        command = [sys.executable, "-c", program, f"http://127.0.0.1:{there.port}"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=25, check=True)
    assert ended.stdout == "closed\n"


async def test_an_exporter_that_fails_is_one_warning_and_the_turns_go_on():
    class Broken(SpanExporter):
        def export(self, spans):
            raise OSError(28, "No space left on device")

    lines = []
    telemetry = Telemetry(
        TelemetrySettings(exporter="json"),
        clock=asyncio.get_running_loop().time,
        warn=lines.append,
        exporter=Broken(),
    )
    talk(telemetry)
    await telemetry.aclose()
    assert len(lines) == 1
    assert "the conversation goes on" in lines[0]


async def test_an_exporter_that_fails_at_the_end_is_one_warning_too():
    class Broken(SpanExporter):
        def export(self, spans):
            return None

        def shutdown(self):
            raise RuntimeError("never again")

    lines = []
    telemetry = Telemetry(
        TelemetrySettings(), clock=asyncio.get_running_loop().time, warn=lines.append, exporter=Broken()
    )
    await telemetry.aclose()
    assert len(lines) == 1
    assert "never again" in lines[0]


async def test_a_file_that_cannot_be_opened_is_one_line(tmp_path):
    with pytest.raises(TelemetryError, match=r"telemetry.file: .*: Is a directory; name another file"):
        Telemetry(TelemetrySettings(exporter="json", file=tmp_path), clock=asyncio.get_running_loop().time)


async def test_a_missing_ca_is_one_line(tmp_path):
    settings = TelemetrySettings(exporter="otlp", endpoint="https://lab:4317", ca=tmp_path / "no.crt")
    with pytest.raises(TelemetryError, match=r"telemetry.ca: .*no.crt: No such file"):
        Telemetry(settings, clock=asyncio.get_running_loop().time)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4317", "http://localhost:4317", "http://[::1]:4317"])
def test_clear_text_is_for_this_machine(endpoint):
    assert TelemetrySettings(endpoint=endpoint).endpoint == endpoint


def test_clear_text_to_another_machine_must_be_asked_for():
    with pytest.raises(ValidationError, match="use https://"):
        TelemetrySettings(endpoint="http://collector.lab:4317")
    assert TelemetrySettings(endpoint="http://collector.lab:4317", insecure=True).insecure


@pytest.mark.parametrize(
    "wrong",
    [{"exporter": "jaeger"}, {"metrics_port": -1}, {"endpoint": "lab:4317"}, {"endpoint": "https://a?b"}, {"por": 1}],
)
def test_wrong_values_are_refused(wrong):
    with pytest.raises(ValidationError):
        TelemetrySettings(**wrong)


def test_stages_become_ranges_that_may_overlap():
    log = []

    class Library:
        def start_range(self, message, domain):
            log.append(("start", message, domain))
            return message

        def end_range(self, handle):
            log.append(("end", handle))

    mark = _ranges(Library())
    first, second = mark("asr"), mark("llm")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert log == [("start", "asr", "sophia"), ("start", "llm", "sophia"), ("end", "asr"), ("end", "llm")]


def test_a_stage_needs_no_profiler():
    with stage("asr"), stage("asr"):
        pass


def test_what_was_kept_back_was_not_said(monkeypatch):
    logger, said = logging.getLogger(OTLPExporterMixin.__module__), []
    monkeypatch.setattr(logger, "handle", lambda record: said.append(record) if logger.filter(record) else None)
    with otlp._quiet(True):
        logger.error("nobody takes it, attempt 1")
    assert not said
    logger.error("nobody takes it, attempt 1")
    assert len(said) == 1


async def test_a_viewer_of_traces_takes_no_metrics_and_that_is_said_once():
    server = grpc.server(ThreadPoolExecutor(2))
    servicer = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    settings = TelemetrySettings(exporter="otlp", endpoint=f"http://127.0.0.1:{port}")
    for _ in range(5):  # closing waits for a bounded time, in which a busy machine may get no answer
        for known in logging.getLogger(OTLPExporterMixin.__module__).filters:
            vars(known).pop("last_log", None)  # the SDK says nothing twice in 20 s, whichever test it was
        lines = []
        telemetry = Telemetry(settings, clock=asyncio.get_running_loop().time, warn=lines.append)
        talk(telemetry)
        await telemetry.aclose()
        if lines:
            break
    server.stop(None)
    assert {"conversation", "turn"} <= {span.name for span in servicer.spans}
    assert lines == [f"http://127.0.0.1:{port} takes spans but no metrics; /metrics has them (telemetry.metrics_port)"]


async def test_a_password_in_the_endpoint_is_sent_as_a_header_and_told_nobody(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=lab")
    with collector() as there:
        endpoint = f"http://user:hunter%402@127.0.0.1:{there.port}"
        telemetry = Telemetry(
            TelemetrySettings(exporter="otlp", endpoint=endpoint), clock=asyncio.get_running_loop().time
        )
        talk(telemetry)
        await telemetry.aclose()
    sent = [dict(metadata) for metadata in there.metadata]
    assert sent
    assert {one["authorization"] for one in sent} == {f"Basic {base64.b64encode(b'user:hunter@2').decode()}"}
    assert {one["x-tenant"] for one in sent} == {"lab"}


@pytest.mark.parametrize(
    "headers", ["hunter2", "authorization Basic hunter2", "authorization=Basic;hunter2,x-key=\x07hunter2"]
)
async def test_a_warning_about_the_collectors_headers_holds_none(headers, monkeypatch, caplog, capsys):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    lines = []
    with collector() as there:
        settings = TelemetrySettings(exporter="otlp", endpoint=f"http://127.0.0.1:{there.port}")
        telemetry = Telemetry(settings, clock=asyncio.get_running_loop().time, warn=lines.append)
        talk(telemetry)
        await telemetry.aclose()
    assert len(lines) == 1
    assert "Header format invalid" in lines[0]
    assert "hunter2" not in "".join([*lines, caplog.text, *capsys.readouterr()])


def test_a_password_is_not_sent_in_the_clear_to_another_machine():
    with pytest.raises(ValidationError, match="credentials are only sent over TLS"):
        TelemetrySettings(endpoint="http://user:hunter2@collector.lab:4317", insecure=True)
