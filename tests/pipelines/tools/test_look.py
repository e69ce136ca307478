"""What ``--check`` and the doctor say of MCP servers and agents: one line each, in plain words."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from model_server import model_server

from pipelines.doctor.finding import Mark
from pipelines.doctor.outside import judged, outside
from pipelines.settings.mcp import AgentSettings, McpServerSettings
from pipelines.settings.tools import ToolsSettings
from pipelines.tools.look import Sight, look

HOSTILE = str(Path(__file__).with_name("hostile_mcp.py"))

pytestmark = pytest.mark.side_by_side


def server(*args: str, **settings: object) -> McpServerSettings:
    return McpServerSettings(command=sys.executable, args=args, start_seconds=60, **settings)  # type: ignore[arg-type]


async def test_each_is_a_line_with_version_latency_and_tools() -> None:
    clock = server("-m", "mcp_server_time", reads=("get_*",), slow=("convert_*",))
    (seen,) = await look(ToolsSettings(mcp={"clock": clock}))
    assert not seen.wrong
    assert re.fullmatch(
        r"MCP server clock: mcp-time [\d.]+, protocol [\d-]+, ready after [\d.]+ s, answers in \d+ ms, tools: "
        r"get_current_time \(reads\), convert_time \(effects, slow\)\.( It says that these only read: .*)?",
        seen.line,
    )
    assert judged(seen).mark is Mark.OK


async def test_a_pattern_that_means_no_tool_is_pointed_out() -> None:
    (seen,) = await look(ToolsSettings(mcp={"it": server(HOSTILE, allow=("echo", "ecko"), reads=("read_*",))}))
    assert seen.fix == "none of them is called read_*, ecko: correct tools.mcp.it"
    assert "tools: echo (effects)." in seen.line
    assert judged(seen).mark is Mark.WARN


async def test_what_is_broken_is_told_beside_what_is_well() -> None:
    async with model_server("planner") as models:
        endpoint = {"target": models.target, "tls": {"enabled": False}}
        settings = ToolsSettings(
            mcp={"gone": McpServerSettings(command="/nonesuch"), "it": server(HOSTILE)},
            agents={
                "planner": AgentSettings(description="plans", model="planner", endpoint=endpoint),
                "thinker": AgentSettings(description="thinks", model="deep", endpoint=endpoint),
            },
        )
        gone, here, planner, thinker = await look(settings)
    told = "MCP server gone cannot be used: /nonesuch cannot be started: No such file or directory."
    assert gone == Sight("gone", told, "look at tools.mcp.gone", wrong=True)
    assert judged(gone).mark is Mark.FAIL
    assert not here.wrong
    assert re.fullmatch(r"Agent planner: localhost:\d+ has model planner, and answers in \d+ ms\.", planner.line)
    assert re.fullmatch(r"Agent thinker: localhost:\d+ has no model deep\.", thinker.line)
    assert thinker.fix == "it has: planner"


async def test_the_doctor_has_a_check_for_each() -> None:
    settings = ToolsSettings(
        mcp={"it": server(HOSTILE)}, agents={"planner": AgentSettings(description="plans", model="m")}
    )
    assert [check.key for check in outside(settings)] == ["mcp_it", "agent_planner"]
    assert outside(ToolsSettings()) == ()
