"""``speech-to-speech talk`` with a module of tools: the command runs the tool and asks for the answer by itself.

This file is that module, too.
"""

from scene import TOOL, ask, saw

TOOLS = [TOOL]


async def execute_tool(name, arguments):
    assert name == "order_status"
    saw("called", number=arguments["number"])
    return f"order {arguments['number']} is on its way"


if __name__ == "__main__":
    from s2s_talk import CARD, Talk, main

    class Asking(Talk):
        async def scene(self):
            await self.count("session.updated", 1)
            await ask("hear", words="where is my order")
            CARD.say("question")
            await self.count("response.done", 2)
            for event in self.of("response.done"):
                saw("response", status=event.response.status, output=[item.type for item in event.response.output])
            await self.news.until(lambda: "The tool says" in self.screen.text)
            saw("answer", text=self.screen.lines("ASSISTANT")[-1])

    main(Asking(), "--tool-module", "tool_s2s_talk")
