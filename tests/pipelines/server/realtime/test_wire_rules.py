"""Whatever a client and a conversation do, in any order: the stream of events keeps its rules, and nothing raises."""

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st
from turn_events import SETTINGS
from wire_rules import Rules
from wire_talk import OFFSET, RATE, Talk, counting, timed

from pipelines.conversation.events import ClauseSkipped, DeviceLost, LimitReached, Retrying, TextTyped
from pipelines.server.realtime.schema import EXTENSIONS
from pipelines.server.realtime.wire import Wire
from sophia.events import (
    AnswerRequested,
    CancelRequested,
    CommitRequested,
    EarsBack,
    EarsLost,
    Failed,
    HoldStarted,
    SayRequested,
    Stopped,
)
from sophia.turn_settings import TurnSettings

TEXTS = st.sampled_from(
    ["", "mhm", "where is my order", "and", "stop", "the blue box", "where is my brother", "Yes.", ".", "7 × 23?"]
)
CONVERSATION = (
    "start", "start", "stop", "stop", "partial", "stable", "final", "final", "wait", "wait", "sound", "sound", "words",
    "end", "end", "typed", "cancel", "commit", "say", "hold", "llm fails", "tts fails", "again", "face fails", "deaf",
    "hears", "skipped", "lost", "asks", "asks", "asks", "answers", "answers", "answers", "breaks in", "breaks in",
    "types", "types", "over her", "answer", "calls", "calls", "calls alone",
    "limit", "aside", "aside", "aside over",
)  # fmt: skip
CLIENT = (
    "session.update", "input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.clear",
    "conversation.item.create", "conversation.item.create", "conversation.item.retrieve", "conversation.item.truncate",
    "conversation.item.delete", "response.create", "response.create", "response.cancel", "sophia.say",
    "sophia.playout.position", "sophia.microphone", "sophia.consent", "output_audio_buffer.clear",
    "no.such.event", "tool.output", "tool.output", "tool.call",
)  # fmt: skip

DETECTIONS = (
    None,
    {"type": "server_vad"},
    {"type": "semantic_vad", "create_response": True, "interrupt_response": True},
    {"type": "server_vad", "silence_duration_ms": 200, "idle_timeout_ms": 5_000},
    {"create_response": False},
    {"type": "semantic_vad", "eagerness": "low", "interrupt_response": False},
    {"type": "server_vad", "create_response": False, "interrupt_response": False},
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


NUMBERS = st.sampled_from(["type", "threshold", "silence_duration_ms", "idle_timeout_ms", "eagerness", "x"])


class Guest:
    """A client that mostly makes sense: it refers to items that it was told of."""

    def __init__(self, talk, draw):
        self._talk, self._draw = talk, draw

    def event(self, kind, number, text):
        known = [event["item"]["id"] for event in self._talk.events if event["type"] == "conversation.item.added"]
        item = known[number % len(known)] if known and number % 5 else f"item-{number % 3}"
        match kind:
            case "session.update":
                wished = [name for at, name in enumerate(EXTENSIONS) if number >> at & 1]
                kind = "transcription" if number % 10 == 9 else "realtime"
                session = {"type": kind, "extensions": wished, "instructions": text, "odd": number}
                if number % 2:
                    session["tools"] = [{"type": "function", "name": f"t{n}"} for n in range(number % 4)]
                    session["tool_choice"] = "required" if number % 5 else {"type": "function", "name": "t0"}
                if number % 3 == 1:
                    session["audio"] = {"input": {"turn_detection": DETECTIONS[number % len(DETECTIONS)]}}
                if number % 4 == 0:
                    session["output_modalities"] = ["text"] if number % 8 else ["audio"]
                if number % 5 == 0:
                    session["max_output_tokens"] = number or "inf"
                if number % 3 == 0:
                    session["audio"] = {
                        "output": {"format": {"type": ["audio/pcm", "audio/pcmu", "audio/pcma"][number % 9 // 3]}}
                    }
                return {"session": session}
            case "tool.output":
                output = {"type": "function_call_output", "call_id": f"call_{number % 5}", "output": text}
                return {"type": "conversation.item.create", "item": output}
            case "tool.call":
                call = {"type": "function_call", "call_id": f"old_{number % 5}", "name": "now", "arguments": "{}"}
                return {"type": "conversation.item.create", "item": call}
            case "input_audio_buffer.append":
                return {"audio": "A" * (number % 12)}
            case "conversation.item.create":
                role = "system" if number % 4 == 0 else "assistant" if number % 5 == 0 else "user"
                content = [{"type": "output_text" if role == "assistant" else "input_text", "text": text}]
                places = {0: {}, 1: {"previous_item_id": item}, 2: {"previous_item_id": "root"}}[number % 3]
                name = {"id": item} if number % 2 else {}
                return {"item": {"type": "message", "role": role, "content": content, **name}, **places}
            case "conversation.item.truncate" | "sophia.playout.position":
                at = (number - 10) * 97.3
                return {"item_id": item, "content_index": 0, "audio_end_ms": at, "audio_ms": at, "face": {"late": at}}
            case "conversation.item.retrieve" | "conversation.item.delete":
                return {"item_id": item}
            case "response.create":
                response = {"metadata": {"n": str(number)}, "instructions": text}
                if number % 3 == 0:
                    response["tools"] = [{"type": "function", "name": "now"}]
                if number % 5 == 0:
                    response["output_modalities"] = [["text"], ["audio"]][number % 2]
                if number % 3 == 2:
                    part = {"type": "input_text", "text": text}
                    said = {"type": "message", "role": "user", "content": [part]}
                    response |= {
                        "conversation": "none",
                        "input": [said, {"type": "item_reference", "id": item}][: number % 4],
                    }
                if number % 7 == 0:
                    response["max_output_tokens"] = 1 + number
                return {"response": response} if number % 2 else {}
            case "response.cancel":
                aside = self._talk.wire.asides.response
                if aside and number % 3 == 0:
                    return {"response_id": aside.id}
                return {"response_id": "resp_0"} if number % 7 == 0 else {}
            case "sophia.say":
                return {"text": text}
            case _:
                return {"muted": bool(number % 2)}


def happen(talk, kind, text, number):
    now, generation = talk.now, max(0, talk.generation - number % 2)
    gone = RuntimeError("gone")
    match kind:
        case "start":
            talk.starts()
        case "stop":
            talk.stops()
        case "asks":
            talk.asks(text or "hello")
        case "answers":
            talk.writes().sounds(number / 20).wait(number / 40)
        case "breaks in":
            talk.starts().wait(0.3).says(text, final=number % 2 == 0, stable=True).wait(0.2)
        case "over her":
            talk.voice(number / 40).says(text).wait(1.0)
        case "calls" | "calls alone":
            talk.calls(alone=kind == "calls alone")
        case "types":
            talk.types_message(text or "hello")
        case "partial" | "stable" | "final":
            talk.says(text, final=kind == "final", stable=kind == "stable")
        case "sound":
            talk.sounds(number / 20)
        case "words":
            talk.writes(number)
        case "end":
            talk.ends()
        case "typed":
            talk.tell(TextTyped(at=now, text=text))
        case "cancel":
            talk.tell(CancelRequested(at=now))
        case "commit":
            talk.tell(CommitRequested(at=now))
        case "answer":
            talk.tell(AnswerRequested(at=now))
        case "say":
            talk.tell(SayRequested(at=now, text=text))
        case "hold":
            talk.tell(HoldStarted(at=now, generation=generation))
        case "llm fails" | "tts fails" | "face fails" | "again":
            service = "llm" if kind == "again" else kind.split()[0]
            talk.tell(Failed(at=now, service=service, error=gone, generation=generation, again=kind == "again"))
        case "aside":
            asides = talk.wire.asides
            if asides.response and asides.response.written:
                talk.sent.append(asides.wrote(text or "so"))
            elif asides.response:
                talk.sent += [asides.words(timed("so it is")), asides.sound(0, bytes(9_600))]
        case "aside over":
            failed = number % 3 == 0
            ended = "failed" if failed else "incomplete" if number % 3 == 1 else "completed"
            talk.sent.append(talk.wire.asides.over(ended, ("llm", "gone") if failed else None))
        case "limit":
            talk.tell(LimitReached(at=now, generation=generation))
        case "deaf":
            talk.tell(EarsLost(at=now, error=gone))
        case "hears":
            talk.tell(EarsBack(at=now))
        case "skipped":
            talk.tell(ClauseSkipped(at=now, generation=generation, text=text, error=gone))
        case "lost":
            talk.tell(DeviceLost(at=now, service="speaker", error=gone))
            talk.tell(Retrying(at=now, service="tts", error=gone, seconds=0.1))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(CONVERSATION * 2 + CLIENT),
        st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.6]) | st.floats(0.0, 2.0),
        TEXTS,
        st.integers(0, 40),
    ),
    min_size=8,
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(
    st.just(TurnSettings()) | SETTINGS, STEPS, st.sampled_from(["talks", "watches", "calls"]), st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_any_conversation_with_any_client_keeps_the_rules(chosen, steps, role, instructions, extended):
    wire = Wire(
        began=OFFSET, voice_rate=RATE, ids=counting(), watch=role == "watches", tracks=role == "calls",
        instructions=instructions,
        extensions=EXTENSIONS if extended else (),
    )  # fmt: skip
    talk = Talk(chosen, wire)
    guest = Guest(talk, None)
    for kind, gap, text, number in steps:
        talk.wait(gap)
        if kind in CLIENT:
            talk.message({"type": kind, "event_id": f"client_{number}"} | guest.event(kind, number, text))
        else:
            happen(talk, kind, text, number)
    talk.stops()
    for _ in range(20):
        talk.wait(20.0).ends()
    talk.tell(Stopped(at=talk.now))
    talk.sent.append(talk.wire.asides.over("cancelled"))
    rules = Rules(may_call=True)
    for batch in talk.sent:
        rules.batch(batch)
        json.dumps(batch, allow_nan=False)
    rules.over()
    assert rules.called == talk.told_of, "each call that was told, and no other, is on the wire"


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_a_client_sends_is_answered_or_ignored_and_never_raises(data):
    talk = Talk().asks().writes().sounds(0.7)
    kinds = st.sampled_from(CLIENT) | st.text(max_size=5)
    names = st.sampled_from(
        ["session", "item", "item_id", "previous_item_id", "audio", "audio_end_ms", "audio_ms", "response", "text",
         "response_id", "content_index", "muted", "event_id", "face", "buffered_ms", "underruns"]
    )  # fmt: skip
    items = [event["item"]["id"] for event in talk.events if "item" in event]
    values = JSON | st.sampled_from(items) | st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["message", "realtime", "function_call", "function_call_output"]) | JSON,
            "call_id": st.sampled_from(["call_1", "old"]) | JSON, "name": st.just("now") | JSON, "output": JSON,
            "arguments": st.just("{}") | JSON,
            "tools": st.lists(
                st.fixed_dictionaries(
                    {"type": st.just("function")},
                    optional={"name": st.just("now") | JSON, "parameters": JSON, "description": JSON},
                )
            ) | JSON,
            "tool_choice": st.sampled_from(["auto", "none", "required"]) | JSON,
            "role": st.sampled_from(["user", "system", "assistant"]) | JSON,
            "id": st.sampled_from(items) | JSON,
            "content": st.lists(st.fixed_dictionaries({"type": st.just("input_text"), "text": JSON})) | JSON,
            "audio": st.dictionaries(st.sampled_from(["input", "output"]), JSON) | JSON,
            "metadata": JSON, "input": JSON, "conversation": JSON, "extensions": JSON, "instructions": JSON,
            "sophia": st.fixed_dictionaries({"lead_ms": JSON}) | JSON,
            "turn_detection": st.sampled_from(DETECTIONS) | st.dictionaries(NUMBERS, JSON) | JSON,
        },
    )  # fmt: skip
    known = st.dictionaries(names, values, max_size=5).flatmap(
        lambda fields: kinds.map(lambda kind: {**fields, "type": kind})
    )
    rules = Rules()
    for _ in range(data.draw(st.integers(1, 6))):
        talk.message(data.draw(known | JSON))
    for batch in talk.sent:
        rules.batch(batch)
    for wish in talk.wishes:
        if samples := getattr(wish, "samples", None):
            assert math.isfinite(samples)
