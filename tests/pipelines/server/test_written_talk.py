"""A client that reads: whole answers in writing over the real server, and instructions of its own."""

import pytest
from lab import ANSWER, Lab
from plain_client import plain
from rooms import house

pytestmark = pytest.mark.services


class Deaf(Lab):
    """A lab whose voice and face count what they are asked for, after the warm-up."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.prompts = []

    async def SynthesizeOnline(self, requests, context):  # noqa: N802
        self.asked.append("tts")
        async for answer in super().SynthesizeOnline(requests, context):
            yield answer

    async def ProcessAudioStream(self, requests, context):  # noqa: N802
        self.asked.append("face")
        async for answer in super().ProcessAudioStream(requests, context):
            yield answer

    async def ModelStreamInfer(self, requests, context):  # noqa: N802
        async def noted():
            async for request in requests:
                self.prompts.append(b"".join(request.raw_input_contents).decode("utf-8", "replace"))
                yield request

        async for answer in super().ModelStreamInfer(noted(), context):
            yield answer


async def test_an_answer_is_written_and_costs_neither_voice_nor_face(tmp_path, pki):
    lab = Deaf()
    async with house(tmp_path, pki, lab=lab) as (client, url, _), plain(client, url) as one:
        await one.update(output_modalities=["text"], extensions=["sophia.ledger"])
        lab.asked.clear()
        await one.write("where is my order", metadata={"topic": "order"})
        response = (await one.wait("response.done"))["response"]
        ledger = await one.wait("sophia.turn.ledger")
        assert lab.asked == []
        assert "".join(event["delta"] for event in one.of("response.output_text.delta")).strip() == ANSWER
        assert (response["status"], response["metadata"]) == ("completed", {"topic": "order"})
        assert (ledger["heard"], ledger["voice_to_voice_ms"]) == (ANSWER, None)
        await one.write("and now aloud", output_modalities=["audio"])
        await one.wait("response.output_audio.delta")
        assert "tts" in lab.asked
        assert not one.of("error")


async def test_instructions_and_a_limit_reach_the_model(tmp_path, pki):
    lab = Deaf()
    async with house(tmp_path, pki, lab=lab, client_instructions=True) as (client, url, _), plain(client, url) as one:
        session = await one.update(instructions="Speak like a pirate.", output_modalities=["text"])
        assert session["instructions"] == "Speak like a pirate."
        await one.write("hello", max_output_tokens=3)
        response = (await one.wait("response.done"))["response"]
        assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
        assert response["output"][0]["content"][0]["text"].split() == ANSWER.split()[:3]
        assert "Speak like a pirate." in lab.prompts[-1]
        await one.write("hello again", instructions="Speak like a monk.")
        await one.wait("response.done", 2)
        assert "Speak like a monk." in lab.prompts[-1]
        assert "pirate" not in lab.prompts[-1]


async def test_instructions_are_not_the_clients_right_by_default(tmp_path, pki):
    lab = Deaf()
    async with house(tmp_path, pki, lab=lab) as (client, url, _), plain(client, url) as one:
        session = await one.update(instructions="Speak like a pirate.", output_modalities=["text"])
        assert session["sophia"]["ignored"] == ["instructions"]
        await one.write("hello", instructions="Speak like a monk.")
        response = (await one.wait("response.done"))["response"]
        assert response["sophia"]["ignored"] == ["instructions"]
        assert "Speak like" not in lab.prompts[-1]
