"""Spans are the ledger: parents, times, sums, and no word of what was said unless it is asked for."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pipelines.conversation.events import TurnEnded
from pipelines.conversation.measured import Measured
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.telemetry import names
from pipelines.telemetry.exporters import tracer_provider
from pipelines.telemetry.ledger import CHAIN, CONTRIBUTIONS, Count, Ledger, Outcome
from pipelines.telemetry.setup import Telemetry
from pipelines.telemetry.spans import ConversationSpan, EpochClock, Labels
from sophia.decisions import Announce, Begin, Farewell, Reprompt, Start

MARKS = {
    "voice_start": 8.5,
    "voice_end": 10.0,
    "captured": 10.02,
    "transcript": 10.26,
    "started": 10.261,
    "first_token": 10.30,
    "first_clause": 10.34,
    "first_audio": 10.42,
    "first_frame": 10.45,
    "released": 10.40,
    "played": 10.44,
    "end": 13.0,
}
NOW = 8.0


class Spans:
    """A conversation whose spans are kept in memory."""

    def __init__(self, **changes):
        self._memory = InMemorySpanExporter()
        self._provider = tracer_provider(TelemetrySettings(), self._memory)
        self.epoch = time.time_ns()
        self.conversation = ConversationSpan(
            self._provider.get_tracer("test"),
            EpochClock(lambda: NOW),
            "talk-1",
            Labels(model="nova", provider="triton", language="en-US", voice="slt"),
            capture_content=changes.get("capture_content", False),
        )

    def turn(self, ledger):
        self.conversation.start_turn(ledger.turn, ledger.marks.get("voice_start", NOW)).end(ledger)

    def finished(self):
        self.conversation.end()
        self._provider.force_flush()
        spans = self._memory.get_finished_spans()
        self._provider.shutdown()
        return {span.name: span for span in spans}


def a_turn(marks=MARKS, **fields):
    ledger = Ledger(turn=1, user="what is my secret", reply="Your secret is safe.", heard="Your secret", **fields)
    ledger.marks.update(marks)
    ledger.decide(10.3, "endpoint", "'secret' sounds complete")
    return ledger


def seconds(span):
    return (span.end_time - span.start_time) / 1e9


@pytest.mark.parametrize("decision", [Start, Reprompt, Announce, Farewell])
def test_whatever_she_says_first_in_a_turn_is_said_in_its_trace(decision):
    spans = Spans()
    measured = Measured(span=spans.conversation)
    words = {"text": "hello"} if decision is Start else {}
    measured.told(Begin(at=9.0, turn=1, generation=0, reason="", origin="agent", onset=None))
    measured.told(decision(at=10.0, turn=1, generation=1, reason="", **words))
    assert trace.get_current_span(measured.context(1)).get_span_context().is_valid
    measured.told(TurnEnded(at=12.0, ledger=a_turn()))
    assert measured.context(1) is None
    assert "turn" in spans.finished()


def test_a_turn_is_a_trace_of_its_own_that_links_to_its_conversation():
    spans = Spans()
    spans.turn(a_turn({**MARKS, "barge_in": 11.0, "silenced": 11.2}))
    found = spans.finished()
    assert set(found) == {
        "conversation", "turn", *CONTRIBUTIONS, "face", "speaking", "interruption",
    }  # fmt: skip
    assert found["conversation"].parent is None
    assert found["turn"].parent is None
    assert found["turn"].context.trace_id != found["conversation"].context.trace_id
    assert [link.context.span_id for link in found["turn"].links] == [found["conversation"].context.span_id]
    for name in ("conversation", "turn"):
        assert found[name].attributes[names.CONVERSATION_ID] == found[name].attributes[names.SESSION] == "talk-1"
    for name in set(found) - {"conversation", "turn"}:
        assert found[name].parent.span_id == found["turn"].context.span_id
    assert seconds(found["interruption"]) == pytest.approx(0.2)
    assert seconds(found["speaking"]) == pytest.approx(11.2 - 10.44)


def test_the_critical_path_adds_up_and_leaves_no_gap():
    spans = Spans()
    spans.turn(a_turn())
    found = spans.finished()
    path = [found[name] for name in CONTRIBUTIONS]
    assert all(span.attributes[names.CRITICAL] for span in path)
    assert [span.start_time for span in path[1:]] == [span.end_time for span in path[:-1]]
    assert sum(map(seconds, path)) == pytest.approx(found["turn"].attributes[names.VOICE_TO_VOICE], abs=1e-6)
    assert {name: seconds(found[name]) for name in CONTRIBUTIONS} == pytest.approx(a_turn().contributions(), abs=1e-6)
    assert seconds(found["hold"]) == 0


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(CHAIN)), st.floats(0, 1e6)),
    st.floats(0, 1e6),
    st.floats(0, 30),
)
def test_whatever_the_ledger_holds_the_children_sum_to_voice_to_voice_within_two_milliseconds(marks, end, wait):
    spans = Spans()
    ledger = a_turn({**marks, "voice_end": end, "played": end + wait})
    spans.turn(ledger)
    found = spans.finished()
    critical = [span for span in found.values() if span.attributes.get(names.CRITICAL)]
    assert len(critical) == len(CONTRIBUTIONS)
    assert abs(sum(map(seconds, critical)) - ledger.voice_to_voice) < 0.002


def test_times_are_the_ledgers_on_the_wall_clock():
    spans = Spans()
    spans.turn(a_turn())
    turn = spans.finished()["turn"]
    assert turn.start_time - spans.epoch == pytest.approx((MARKS["voice_start"] - NOW) * 1e9, abs=1e9)
    assert turn.end_time - turn.start_time == pytest.approx((MARKS["end"] - MARKS["voice_start"]) * 1e9, abs=1e3)


def test_nothing_that_was_said_is_in_them_by_default():
    spans = Spans()
    spans.turn(a_turn())
    found = spans.finished()
    everything = "".join(span.to_json() for span in found.values())
    assert "secret" not in everything
    for span in found.values():
        assert not names.CONTENT & set(span.attributes)


def test_what_was_said_is_in_them_if_it_is_asked_for():
    spans = Spans(capture_content=True)
    spans.turn(a_turn())
    found = spans.finished()
    assert found["asr"].attributes[names.TRANSCRIPT] == "what is my secret"
    assert found["speaking"].attributes[names.HEARD] == "Your secret"
    assert found["turn"].events[0].attributes[names.REASON] == "'secret' sounds complete"


def test_half_a_surrogate_pair_costs_no_attribute_on_the_way_to_a_collector(caplog):
    spans = Spans(capture_content=True)
    ledger = a_turn()
    ledger.user = ledger.heard = "half \ud83d"
    ledger.decide(10.3, "endpoint", "half \ud83d")
    ledger.fail(10.4, "tts", "it cannot say “half \ud83d”")
    spans.turn(ledger)
    sent = str(encode_spans(spans.finished().values()))
    for name in (names.TRANSCRIPT, names.HEARD, names.REASON, names.FAULT_LINE):
        assert name in sent
    assert not caplog.records


def test_a_tile_is_no_request_to_a_model():
    spans = Spans()
    ledger = a_turn(outcome=Outcome.REPLIED)
    ledger.count(Count.TOKENS, 5)
    spans.turn(ledger)
    found = spans.finished()
    assert found["llm"].attributes[names.LLM_MODEL] == "nova"
    assert not [span for span in found.values() if names.OPERATION in span.attributes]
    assert not [name for name in found["llm"].attributes if name.startswith("gen_ai.")]
    assert found["turn"].attributes[names.COUNT + "tokens"] == 5
    assert found["turn"].attributes[names.OUTCOME] == "replied"
    assert found["turn"].attributes[names.CONTRIBUTION + "asr"] == pytest.approx(0.24)


def test_a_failed_turn_says_where_it_got_and_what_failed():
    spans = Spans()
    ledger = a_turn({"voice_end": 10.0, "transcript": 10.2, "started": 10.2}, outcome=Outcome.FAILED)
    ledger.fail(12.0, "llm", "Nova does not answer to 'secret'", "silent")
    spans.turn(ledger)
    found = spans.finished()
    assert set(found) == {"conversation", "turn", "capture", "asr", "endpointing"}
    assert found["asr"].attributes[names.CRITICAL] is False
    turn = found["turn"]
    assert turn.status.status_code is StatusCode.ERROR
    assert turn.attributes["error.type"] == "silent"
    told = {names.SERVICE_AT_FAULT: "llm", "error.type": "silent", names.FAULT_COUNT: 1}
    assert dict(turn.events[-1].attributes) == told


@pytest.mark.parametrize(
    ("services", "outcome", "kind"),
    [
        (["llm"], Outcome.BROKEN, "llm's"),
        (["tts", "face"], Outcome.BROKEN, "tts's"),
        (["tts"], Outcome.FAILED, "tts's"),
        (["face"], Outcome.FAILED, "face's"),
        ([], Outcome.FAILED, "part"),
        (["face"], Outcome.REPLIED, None),
        (["tts"], Outcome.REPLIED, None),  # a clause was left out
        (["face"], Outcome.INTERRUPTED, None),
    ],
)
def test_a_turn_that_failed_and_a_reply_that_broke_off_are_errors(services, outcome, kind):
    spans = Spans()
    ledger = a_turn(outcome=outcome)
    for service in services:
        ledger.fail(12.0, service, "It broke.", f"{service}'s")
    spans.turn(ledger)
    turn = spans.finished()["turn"]
    assert turn.status.status_code is (StatusCode.UNSET if kind is None else StatusCode.ERROR)
    assert turn.attributes.get("error.type") == kind


def test_a_failure_that_happens_again_is_counted():
    ledger = a_turn()
    for at in range(1000):
        ledger.fail(12.0 + at, "face", "It broke.", "broken")
    ledger.fail(12.0, "face", "It is silent.", "silent")
    assert [(fault.kind, fault.count) for fault in ledger.faults] == [("broken", 1000), ("silent", 1)]


def test_a_turn_is_live_so_that_rpcs_carry_its_traceparent():
    spans = Spans()
    turn = spans.conversation.start_turn(1, 8.5)
    carrier = {}
    TraceContextTextMapPropagator().inject(carrier, turn.context)
    assert carrier["traceparent"].split("-")[1] == turn.trace_id
    span_id = carrier["traceparent"].split("-")[2]
    turn.end(a_turn())
    assert format(spans.finished()["turn"].context.span_id, "016x") == span_id


def test_without_an_exporter_everything_is_free_and_silent():
    telemetry = Telemetry(TelemetrySettings(), clock=lambda: NOW)
    conversation = telemetry.start_conversation("talk-2")
    turn = conversation.start_turn(1, 8.5)
    assert turn.trace_id == ""
    assert not trace.get_current_span(turn.context).is_recording()
    turn.end(a_turn())
    conversation.end()
