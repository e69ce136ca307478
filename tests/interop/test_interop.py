"""Real clients, unmodified, talk to the server over TLS: ``make interop`` makes their environments and runs these.

Each asks two questions, says "mhm" while she speaks, takes the floor, cancels while nothing is said, and comes
back after the server was killed. What differs between clients is what they themselves make of it.
"""

from __future__ import annotations

import lab
import pytest
from client_run import play, server
from environments import CLIENTS
from lab import ANSWER
from page_browser import CHROMIUM

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_real_client_talks(name, tmp_path, pki, monkeypatch):
    command = CLIENTS[name].command(name)
    if CLIENTS[name].browser:
        pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
        if CHROMIUM is None:
            pytest.skip("Chromium is not installed")
    if command is None:
        pytest.skip(f"no environment of {name}; make interop makes it")
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 1.2)
    more = {"origins": '["https://app.lab"]'} if CLIENTS[name].browser else {}
    async with server(tmp_path, pki, **more) as (one, simulated):
        saw = await play(command, one, simulated, tmp_path, pki)
    facts = {fact["saw"]: fact for fact in saw}
    turns = [fact for fact in saw if fact["saw"] == "turn"]
    assert [turn["user"] for turn in turns] == ["where is my order", "and where is the other one", "where is my order"]
    for turn in turns:
        assert turn["agent"].strip() == turn["deltas"].strip() == ANSWER
        assert 3.5 < turn["seconds"] < 4.5
        assert turn["status"] == "completed"
    assert facts["backchannel"] == {"saw": "backchannel", "status": "completed", "starts": 0}
    cut = facts["interruption"]
    assert (cut["status"], cut["reason"], cut["item"]) == ("cancelled", "turn_detected", "incomplete")
    assert ANSWER.startswith(cut["heard"].strip())
    assert len(cut["heard"]) < len(ANSWER)
    assert ANSWER.startswith(cut.get("server", "").strip())
    assert {fact["code"] for fact in saw if fact["saw"] == "error"} <= {"response_cancel_not_active"}
    assert not [fact for fact in saw if fact["saw"] == "invalid"], "what the client cannot read"
    assert facts["again"]["first"] == "session.created"
