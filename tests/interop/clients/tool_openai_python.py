"""openai-python with a function: the script runs it, hands in what came of it and asks for the answer."""

import asyncio
import json

from openai import AsyncOpenAI
from openai_python import Session
from scene import KEY, TOOL, URL, ask, saw


async def main():
    client = AsyncOpenAI(base_url=URL, api_key=KEY)
    async with client.realtime.connect(model="sophia") as connection, asyncio.TaskGroup() as group:
        one = Session(connection)
        tasks = [group.create_task(one.listen()), group.create_task(one.speak())]
        await connection.session.update(session={"type": "realtime", "tools": [TOOL]})
        await one.count("session.updated", 1)
        await ask("hear", words="where is my order")
        one.voice.say("question")
        call = await one.count("response.function_call_arguments.done", 1)
        number = json.loads(call.arguments)["number"]
        saw("called", number=number)
        item = {"type": "function_call_output", "call_id": call.call_id, "output": f"order {number} is on its way"}
        await connection.conversation.item.create(item=item)
        await one.count("response.done", 1)
        await connection.response.create()
        await one.count("response.done", 2)
        for event in one.of("response.done"):
            saw("response", status=event.response.status, output=[item.type for item in event.response.output])
        saw("answer", text=event.response.output[0].content[0].transcript)
        for task in tasks:
            task.cancel()


asyncio.run(main())
