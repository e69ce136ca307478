"""A client with a tool, and the whole server: she calls, the client answers, and she says what came of it."""

from pathlib import Path

import pytest
from lab import ANSWER, HEARD, Lab
from page_client import page
from rooms import house

from sophia.wav import read_wav

ROOT = Path(__file__).parents[3]
QUESTION = read_wav(ROOT / "pipelines/soundbites/02_what_time.wav", 16_000).pcm
CALL = '<tool_call>\n{"name": "find_order", "arguments": {"number": 7}}\n</tool_call>'
TOOL = {
    "type": "function", "name": "find_order", "description": "Where an order is.",
    "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}},
}  # fmt: skip

pytestmark = pytest.mark.services


async def offers(one, **session):
    await one.say({"type": "session.update", "session": {"type": "realtime", "tools": [TOOL], **session}})
    return await one.wait("session.updated", 2)


async def answers(one, call, output):
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
    await one.say({"type": "conversation.item.create", "item": item})
    await one.say({"type": "response.create"})


async def types(one, text):
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await one.say({"type": "conversation.item.create", "item": item})
    await one.say({"type": "response.create"})


async def test_a_question_by_voice_a_call_and_the_answer_to_its_result(tmp_path, pki):
    async with house(tmp_path, pki, lab=Lab(calls=CALL)) as (client, url, _), page(client, url, microphone=True) as one:
        updated = await offers(one)
        assert updated["session"]["tools"] == [TOOL]
        one.speak(QUESTION)
        call = await one.wait("response.function_call_arguments.done")
        assert (call["name"], call["arguments"]) == ("find_order", '{"number": 7}')
        called = await one.wait("response.done")
        assert [item["type"] for item in called["response"]["output"]] == ["function_call"]
        assert called["response"]["status"] == "completed"
        first = await one.wait("sophia.turn.ledger")
        assert (first["outcome"], first["user"], first["heard"]) == ("called", HEARD, "")
        assert not one.of("response.output_audio.delta")
        await answers(one, call, "it is on its way")
        second = await one.wait("sophia.turn.ledger", 2)
        assert (second["outcome"], second["heard"]) == ("replied", "The tool says it is on its way.")
        done = await one.wait("response.done", 2)
        assert done["response"]["output"][0]["content"][0]["transcript"] == "The tool says it is on its way."
        assert one.of("response.output_audio.delta")
        assert not one.of("error")
        assert not one.of("sophia.notice")  # neither the voice nor the face has missed anything


async def test_words_beside_a_call_are_heard_while_the_tool_works_already(tmp_path, pki):
    lab = Lab(calls=f"Let me have a look. I am on it now, wait a second. {CALL}")
    async with house(tmp_path, pki, lab=lab) as (client, url, _), page(client, url) as one:
        await offers(one)
        await types(one, "where is it")
        call = await one.wait("response.function_call_arguments.done")
        await answers(one, call, "it is here")
        await one.wait("response.done", 2)
        first, second = (event["response"] for event in one.of("response.done"))
        assert {item["type"] for item in first["output"]} == {"message", "function_call"}
        said = next(item for item in first["output"] if item["type"] == "message")
        assert "tool_call" not in said["content"][0]["transcript"]
        assert "find_order" not in said["content"][0]["transcript"]
        assert second["output"][0]["content"][0]["transcript"] == "The tool says it is here."
        assert not one.of("error")


async def test_a_call_that_nobody_can_read_is_a_failure_and_she_says_so(tmp_path, pki):
    lab = Lab(calls='<tool_call>\n{"name": "find_order", "argu')
    async with house(tmp_path, pki, lab=lab) as (client, url, _), page(client, url) as one:
        await offers(one)
        await types(one, "where is it")
        done = await one.wait("response.done")
        assert done["response"]["status"] == "failed"
        assert done["response"]["status_details"]["error"]["code"] == "llm_failed"
        assert "tool_call" not in done["response"]["output"][0]["content"][0]["transcript"]


async def test_an_operator_may_leave_tools_out(tmp_path, pki):
    lab = Lab(calls=CALL)
    async with house(tmp_path, pki, lab=lab, client_tools=False) as (client, url, _), page(client, url) as one:
        updated = await offers(one)
        assert updated["session"]["tools"] == []
        assert "tools" in updated["session"]["sophia"]["ignored"]
        await types(one, "where is it")
        done = await one.wait("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"].split() == ANSWER.split()


async def test_tools_of_one_response_are_gone_with_it(tmp_path, pki):
    async with house(tmp_path, pki, lab=Lab(calls=CALL)) as (client, url, _), page(client, url) as one:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "where is it"}]}
        await one.say({"type": "conversation.item.create", "item": item})
        await one.say({"type": "response.create", "response": {"tools": [TOOL], "tool_choice": "required"}})
        call = await one.wait("response.function_call_arguments.done")
        await one.wait("response.done")
        await answers(one, call, "it is here")
        await one.wait("response.done", 2)
        await types(one, "and now")
        done = await one.wait("response.done", 3)
        assert done["response"]["output"][0]["content"][0]["transcript"].split() == ANSWER.split()
        assert len(one.of("response.function_call_arguments.done")) == 1


async def test_a_client_secret_brings_the_tools_that_it_was_minted_with(tmp_path, pki):
    async with house(tmp_path, pki, lab=Lab(calls=CALL)) as (client, url, _):
        wish = {"session": {"type": "realtime", "tools": [TOOL]}}
        async with client.post(url + "/v1/realtime/client_secrets", json=wish) as answer:
            secret = (await answer.json())["value"]
        headers = {"Origin": url, "Authorization": f"Bearer {secret}"}
        async with page(client, url, headers=headers) as one:
            await types(one, "where is it")
            call = await one.wait("response.function_call_arguments.done")
            assert call["name"] == "find_order"


RECKON = '<tool_call>\n{"name": "calculate", "arguments": {"expression": "6 * 7"}}\n</tool_call>'


async def test_a_tool_of_her_own_runs_here_beside_the_clients_and_the_client_sees_no_call(tmp_path, pki):
    own = {"use": ("arithmetic",)}
    async with house(tmp_path, pki, lab=Lab(calls=RECKON), tools=own) as (client, url, _), page(client, url) as one:
        updated = await offers(one)
        assert updated["session"]["tools"] == [TOOL]
        await types(one, "what is six times seven")
        done = await one.wait("response.done")
        assert done["response"]["status"] == "completed"
        assert [item["type"] for item in done["response"]["output"]] == ["message"]
        assert done["response"]["output"][0]["content"][0]["transcript"] == "The tool says 6 * 7 = 42."
        assert not one.of("response.function_call_arguments.done")


async def test_a_client_that_wants_none_of_them_gets_none(tmp_path, pki):
    own = {"use": ("arithmetic",)}
    async with house(tmp_path, pki, lab=Lab(calls=RECKON), tools=own) as (client, url, _), page(client, url) as one:
        await one.say({"type": "session.update", "session": {"type": "realtime", "sophia": {"own_tools": False}}})
        assert (await one.wait("session.updated", 2))["session"]["sophia"]["own_tools"] is False
        await types(one, "what is six times seven")
        done = await one.wait("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"].split() == ANSWER.split()


async def test_she_asks_before_a_tool_runs_and_a_typed_yes_has_it_run(tmp_path, pki):
    own = {"use": ("arithmetic",), "approve": {"calculate": "always"}}
    async with house(tmp_path, pki, lab=Lab(calls=RECKON), tools=own) as (client, url, _), page(client, url) as one:
        await types(one, "what is six times seven")
        asked = await one.wait("response.done")
        question = asked["response"]["output"][0]["content"][0]["transcript"]
        assert question == "Shall I run calculate, with expression: 6 * 7?"
        assert (await one.wait("sophia.turn.ledger"))["heard"] == question
        await types(one, "yes please")
        done = await one.wait("response.done", 2)
        assert done["response"]["output"][0]["content"][0]["transcript"] == "The tool says 6 * 7 = 42."
        assert not one.of("error")
