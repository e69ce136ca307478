"""A server dies in the middle of a conversation, and its client goes on at another one with the same key."""

import asyncio
import re
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from page_client import page
from pooled import Server

pytestmark = [pytest.mark.services, pytest.mark.timeout(250)]

KEY = "a-key-of-the-tests"


@asynccontextmanager
async def server(key_file):
    """A real server with the embedded services, in a process of its own; yields it and its address."""
    command = [sys.executable, "-m", "pipelines.server", "--set", "server.port=0", "--set", "face.enabled=false"]
    process = await asyncio.create_subprocess_exec(
        *command, "--set", f"server.api_key_file={key_file}", stdout=asyncio.subprocess.PIPE
    )
    one = Server(process)
    try:
        async with asyncio.timeout(120):
            address = (await one.line("Talk to her in a browser: ")).rpartition(" ")[2]
        yield one, address.partition("#")[0].rstrip("/")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), 20)


@asynccontextmanager
async def talking(client, url, token=None):
    headers = {"Authorization": f"Bearer {KEY}"}
    async with page(client, url, headers=headers, update=False) as one:
        wishes = {"extensions": ["sophia.playout", "sophia.resume", "sophia.ledger"], "sophia": {"lead_ms": 100}}
        if token:
            wishes["sophia"]["resume"] = token
        await one.say({"type": "session.update", "session": {"type": "realtime", **wishes}})
        await one.wait("session.updated", seconds=60.0)
        yield one


async def asks(one, text):
    """What she answers to a message."""
    count = len(one.of("sophia.turn.ledger"))
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await one.say({"type": "conversation.item.create", "item": item})
    await one.say({"type": "response.create"})
    return (await one.wait("sophia.turn.ledger", count + 1, seconds=60.0))["heard"]


async def test_she_remembers_at_another_server_what_was_said_at_the_one_that_was_killed(tmp_path):
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    async with AsyncExitStack() as stack:
        both = [stack.enter_async_context(server(key_file)) for _ in range(2)]
        (first, here), (_, there) = await asyncio.gather(*both)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        async with talking(client, here) as one:
            assert "Anna" in await asks(one, "my name is anna")
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "tell me a story"}]}
            await one.say({"type": "conversation.item.create", "item": item})
            await one.say({"type": "response.create"})
            await one.wait("response.output_audio_transcript.delta", 12, seconds=60.0)
            sentences = len(one.of("sophia.resume.token"))
            await one.wait("sophia.resume.token", sentences + 1, seconds=60.0)  # a sentence of the story was heard
            first.process.send_signal(signal.SIGKILL)
            await first.ended()
            token = one.of("sophia.resume.token")[-1]["token"]
            told = "".join(event["delta"] for event in one.of("response.output_audio_transcript.delta"))
        async with talking(client, there, token) as one:
            restored = await one.wait("sophia.resume.restored", seconds=60.0)
            assert len(restored["item_ids"]) == 4
            await one.say({"type": "conversation.item.retrieve", "item_id": restored["item_ids"][-1]})
            (part,) = (await one.wait("conversation.item.retrieved", seconds=60.0))["item"]["content"]
            heard = part["transcript"]
            assert re.search(r"[.!?](?= |$)", heard), "a whole sentence was heard; the one that sounded is lost"
            assert heard in told
            assert await asks(one, "what did I just say") == "You said: tell me a story"
            assert await asks(one, "what's my name") == "You're Anna. You told me."
        async with talking(client, there, token[:-1] + ("A" if token[-1] != "A" else "B")) as one:
            assert one.of("error")[0]["error"]["code"] == "resume_invalid"
            assert await asks(one, "do you know my name") == "You haven't told me yet. What's your name?"
