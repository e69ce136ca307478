"""What a whole server keeps of those who talk: by its settings, and by what they agree to, under a pseudonym."""

import json

import pytest
from lab import HEARD
from plain_client import plain
from rooms import house

from pipelines.server.visitor import IDENTIFIER
from pipelines.takes.persons import person_key, pseudonym

pytestmark = pytest.mark.services


def numbers(folder):
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def taken(folder):
    return sorted(path for path in folder.glob("*/*") if path.is_dir())


def kept(tmp_path, **more):
    return {
        "ledgers": tmp_path / "ledgers", "takes": tmp_path / "takes", "person_key": tmp_path / "person", "site": "lab",
        **more,
    }  # fmt: skip


async def test_numbers_are_kept_and_a_person_is_a_pseudonym(tmp_path, pki):
    async with house(tmp_path, pki, patient=True, insights=kept(tmp_path)) as (client, url, runtime):
        async with client.ws_connect(f"{url}/v1/realtime", headers={IDENTIFIER: "anna"}) as socket:
            await socket.send_json(
                {"type": "conversation.item.create",
                 "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HEARD}]}}
            )  # fmt: skip
            await socket.send_json({"type": "response.create"})
            async for message in socket:
                if json.loads(message.data)["type"] == "response.done":
                    break
        hash_of_settings = runtime.provenance().settings
    (line,) = numbers(tmp_path / "ledgers")
    conversation = line["conversation"]
    assert (conversation["mode"], conversation["site"], conversation["consent"]) == ("server", "lab", "numbers")
    assert conversation["person"] == pseudonym(person_key(tmp_path / "person"), "anna")
    assert conversation["settings"] == hash_of_settings
    assert line["outcome"] == "replied"
    assert HEARD not in json.dumps(line)
    assert taken(tmp_path / "takes") == []


async def test_a_client_secret_carries_the_person_that_it_was_made_for(tmp_path, pki):
    async with house(tmp_path, pki, patient=True, insights=kept(tmp_path)) as (client, url, _):
        wish = {"session": {"type": "realtime", "sophia_person": "f" * 64}}
        async with client.post(f"{url}/v1/realtime/client_secrets", json=wish, headers={IDENTIFIER: "anna"}) as answer:
            secret = (await answer.json())["value"]
        shown = {"Authorization": f"Bearer {secret}", "Origin": url}
        async with client.ws_connect(f"{url}/v1/realtime", headers=shown) as socket:
            created = (await socket.receive_json())["session"]
            assert created["sophia"]["ignored"] == []
            await socket.send_json({"type": "sophia.say", "text": "Welcome."})
            async for message in socket:
                if json.loads(message.data)["type"] == "response.done":
                    break
    (line,) = numbers(tmp_path / "ledgers")
    assert line["conversation"]["person"] == pseudonym(person_key(tmp_path / "person"), "anna")
    assert line["conversation"]["mode"] == "page"


async def test_a_user_agrees_talks_withdraws_and_nothing_is_left(tmp_path, pki):
    async with (
        house(tmp_path, pki, patient=True, insights=kept(tmp_path)) as (client, url, _),
        plain(client, url, "?extensions=sophia.recording") as one,
    ):
        assert (await one.wait("sophia.recording"))["recording"] is False
        await one.say("sophia.consent", consent="sound")
        assert (await one.wait("sophia.recording", 2))["recording"] is True
        await one.write(HEARD)
        await one.wait("response.done")
        assert len(taken(tmp_path / "takes")) == 1
        await one.say("sophia.consent", consent="numbers")
        told = await one.wait("sophia.recording", 3)
        assert (told["consent"], told["recording"]) == ("numbers", False)
        assert not one.of("error")
    assert taken(tmp_path / "takes") == []
    assert [line["conversation"]["consent"] for line in numbers(tmp_path / "ledgers")] == ["sound"]


async def test_where_the_server_records_everybody_she_says_so_first(tmp_path, pki):
    async with (
        house(tmp_path, pki, patient=True, insights=kept(tmp_path, consent="sound")) as (client, url, runtime),
        plain(client, url, "?extensions=sophia.recording,sophia.ledger") as one,
    ):
        assert (await one.wait("sophia.recording"))["recording"] is True
        ledger = await one.wait("sophia.turn.ledger")
        assert ledger["heard"] == runtime.phrases.texts["recorded"]
        assert one.of("response.output_audio.delta"), "and it is heard"
        await one.write(HEARD)
        await one.wait("sophia.turn.ledger", 2)
    (take,) = taken(tmp_path / "takes")
    assert {"user.wav", "reply.wav"} <= {path.name for path in take.iterdir()}
    assert [json.loads(line)["turn"] for line in (take / "turns.jsonl").read_text().splitlines()] == [1, 2]


async def test_a_session_that_only_transcribes_records_nobody_by_itself(tmp_path, pki):
    async with (
        house(tmp_path, pki, patient=True, insights=kept(tmp_path, consent="sound")) as (client, url, _),
        plain(client, url, "?intent=transcription&extensions=sophia.recording") as one,
    ):
        told = await one.wait("sophia.recording")
        assert (told["consent"], told["recording"]) == ("numbers", False)
    assert taken(tmp_path / "takes") == []
