"""The rules that every stream of events keeps, whatever a client and a conversation do."""

import json

from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from pipelines.server.realtime.schema import OURS

VALID = TypeAdapter(RealtimeServerEvent)

OF_A_RESPONSE = ("response.output_audio.delta", "response.output_audio_transcript.delta")
BEGIN = ("response.output_item.added", "conversation.item.added", "response.content_part.added")
LAST = ("response.content_part.done", "conversation.item.done", "response.output_item.done", "response.done")
ENDS = ("response.output_audio.done", "response.output_audio_transcript.done", *LAST)
WRITTEN_ENDS = ("response.output_text.done", *LAST)
CALL = (
    "conversation.item.added", "response.function_call_arguments.delta", "response.function_call_arguments.done",
    "conversation.item.done", "response.output_item.done",
)  # fmt: skip


class Aside:
    """Responses beside the conversation, one at a time: the same life, and nothing of it in the conversation's list."""

    def __init__(self):
        self.response, self.step, self.text = None, 0, ""

    def takes(self, event):
        """Judges an event of such a response; false for any other."""
        kind, response = event["type"], event.get("response", {})
        if kind == "response.created" and "conversation_id" not in response:
            assert self.response is None, "one at a time"
            self.response, self.text = response["id"], ""
            self.written = response["output_modalities"] == ["text"]
            ends = (WRITTEN_ENDS if self.written else ENDS)[:-1]
            self.order = [BEGIN[0], BEGIN[2], None, *(end for end in ends if not end.startswith("conversation")), None]
            return True
        if self.response is None or self.response not in (event.get("response_id"), response.get("id")):
            return False
        if kind.endswith(".delta"):
            assert self.order[0] is None
            if kind != "response.output_audio.delta":
                assert kind.startswith("response.output_text" if self.written else "response.output_audio")
                self.text += event["delta"]
        elif kind == "response.done":
            assert self.order == [None]
            (part,) = response["output"][0]["content"]
            assert part["text" if self.written else "transcript"] == self.text
            self.response = None
        else:
            if self.order[0] is None:
                self.order.pop(0)
            assert self.order.pop(0) == kind
        return True


class Rules:
    """Told every batch of events in order; ``over`` says that the conversation has ended.

    ``may_call``: the client brings tools, so that a response may have no word.
    """

    def __init__(self, may_call=False):
        self.may_call = may_call
        self.ids = set()
        self.extensions = set()
        self.order = []  # the items, as a client would line them up
        self.added, self.done, self.gone = set(), set(), set()
        self.response = None
        self.responses, self.ended = set(), set()
        self.silenced = None  # the response that ran when speech was told of
        self.text = ""
        self.expected = ()
        self.started, self.stopped, self.committed, self.completed = [], [], [], {}
        self.deltas = {}
        self.aside = Aside()
        self.output, self.finished, self.calls, self.called = [], {}, {}, set()
        self.detection = {}
        self.triggered = None
        self.sounding, self.by_track = None, False  # the response whose sound goes by a track just now

    def batch(self, events):
        for event in events:
            self.event(event)
        interrupts = self.detection and self.detection["interrupt_response"]
        assert not interrupts or not self.silenced or self.response != self.silenced, (
            "a client told of speech has thrown her sound away"
        )
        self.silenced = None
        assert not self.expected, f"{self.expected[0]} is missing"

    def over(self):
        assert self.response is None
        assert self.aside.response is None
        assert self.sounding is None
        assert self.added == self.done
        assert self.started == self.stopped
        assert set(self.committed) == set(self.completed)

    def event(self, event):
        kind = event["type"]
        assert self.triggered is None or kind.startswith("sophia.") or kind == "input_audio_buffer.committed"
        assert event["event_id"] not in self.ids
        self.ids.add(event["event_id"])
        if kind.startswith("sophia."):
            assert OURS[kind][0] in self.extensions
        else:
            found = VALID.validate_python(event, strict=True)
            assert found.type == kind
        if self.aside.takes(event):
            return
        if kind in ("session.created", "session.updated"):
            self.extensions = set(event["session"]["extensions"])
            self.may_call |= bool(event["session"].get("tools"))
            self.detection = event["session"]["audio"]["input"]["turn_detection"]
        if (response_id := event.get("response_id")) and kind != "output_audio_buffer.stopped":
            assert response_id == self.response, f"{kind} belongs to no running response"
        if self.expected == BEGIN and kind == "response.done":  # it was called off before it began
            assert event["response"]["output"] == []
            self.expected = ()
        elif self.expected:
            assert kind == self.expected[0]
            self.expected = self.expected[1:]
        elif kind in ENDS[:1]:
            self.expected = ENDS[1:]
        elif kind == WRITTEN_ENDS[0]:
            self.expected = LAST
        elif kind == "response.created":
            self.expected = () if self.may_call else BEGIN
        getattr(self, "on_" + kind.replace(".", "_"), lambda event: None)(event)

    # Items

    def on_conversation_item_added(self, event):
        name, previous = event["item"]["id"], event["previous_item_id"]
        assert name not in self.added
        self.added.add(name)
        assert previous is None or previous in self.order
        at = 0 if previous is None else self.order.index(previous) + 1
        item = event["item"]
        hers = item.get("role") == "assistant" and item["status"] == "in_progress"
        said = item["type"] == "message" and (hers or item["content"][0]["type"] == "input_audio")
        if said or name in self.calls:
            assert at == len(self.order), "what is said, and what is called, comes last"
        self.order.insert(at, name)

    def on_conversation_item_done(self, event):
        name = event["item"]["id"]
        assert name in self.added
        assert name not in self.done
        self.done.add(name)
        if name in self.order and (at := self.order.index(name)):
            assert event["previous_item_id"] == self.order[at - 1]

    def on_conversation_item_deleted(self, event):
        self.order.remove(event["item_id"])
        if event["item_id"] in self.done:  # a client may give its id again
            self.added.discard(event["item_id"])
            self.done.discard(event["item_id"])

    def on_conversation_item_truncated(self, event):
        assert event["item_id"] in self.added
        heard = event["sophia"]["heard"]
        assert event["audio_end_ms"] >= 0
        assert isinstance(heard, str)

    def on_sophia_resume_restored(self, event):
        assert not self.order, "before everything else"
        self.order = list(event["item_ids"])
        self.added |= set(self.order)
        self.done |= set(self.order)

    def on_conversation_item_retrieved(self, event):
        assert event["item"]["id"] in self.order

    # The user

    def on_input_audio_buffer_speech_started(self, event):
        assert self.started == self.stopped, "one utterance at a time"
        assert event["item_id"] not in self.started
        self.started.append(event["item_id"])
        self.since, self.silenced = event["audio_start_ms"], self.response

    def on_input_audio_buffer_speech_stopped(self, event):
        assert self.started[-1] == event["item_id"]
        self.stopped.append(event["item_id"])
        assert self.started == self.stopped
        assert event["audio_end_ms"] >= self.since

    def on_input_audio_buffer_committed(self, event):
        name = event["item_id"]
        assert name in (self.triggered, *self.stopped[-1:]) or (self.detection is None and name not in self.started)
        self.triggered = None
        assert event["previous_item_id"] == (self.order[-1] if self.order else None)
        self.committed.append(event["item_id"])

    def on_input_audio_buffer_timeout_triggered(self, event):
        assert self.response is None
        assert event["audio_end_ms"] >= event["audio_start_ms"]
        self.triggered = event["item_id"]

    def on_conversation_item_input_audio_transcription_delta(self, event):
        name = event["item_id"]
        assert name in self.started or name in self.committed
        assert name not in self.completed
        assert event["delta"]
        self.deltas[name] = self.deltas.get(name, "") + event["delta"]

    def on_conversation_item_input_audio_transcription_completed(self, event):
        name, transcript = event["item_id"], event["transcript"]
        assert name in self.committed
        assert name not in self.completed
        self.completed[name] = transcript
        told = self.deltas.get(name, "")
        assert told == transcript or not transcript.startswith(told), "what was told goes on, unless it was wrong"

    # Her

    def on_output_audio_buffer_started(self, event):
        assert self.sounding is None
        assert not self.written
        self.sounding, self.by_track = event["response_id"], True

    def on_output_audio_buffer_cleared(self, event):
        assert self.sounding == event["response_id"]
        self.sounding = None

    def on_output_audio_buffer_stopped(self, event):
        assert self.response is None, "it stops behind the end of its response"
        assert self.sounding == event["response_id"]
        self.sounding = None

    def on_response_created(self, event):
        assert self.response is None, "one response at a time"
        assert self.sounding is None
        self.response, self.text = event["response"]["id"], ""
        self.output, self.finished = [], {}
        self.written = event["response"]["output_modalities"] == ["text"]
        assert self.response not in self.responses
        self.responses.add(self.response)
        assert set(self.committed) == set(self.completed), "the question is told before the answer"

    def on_response_output_audio_transcript_delta(self, event):
        assert event["delta"]
        self.text += event["delta"]

    def on_response_content_part_added(self, event):
        assert event["part"]["type"] == ("text" if self.written else "audio")

    def on_response_output_audio_delta(self, event):
        assert not self.written
        assert not self.by_track

    def on_response_output_text_delta(self, event):
        assert event["delta"]
        assert self.written
        self.text += event["delta"]

    def on_response_output_text_done(self, event):
        assert self.written
        assert event["text"] == self.text

    def on_response_output_audio_transcript_done(self, event):
        assert not self.written
        assert event["transcript"] == self.text

    def on_response_content_part_done(self, event):
        assert event["part"]["text" if self.written else "transcript"] == self.text

    def on_response_output_item_added(self, event):
        item = event["item"]
        assert item["status"] == "in_progress", "some clients run a tool at any item that is completed"
        assert event["output_index"] == len(self.output)
        self.output.append(item["id"])
        if item["type"] == "message":
            self.expected = ("conversation.item.added", "response.content_part.added")
        else:
            assert item["call_id"] not in self.called, "each call has an id of its own"
            self.called.add(item["call_id"])
            self.calls[item["id"]] = item["call_id"], item["name"]
            self.expected = CALL

    def on_response_function_call_arguments_done(self, event):
        assert self.calls[event["item_id"]] == (event["call_id"], event["name"])
        assert self.output[event["output_index"]] == event["item_id"]
        assert isinstance(json.loads(event["arguments"]), dict)

    def on_response_output_item_done(self, event):
        assert self.output[event["output_index"]] == event["item"]["id"]
        self.finished[event["item"]["id"]] = event["item"]
        if event["item"]["type"] == "message":
            (part,) = event["item"]["content"]
            assert part["type"] == ("output_text" if self.written else "output_audio")
            assert part["text" if self.written else "transcript"] == self.text
        else:
            assert event["item"]["status"] == "completed"

    def on_response_done(self, event):
        response = event["response"]
        assert response["id"] == self.response
        assert response["status"] != "in_progress"
        assert (response["status"] in ("cancelled", "incomplete")) == ("reason" in response["status_details"])
        assert (response["output_modalities"] == ["text"]) == self.written
        assert response["output"] == [self.finished[name] for name in self.output]
        self.response = None
        self.ended.add(response["id"])
