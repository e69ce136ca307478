"""What can be set about the tools that she may use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipelines.settings.mcp import AgentSettings, Approve, McpServerSettings, Name, Pattern

Module = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$", max_length=200)]
"""The dotted name of a Python module."""

Bundle = Literal["clock", "timers", "arithmetic", "units", "stack"]
"""Tools that come along, by what they are about."""


class ToolsSettings(BaseModel):
    """Tools beyond those that a client brings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: tuple[Bundle, ...] = Field(
        ("clock", "timers", "arithmetic", "units"),
        description="which of the tools that come along she may use; []: none of them",
    )
    modules: tuple[Module, ...] = Field(
        (), description="Python modules with tools of yours, such as lab_tools; each is imported at the start"
    )
    mcp: dict[Name, McpServerSettings] = Field(
        default_factory=dict, description="servers of the Model Context Protocol, each by a name (extra 'mcp')"
    )
    agents: dict[Name, AgentSettings] = Field(
        default_factory=dict, description="agents that may take minutes, each by the name that the model calls it by"
    )
    approve: dict[Pattern, Approve] = Field(
        default_factory=dict,
        description="which tools, such as files__* or set_timer, she asks the user about before they run; the first "
        "pattern that fits decides, and without one those of MCP servers that change something",
    )
