"""Real clients with a tool of their own: each runs it once, and she says what came of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from client_run import play, server
from environments import CLIENTS

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]

SCRIPTS = {
    "openai-agents-python": "tool_agents_python.py",
    "agents-js": "tool_agents_js.mjs",
    "pipecat": "tool_pipecat.py",
    "openai-python": "tool_openai_python.py",
    "openai-node": "tool_openai_node.mjs",
    "livekit": "tool_livekit.py",
    "s2s-talk": "tool_s2s_talk.py",
}
CALL = '<tool_call>\n{"name": "order_status", "arguments": {"number": 7}}\n</tool_call>'
OUTSET = "Let me have a look. It takes a moment only."


@pytest.mark.parametrize("before", ["", OUTSET], ids=["a call alone", "words and a call"])
@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_real_client_runs_its_tool(name, before, tmp_path, pki):
    command = replace(CLIENTS[name], script=SCRIPTS[name]).command(name)
    if command is None:
        pytest.skip(f"no environment of {name}; make interop makes it")
    async with server(tmp_path, pki) as (one, simulated):
        simulated.calls = f"{before} {CALL}"
        saw = await play(command, one, simulated, tmp_path, pki)
    assert [fact["number"] for fact in saw if fact["saw"] == "called"] == [7]
    assert not [fact for fact in saw if fact["saw"] in ("error", "invalid")]
    first, second = (fact for fact in saw if fact["saw"] == "response")
    assert sorted(first["output"]) == ["function_call", *(["message"] if before else [])]
    assert (first["status"], second["status"], second["output"]) == ("completed", "completed", ["message"])
    (answer,) = (fact["text"] for fact in saw if fact["saw"] == "answer")
    assert answer.replace('"', "") == "The tool says order 7 is on its way."  # pipecat sends results as JSON
