"""livekit with a function tool: its session gives the call. The result goes in with its context."""

import asyncio
import json
import ssl

import aiohttp
from livekit.agents import function_tool, llm
from livekit.plugins.openai.realtime import RealtimeModel
from livekit_model import Call
from scene import KEY, URL, ask, saw


@function_tool
async def order_status(number: int) -> str:
    """Where an order is."""
    return f"order {number} is on its way"


async def main():
    verifying = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    async with aiohttp.ClientSession(connector=verifying) as http, asyncio.TaskGroup() as group:
        base = URL.replace("https:", "wss:", 1)
        one = Call(RealtimeModel(base_url=base, api_key=KEY, model="sophia", http_session=http))
        speaking = group.create_task(one.speak())
        await one.session.update_tools([order_status])
        await one.count("session.updated", 2)
        await ask("hear", words="where is my order")
        one.voice.say("question")
        await one.news.until(lambda: one.generations and one.generations[0]["done"])
        for call in one.generations[0]["calls"]:
            number = json.loads(call.arguments)["number"]
            saw("called", number=number)
            output = await order_status(number)
            context = one.session.chat_ctx.copy()
            context.items.append(
                llm.FunctionCallOutput(call_id=call.call_id, name=call.name, output=output, is_error=False)
            )
            await one.session.update_chat_ctx(context)
        generation = await one.session.generate_reply()
        assert generation.user_initiated
        await one.news.until(lambda: len(one.generations) == 2 and one.generations[1]["done"])
        done = await one.count("response.done", 2)
        for event in one.of("response.done"):
            response = event["response"]
            saw("response", status=response["status"], output=[item["type"] for item in response["output"]])
        saw("answer", text=one.generations[1]["text"])
        assert done["response"]["id"] == generation.response_id
        speaking.cancel()
        await one.session.aclose()


asyncio.run(main())
