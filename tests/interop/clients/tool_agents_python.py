"""openai-agents (Python) with a function tool: the library runs it and asks for the answer by itself."""

import asyncio
from contextlib import suppress

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner
from scene import KEY, SOCKET, News, Voice, ask, saw


@function_tool
async def order_status(number: int) -> str:
    """Where an order is."""
    saw("called", number=number)
    return f"order {number} is on its way"


async def main():
    agent = RealtimeAgent(name="Sophia", instructions="Answer shortly.", tools=[order_status])
    runner = RealtimeRunner(starting_agent=agent)
    voice, news, done = Voice(), News(), []

    async def listen(session):
        async for event in session:
            if event.type == "error":
                saw("invalid", error=str(event.error)[:300])
            if event.type == "raw_model_event" and event.data.type == "raw_server_event":
                raw = event.data.data
                if raw["type"] == "error":
                    saw("error", code=raw["error"].get("code"))
                if raw["type"] == "response.done":
                    done.append(raw["response"])
            news.tell()

    async def speak(session):
        with suppress(Exception):
            async for frame in voice.frames():
                await session.send_audio(frame)

    config = {"api_key": KEY, "url": f"{SOCKET}?model=sophia"}
    async with await runner.run(model_config=config) as session, asyncio.TaskGroup() as group:
        tasks = [group.create_task(listen(session)), group.create_task(speak(session))]
        await ask("hear", words="where is my order")
        voice.say("question")
        await news.until(lambda: len(done) == 2)
        for response in done:
            saw("response", status=response["status"], output=[item["type"] for item in response["output"]])
        saw("answer", text=done[-1]["output"][0]["content"][0]["transcript"])
        for task in tasks:
            task.cancel()


asyncio.run(main())
