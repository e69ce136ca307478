"""What is said stays out of spans, metrics, the log and standard error, also where services quote it as they fail.

The whole program talks over TLS to a lab whose services repeat in their errors what they were asked to hear or say.
"""
# ruff: noqa: N802 - the methods' names are the protocols'

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from lab import Lab, config, serving
from tritonclient.grpc import service_pb2 as pb

from aurora.wire import audio2face_pb2 as wire
from nova.tensors import raw_bytes
from pipelines.telemetry import names

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]
ROOT = Path(__file__).parents[2]
BITE = ROOT / "tests/data/where_is_my_order.wav"
MARK = "xyzzy"
ANSWER = f"The {MARK} of yours has left the warehouse. It comes tomorrow."
CALLS = {
    "asr": "nvidia.riva.asr.RivaSpeechRecognition/StreamingRecognize",
    "tts": "nvidia.riva.tts.RivaSpeechSynthesis/SynthesizeOnline",
    "face": "nvidia_ace.services.a2f_controller.v1.A2FControllerService/ProcessAudioStream",
}


class Quoting(Lab):
    """Fails in another service each turn, and quotes what was said; ``fails`` names the service by the turn."""

    def __init__(self, *fails: str) -> None:
        super().__init__()
        self.heard = f"where is my {MARK}"
        self.failing = dict(enumerate(fails, 1))
        self.quoted: list[str] = []

    def quotes(self, service: str) -> bool:
        now = self.failing.get(self.turn) == service
        if now:
            self.quoted.append(service)
        return now

    async def StreamingRecognize(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for answer in super().StreamingRecognize(requests, context):
            if self.quotes("asr"):
                self.failing.clear()
                await context.abort(grpc.StatusCode.INTERNAL, f"decoder lost after '{self.heard}'")
            yield answer

    async def ModelStreamInfer(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            if self.quotes("llm"):
                yield pb.ModelStreamInferResponse(error_message=f"prompt too long: <|im_start|>user {self.heard}")
                return
            pieces = [piece + " " for piece in ANSWER.split()]
            for number, piece in enumerate(pieces, 1):
                answer = pb.ModelInferResponse(model_name="nova", id=request.id)
                answer.outputs.add(name="text_output", datatype="BYTES", shape=[1])
                answer.raw_output_contents.append(raw_bytes([piece.encode()]))
                answer.parameters["triton_final_response"].bool_param = number == len(pieces)
                yield pb.ModelStreamInferResponse(infer_response=answer)

    async def SynthesizeOnline(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        said = [request async for request in requests]
        if MARK in said[0].text:
            if self.quotes("tts"):
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"cannot say '{said[0].text}'")
            if self.quotes("silent tts"):
                return

        async def again() -> AsyncIterator[Any]:
            for request in said:
                yield request

        async for answer in super().SynthesizeOnline(again(), context):
            yield answer

    async def ProcessAudioStream(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        if self.quotes("face"):
            async for _ in requests:
                pass
            yield wire.AnimationDataStream(status=wire.Status(code=wire.Status.ERROR, message=f"no face for {MARK}"))
            return
        async for answer in super().ProcessAudioStream(requests, context):
            yield answer


async def talk(lab: Quoting, tmp_path: Path, pki: Path, turns: int, **telemetry: Any) -> dict[str, str]:
    """A talk of so many turns: its spans, metrics, log, standard error and output as text."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = ""
    async with serving(lab, pki) as lab_port:
        made = config(tmp_path, pki, dict.fromkeys(("asr", "llm", "tts", "face"), lab_port))
        content = json.loads(made.read_text())
        content["telemetry"] = {"exporter": "json", "file": "spans.jsonl", "metrics_port": port, **telemetry}
        made.write_text(json.dumps(content))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pipelines.voice_loop", "--config", str(made)),
            *("--reply", "reply.wav", "--json", "turns.jsonl", "--soundbite", *([str(BITE)] * turns)),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SOPHIA_HOME": str(tmp_path / "home")},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        ending = asyncio.create_task(process.communicate())
        while not ending.done():
            with contextlib.suppress(OSError):
                found = await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/metrics", None, 2)
                page = found.read().decode()
            await asyncio.wait({ending}, timeout=0.25)
        output, errors = await ending
    logs = tmp_path / "home/logs/voice_loop.log"
    return {
        "spans": (tmp_path / "spans.jsonl").read_text(),
        "metrics": page,
        "log": logs.read_text() if logs.exists() else "",
        "standard error": errors.decode(),
        "output": output.decode(),
    }


def read(spans: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in spans.splitlines()]


async def test_no_word_leaves_with_an_error(tmp_path: Path, pki: Path) -> None:
    lab = Quoting("llm", "tts", "silent tts", "face", "asr")
    found = await talk(lab, tmp_path, pki, 5)
    assert {"llm", "tts", "silent tts", "face", "asr"} <= set(lab.quoted), found["output"]
    assert MARK in found["output"]  # the screen shows what is said
    for place in ("spans", "metrics", "log", "standard error"):
        assert MARK not in found[place], place
    assert 'sophia_errors_total{service="llm"}' in found["metrics"]
    assert "sophia_reopened_streams_total 1.0" in found["metrics"]
    assert "recognition broke (INTERNAL)" in found["log"]
    spans = read(found["spans"])
    kinds = {(span["name"], span["attributes"]["error.type"]) for span in spans if span["status"] == "error"}
    assert (CALLS["tts"], "INVALID_ARGUMENT") in kinds
    assert (CALLS["tts"], "VoiceError") in kinds
    assert (CALLS["face"], "FaceError") in kinds
    assert (CALLS["asr"], "INTERNAL") in kinds
    assert ("chat nova", "ModelError") in kinds
    assert ("turn", "broken") in kinds
    faults = [event["attributes"] for span in spans for event in span["events"] if event["name"] == names.FAULT]
    assert {("llm", "broken"), ("tts", "rejected"), ("face", "broken")} <= {
        (told[names.SERVICE_AT_FAULT], told[names.ERROR_TYPE]) for told in faults
    }
    for span in spans:
        assert ("error.type" in span["attributes"]) == (span["status"] == "error")
        assert not [event for event in span["events"] if event["name"] == "exception"]
    ledgers = [json.loads(line) for line in (tmp_path / "turns.jsonl").read_text().splitlines()]
    assert sum(ledger["counts"]["reopened_streams"] for ledger in ledgers) == 1


async def test_a_turns_calls_are_its_children_and_hold_what_is_asked_for(tmp_path: Path, pki: Path) -> None:
    lab = Quoting()
    found = await talk(lab, tmp_path, pki, 1, capture_content=True)
    spans = read(found["spans"])
    assert not [span["name"] for span in spans if span["status"] != "unset"], found["output"]
    (turn,) = (span for span in spans if span["name"] == "turn")
    (conversation,) = (span for span in spans if span["name"] == "conversation")
    chats = [span for span in spans if span["name"] == "chat nova" and span["parent_id"] == turn["span_id"]]
    assert turn["links"] == [conversation["trace_id"]]
    (chat,) = chats
    told = chat["attributes"]
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "triton"
    assert told["gen_ai.conversation.id"] == conversation["attributes"]["gen_ai.conversation.id"]
    assert told["gen_ai.usage.output_tokens"] == len(ANSWER.split())
    assert told["server.address"] == "localhost"
    assert told["server.port"] == lab.port
    (system,) = json.loads(told[names.INSTRUCTIONS])
    assert system["content"].startswith("You are Sophia")
    assert json.loads(told[names.INPUT_MESSAGES]) == [
        {"role": "user", "parts": [{"type": "text", "content": lab.heard}]}
    ]
    (answer,) = json.loads(told[names.OUTPUT_MESSAGES])
    assert answer["parts"][0]["content"].split() == ANSWER.split()
    assert (answer["role"], answer["finish_reason"]) == ("assistant", "stop")
    for service, method in CALLS.items():
        calls = [span for span in spans if span["name"] == method]
        parent = conversation if service == "asr" else turn
        of_parent = [call for call in calls if call["parent_id"] == parent["span_id"]]
        assert of_parent, service
        for call in of_parent:
            assert call["trace_id"] == parent["trace_id"]
            assert call["kind"] == "client"
            told = call["attributes"]
            assert told["rpc.system.name"] == "grpc"
            assert told["rpc.method"] == method
            assert told["rpc.response.status_code"] in ("OK", "CANCELLED")
            assert (told["server.address"], told["server.port"]) == ("localhost", lab.port)
    assert sum(span["attributes"].get("gen_ai.operation.name") == "chat" for span in spans) == len(chats)
