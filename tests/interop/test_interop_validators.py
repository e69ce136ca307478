"""Every event of recorded sessions is read by the types of three clients: pydantic, zod, and pipecat's models."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import lab
import pytest
from client_run import play, server
from environments import CLIENTS
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter, ValidationError
from test_interop_tools import CALL, OUTSET

pytestmark = [pytest.mark.services, pytest.mark.timeout(250)]

PYDANTIC = TypeAdapter(RealtimeServerEvent)
JUDGES = {"agents-js": "judge_zod.mjs", "pipecat": "judge_pipecat.py"}


@pytest.fixture
async def record(tmp_path, pki, monkeypatch):
    """The lines of two sessions of openai-python: all that the scene has, and a tool that is called."""
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 1.2)
    async with server(tmp_path, pki) as (one, simulated):
        client = CLIENTS["openai-python"]
        assert await play(client.command("openai-python"), one, simulated, tmp_path, pki)
        simulated.calls = f"{OUTSET} {CALL}"
        tool = replace(client, script="tool_openai_python.py")
        assert await play(tool.command("openai-python"), one, simulated, tmp_path, pki)
    return tmp_path / "events.jsonl"


def unread(name, file):
    """The lines that a judge cannot read."""
    if name == "openai-python":
        found = []
        for line in file.read_text().splitlines():
            try:
                PYDANTIC.validate_json(line)
            except ValidationError:
                found.append(line)
        return found
    command = replace(CLIENTS[name], script=JUDGES[name]).command(name)
    if command is None:
        return None
    return subprocess.run([*command, file], check=True, capture_output=True, text=True).stdout.splitlines()


async def test_every_event_is_read_by_the_types_of_three_clients(record):
    lines = record.read_text().splitlines()
    kinds = {json.loads(line)["type"] for line in lines}
    assert {"error", "conversation.item.truncated", "conversation.item.retrieved", "response.done"} < kinds
    assert "response.function_call_arguments.done" in kinds
    spoiled = json.loads(next(line for line in lines if '"response.output_audio_transcript.done"' in line))
    del spoiled["event_id"]
    judged = []
    for name in ("openai-python", *JUDGES):
        record.write_text("\n".join(lines) + "\n")
        found = unread(name, record)
        if found is None:
            continue
        assert not found, name
        record.write_text("\n".join([*lines, json.dumps(spoiled)]) + "\n")
        assert len(unread(name, record)) == 1, f"{name} reads everything"
        judged.append(name)
    print(len(lines), "events of", len(kinds), "kinds, judged by", *judged)
    if len(judged) < 3:
        pytest.skip(f"judged by {', '.join(judged)} only; make interop makes the other environments")
