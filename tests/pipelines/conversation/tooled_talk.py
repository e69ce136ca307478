"""Talks in which the model calls tools that the runtime runs itself."""

import asyncio

from table import Table

from nova.tools import Tool, Toolbox, ToolCall, ToolSpec
from pipelines.simulation.exact import Says, SimulatedMind
from pipelines.simulation.paced import Answer
from sophia.languages import language

ASKED = Says(1.0, "how is the weather in ulm")
ANSWER = "It is warm and clear in Ulm today."
CALL = ToolCall("call_1", "weather", '{"city": "Ulm"}')
ENGLISH_LOOKS = language("en").waiting["look"]


class Caller(SimulatedMind):
    """Calls ``rounds`` of tools, one after the other, and then reads out an answer."""

    rounds = ((CALL,),)

    def __init__(self, tokens, delays):
        super().__init__(tokens, delays)
        self._answer = self._think
        self._delays = delays

    def _think(self, messages):
        newest = max(at for at, message in enumerate(messages) if message.role == "user")
        asked = sum(bool(message.calls) for message in messages[newest:])
        tokens = self.rounds[asked] if asked < len(self.rounds) else [f"{word} " for word in ANSWER.split()]
        return Answer(tokens, self._delays.first_token, lambda: self._delays.token)


def calling(*rounds):
    return type("Calling", (Caller,), {"rounds": rounds})


def weather(seconds=0.0, *, reads=True, result="warm", limit=30.0, error=None):
    """A tool that takes ``seconds``, and the times at which it ran."""
    ran = []

    async def run(arguments):
        ran.append(dict(arguments))
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            ran.append("cancelled")
            raise
        if error:
            raise error
        return result

    return Tool(ToolSpec("weather"), run, reads=reads, seconds=limit), ran


def talk(own, script=(ASKED,), *, mind=Caller, seconds=20, **options):
    own = own if isinstance(own, tuple) else (own,)
    table = Table(list(script), seconds=seconds, make_mind=mind, toolbox=Toolbox(own=own), **options)
    table.talk()
    return table


def of(table, *kinds):
    return [happening for happening in table.notes.happened if isinstance(happening, kinds)]


def roles(table):
    return [message.role for message in table.history.messages()]
