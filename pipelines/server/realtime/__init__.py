"""The OpenAI Realtime protocol as a pure function of a conversation's events: no asyncio, no clock, no sockets."""
