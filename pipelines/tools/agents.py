"""Agents behind her: any model behind an OpenAI-compatible server, as a tool that may take minutes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from nova.generation import MindSettings
from nova.mind import Message
from nova.services.openai_client import OpenAIMind
from nova.tools import Tool, ToolError, ToolSpec
from pipelines.failures import explain
from pipelines.services.channels import metadata_for, open_http
from pipelines.settings.mcp import AgentSettings
from pipelines.tools.progress import listener

MOST_CHARS = 32_000
"""Of an answer; it is broken off there."""

TASK = {
    "type": "object",
    "properties": {
        "task": {
            "type": "string",
            "description": "what it is to do, with all that it has to know: it has not heard the conversation",
        }
    },
    "required": ["task"],
}


def agent(name: str, settings: AgentSettings) -> Tool:
    """The agent ``name`` as a slow tool."""
    seconds = settings.minutes * 60

    async def run(arguments: Mapping[str, Any]) -> str:
        task = arguments.get("task")
        if not isinstance(task, str) or not task.strip():
            raise ToolError("it has to be told its task, as a text")
        try:
            return await _answer(task)
        except Exception as error:  # whatever a server does is one sentence
            raise ToolError(explain(error, name, settings.endpoint).line) from error

    async def _answer(task: str) -> str:
        asked = [Message("system", settings.instructions)] if settings.instructions else []
        limits = MindSettings(
            model=settings.model, max_tokens=None, first_token_timeout=seconds, token_timeout=seconds, temperature=None,
            top_p=None,
        )  # fmt: skip
        said, tell = "", listener.get()
        async with open_http(settings.endpoint, "/v1") as client:
            mind = OpenAIMind(client, limits, metadata=metadata_for(settings.endpoint))
            async with aclosing(mind.reply([*asked, Message("user", task)])) as pieces:
                async for piece in pieces:
                    if isinstance(piece, str):
                        said += piece
                        tell(f"it has written {len(said.split())} words so far")
                    if len(said) >= MOST_CHARS:
                        break
        if not said.strip():
            raise ToolError("it has answered without a word")
        return said[:MOST_CHARS]

    return Tool(ToolSpec(name, settings.description, TASK), run, seconds=seconds, waiting="ask", slow=True)
