"""The workshops that the settings ask for: with servers of MCP, and without what they need."""

from __future__ import annotations

import sys

import pytest
from place_at import PlaceAt

from pipelines.settings.mcp import McpServerSettings
from pipelines.settings.model import Settings
from pipelines.settings.tools import ToolsSettings
from pipelines.tools import opened as opened_module
from pipelines.tools.opened import opened

CLOCK = McpServerSettings(
    command=sys.executable, args=("-m", "mcp_server_time"), reads=("*",), allow=("get_*",), start_seconds=60
)


def settings(**servers: McpServerSettings) -> Settings:
    return Settings(tools=ToolsSettings(use=("arithmetic",), mcp=servers, approve={"calculate": "always"}))


async def test_tools_of_servers_join_those_that_come_along() -> None:
    lines: list[str] = []
    wanted = settings(clock=CLOCK, gone=McpServerSettings(command="/nonesuch"))
    async with opened(wanted, (), lines.append) as workshop:
        place = PlaceAt()  # type: ignore[no-untyped-call]
        calculate, time = workshop.tools(place)
        assert calculate.name == "calculate"
        assert calculate.question is not None
        assert calculate.question({"expression": "1+1"}, "en") == "Shall I run calculate, with expression: 1+1?"
        assert time.name == "clock__get_current_time"
        assert "Europe/Paris" in await time.run({"timezone": "Europe/Paris"})
        place.end()  # type: ignore[no-untyped-call]
    why = "/nonesuch cannot be started: No such file or directory"
    assert lines == [f"The MCP server gone is not ready: {why}. Its tools join once it is."]


async def test_without_the_extra_she_goes_on_and_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened_module, "find_spec", lambda name: None)
    lines: list[str] = []
    async with opened(settings(clock=CLOCK), (), lines.append) as workshop:
        assert [tool.name for tool in workshop.tools(PlaceAt())] == ["calculate"]  # type: ignore[no-untyped-call]
    (line,) = lines
    assert line.startswith("There are no tools of MCP servers without the extra 'mcp'.")
    assert line.endswith(".venv/bin/python -m pip install -e '.[mcp]'")
