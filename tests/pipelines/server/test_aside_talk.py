"""Answers beside the conversation over the real server: spoken and written, cancelled, and forgotten."""

import pytest
from lab import ANSWER
from plain_client import plain
from rooms import house
from test_written_talk import Deaf

pytestmark = pytest.mark.services


def said(text):
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


async def test_it_is_answered_beside_and_the_conversation_knows_nothing_of_it(tmp_path, pki):
    lab = Deaf()
    async with house(tmp_path, pki, lab=lab) as (client, url, _), plain(client, url) as one:
        await one.write("where is my order")
        await one.wait("response.output_audio.delta")
        one_word = {"conversation": "none", "output_modalities": ["text"], "input": [said("topic, in one word")]}
        await one.say("response.create", response=one_word)
        await one.wait("response.output_text.done")
        assert "topic, in one word" in lab.prompts[-1]
        assert "where is my order" not in lab.prompts[-1]
        await one.wait("response.done", 2)
        await one.say("response.create", response={"conversation": "none", "input": [said("say it aloud")]})
        spoken = (await one.wait("response.done", 3))["response"]
        assert spoken["output"][0]["content"][0]["transcript"].split() == ANSWER.split()
        await one.write("and the next question", output_modalities=["text"])
        await one.wait("response.done", 4)
        assert "where is my order" in lab.prompts[-1]
        assert "topic, in one word" not in lab.prompts[-1]
        assert "say it aloud" not in lab.prompts[-1]
        assert not one.of("error")


async def test_it_is_cancelled_and_another_one_can_be_asked_for(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), plain(client, url) as one:
        for turn in range(1, 4):
            await one.say("response.create", response={"conversation": "none", "input": [said("hello")]})
            response = (await one.wait("response.created", turn))["response"]["id"]
            if turn > 1:  # the first is cancelled before anything came of it
                await one.wait("response.output_audio.delta", 1 + len(one.of("response.output_audio.delta")))
            await one.say("response.cancel", response_id=response)
            done = (await one.wait("response.done", turn))["response"]
            assert (done["id"], done["status"]) == (response, "cancelled")
        assert not one.of("error")


async def test_a_model_that_fails_is_told(tmp_path, pki):
    lab = Deaf()
    async with house(tmp_path, pki, lab=lab) as (client, url, _), plain(client, url) as one:
        lab.bad, lab.turns = {"llm": "fails"}, (0,)
        await one.say("response.create", response={"conversation": "none", "input": [said("hello")]})
        done = (await one.wait("response.done"))["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == "llm_failed"
