"""A place for tools in tests: it notes what she is to say, and when."""

import asyncio


class PlaceAt:
    """As a session's place. ``said`` and ``told`` hold pairs of seconds since the start and a text."""

    def __init__(self, language="en-US", person=""):
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.language, self.person = language, person
        self.said, self.told, self.leaving = [], [], []
        self.notes = ""

    @property
    def now(self):
        return self._loop.time()

    def say(self, text):
        self.said.append((round(self.now - self._began, 3), text))

    def ask(self, about):
        self.told.append((round(self.now - self._began, 3), about))

    def exchange(self, before, now):
        self.offered = tuple(now)

    def know(self, notes):
        self.notes = notes

    def at_end(self, leave):
        self.leaving.append(leave)

    def end(self):
        for leave in self.leaving:
            leave()


def use(tools):
    """A function that calls one of the tools by its name."""
    named = {tool.name: tool for tool in tools}

    async def call(name, /, **arguments):
        return await named[name].run(arguments)

    return call
