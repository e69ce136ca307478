"""Where all places are taken, a real client is told when to come again, and does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from client_run import play, server
from environments import CLIENTS

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]


async def test_a_client_without_a_place_is_told_when_to_come_again_and_does(tmp_path, pki):
    client = replace(CLIENTS["openai-python"], script="full_openai_python.py")
    async with server(tmp_path, pki, sessions=1) as (one, simulated):
        saw = await play(client.command("openai-python"), one, simulated, tmp_path, pki)
    refused, *told, again = saw
    assert (refused["status"], refused["after"]) == (503, "2")
    assert json.loads(refused["body"])["error"]["code"] == "session_limit_reached"
    *errors, came = told
    assert {(error["type"], error["code"]) for error in errors} == {("error", "session_limit_reached")}
    assert came["type"] == "session.created"
    assert again["codes"] == [1013] * len(errors)
