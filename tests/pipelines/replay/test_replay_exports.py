"""The exports: the same bytes each time, spans that a collector takes, a table that no spreadsheet obeys."""

import base64
import csv
import io
import json

import pytest
from export_runs import HOSTILE, PARTS, a_run, a_turn, any_run, from_ledger
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from pipelines.records.results import Happened, Run
from pipelines.replay.exports import otlp
from pipelines.replay.exports.ledgers import ledger_of
from pipelines.replay.exports.otlp import otlp_lines
from pipelines.replay.exports.turns_csv import COLUMNS, turns_csv
from pipelines.replay.exports.write import write_exports
from pipelines.telemetry import names
from pipelines.telemetry.ledger import CHAIN, CONTRIBUTIONS, VOICE_END, Ledger

BEGAN = 1_795_341_600 * 10**9  # 2026-11-22T10:00:00Z


def received(run):
    """The spans of the file, read as a collector does: OTLP's JSON has its ids in hexadecimal."""
    spans = []
    for line in otlp_lines(run):
        request = json.loads(line)
        for resource in request["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    for holder in (span, *span.get("links", ())):
                        for id in {"traceId", "spanId", "parentSpanId"} & set(holder):
                            holder[id] = base64.b64encode(bytes.fromhex(holder[id])).decode()
        parsed = ParseDict(request, ExportTraceServiceRequest())
        spans += [span for one in parsed.resource_spans for scope in one.scope_spans for span in scope.spans]
    return spans


def of(span):
    """Its attributes."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


def seconds(span):
    return (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9


def test_the_same_run_makes_the_same_bytes_and_reads_back(tmp_path):
    run = a_run(a_turn(name=HOSTILE), a_turn(line=1))
    first = write_exports(tmp_path / "a/b", run)
    assert [file.name for file in first] == ["run.json", "turns.csv", "otlp.jsonl", "trace.json"]
    again = write_exports(tmp_path / "c", Run.model_validate_json(first[0].read_text(encoding="utf-8")))
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in first]
    assert Run.model_validate_json(first[0].read_text(encoding="utf-8")) == run
    assert sorted(file.name for file in (tmp_path / "c").iterdir()) == sorted(file.name for file in again)


def test_spans_are_the_loops_own_and_add_up_to_voice_to_voice():
    spans = received(a_run())
    by_name = {span.name: span for span in spans}
    assert set(by_name) == {
        "conversation", "turn", *CONTRIBUTIONS, "face", "speaking",
    }  # fmt: skip
    assert not by_name["conversation"].parent_span_id
    assert not by_name["turn"].parent_span_id
    assert [link.span_id for link in by_name["turn"].links] == [by_name["conversation"].span_id]
    for name in set(by_name) - {"conversation", "turn"}:
        assert by_name[name].parent_span_id == by_name["turn"].span_id
    assert {span.trace_id for span in spans} == {by_name["turn"].trace_id, by_name["conversation"].trace_id}
    critical = [by_name[name] for name in CONTRIBUTIONS]
    assert all(of(span)[names.CRITICAL] for span in critical)
    assert sum(map(seconds, critical)) == pytest.approx(of(by_name["turn"])[names.VOICE_TO_VOICE], abs=1e-6)
    assert of(by_name["turn"])[names.VOICE_TO_VOICE] == pytest.approx(sum(PARTS.values()), abs=1e-6)
    assert of(by_name["llm"])[names.LLM_MODEL] == "nova"
    assert of(by_name["tts"])[names.VOICE] == "slt"
    assert by_name["capture"].start_time_unix_nano == pytest.approx(BEGAN + 2.3e9, abs=2)


def test_a_failed_turn_has_the_status_of_an_error():
    fault = Happened(at=2.3, kind="llm", reason="Nova did not answer within 5 s")
    lost = {"outcome": "missed", "voice_to_voice": None, "contributions": {}, "marks": {"voice_start": 0.3}}
    spans = {span.name: span for span in received(a_run(a_turn(**lost, faults=(fault,))))}
    assert spans["turn"].status.code == Status.STATUS_CODE_ERROR
    assert of(spans["turn"])[names.SERVICE_AT_FAULT] == "llm"
    assert [event.name for event in spans["turn"].events] == ["decision", "decision", "fault"]
    assert spans["turn"].events[2].time_unix_nano == BEGAN + 2_800_000_000


def test_what_was_said_is_in_spans_only_if_the_settings_say_so():
    run = a_run(a_turn(transcript="my secret", heard="my secret", reply="your secret", reason="quotes 'secret'"))
    assert "secret" not in "".join(otlp_lines(run))
    told = run.model_copy(update={"config": {**run.config, "telemetry": {"capture_content": True}}})
    assert "my secret" in "".join(otlp_lines(told))
    assert "your secret" in "".join(otlp_lines(told))


def test_a_conversation_is_a_talk_played_once():
    run = a_run(a_turn(), a_turn(line=1, at=8.0), a_turn(round=1, at=16.0), a_turn(session=1))
    spans = received(run)
    conversations = [span for span in spans if span.name == "conversation"]
    assert len({span.trace_id for span in conversations}) == len(conversations) == 3
    assert len({span.span_id for span in spans}) == len(spans)
    other_day = {"environment": {"date": "2026-11-23T10:00:00Z"}}
    later = {span.trace_id for span in received(a_run(*run.turns, **other_day))}
    assert not later & {span.trace_id for span in spans}


def test_a_long_talk_takes_several_lines(monkeypatch):
    monkeypatch.setattr(otlp, "MOST_SPANS", 7)
    run = a_run(*(a_turn(line=i, at=8.0 * i) for i in range(3)))
    assert len(list(otlp_lines(run))) == 6  # 37 spans
    assert len({span.trace_id for span in received(run)}) == 1 + len(run.turns)


@settings(max_examples=30)
@given(any_run)
def test_whatever_the_run_holds_a_collector_can_read_it(run):
    spans = received(run)
    ids = {span.span_id for span in spans}
    assert all(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in spans)
    assert all(span.parent_span_id in ids or span.name in ("conversation", "turn") for span in spans)
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in spans)
    assert sum(span.name == "turn" for span in spans) == len(run.turns)


def test_the_environment_does_not_change_the_spans(monkeypatch):
    before = list(otlp_lines(a_run()))
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=secret")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "0")
    assert list(otlp_lines(a_run())) == before


@given(
    st.dictionaries(st.sampled_from(sorted(CHAIN)), st.floats(-1, 3)),
    st.floats(0, 1000),
    st.floats(0.1, 5),
    st.floats(0, 0.02),
)
def test_a_ledger_that_went_through_the_record_has_its_contributions(marks, at, end, capture):
    ledger = Ledger(1)
    ledger.marks.update({name: at + end + time for name, time in marks.items()})
    ledger.marks |= {VOICE_END: at + end, "captured": at + end + capture, "played": at + end + 3}
    found = ledger_of(from_ledger(ledger, at, (0.0, end))).contributions()
    assert found == pytest.approx(ledger.contributions(), abs=1e-6)


def rows(run):
    return list(csv.DictReader(io.StringIO(turns_csv(run))))


def test_the_table_has_a_row_a_turn_and_a_column_a_contribution():
    (row,) = rows(a_run(simulated="exact"))
    assert tuple(row) == COLUMNS
    assert {stage: float(row[stage]) for stage in CONTRIBUTIONS} == PARTS
    assert float(row["voice_to_voice"]) == pytest.approx(sum(PARTS.values()) + 0.0004)
    assert (row["voiced_start"], row["voiced_end"], row["simulated"]) == ("0.3", "1.8", "exact")
    assert (row["outcome"], row["line"], row["barge_in"], row["as_expected"]) == ("answered", "0", "", "")


def test_the_header_is_the_same_for_every_run():
    missed = a_turn(outcome="missed", voice_to_voice=None, contributions={}, voiced=None, as_expected=False)
    text = turns_csv(a_run(missed))
    assert text.splitlines()[0] == turns_csv(a_run()).splitlines()[0]
    (row,) = rows(a_run(missed))
    assert {row[stage] for stage in (*CONTRIBUTIONS, "voiced_start", "voice_to_voice")} == {""}
    assert row["as_expected"] == "false"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", HOSTILE])
def test_no_text_is_taken_for_a_formula(text):
    (row,) = rows(a_run(a_turn(heard=text)))
    assert row["heard"].startswith("'")


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_row_is_a_line_whatever_was_said(heard, reply):
    lines = turns_csv(a_run(a_turn(heard=heard, reply=reply))).splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_a_number_below_zero_stays_a_number():
    (row,) = rows(a_run(a_turn(end_error=-0.004, lip_skew=float("inf"))))
    assert float(row["end_error"]) == -0.004
    assert row["lip_skew"] == ""
