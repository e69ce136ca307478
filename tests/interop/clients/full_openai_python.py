"""openai-python where all places are taken: what it sees of that, and how it comes back by itself."""

import asyncio

from openai import AsyncOpenAI
from scene import KEY, URL, saw
from websockets.exceptions import InvalidStatus


async def main():
    client = AsyncOpenAI(base_url=URL, api_key=KEY)
    first = await client.realtime.connect(model="sophia").enter()
    await first.recv()

    # As a program: the handshake is refused.
    try:
        await client.realtime.connect(model="sophia").enter()
    except InvalidStatus as no:
        body = no.response.body.decode()
        saw("refused", status=no.response.status_code, after=no.response.headers["Retry-After"], body=body)

    # As a browser would: an error, and a close code that the library comes back for, once it was given a handler.
    again = []

    def reconnecting(event):
        again.append(event.close_code)

    options = {"subprotocols": ["realtime"]}
    more = {"websocket_connection_options": options, "on_reconnecting": reconnecting, "initial_delay": 0.2}
    async with client.realtime.connect(model="sophia", **more) as second:
        async for event in second:
            saw("told", type=event.type, code=event.error.code if event.type == "error" else None)
            if event.type == "session.created":
                break
            if len(again) == 1:
                await first.close()  # one place is free from now on
    saw("again", codes=again)


asyncio.run(main())
