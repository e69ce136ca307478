"""Small cases for tests of the evaluation, and how they are played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nova.mind import Mind
from pipelines import virtual_time
from pipelines.evals.case import Case
from pipelines.evals.judging import Verdict, judge
from pipelines.evals.minds import EmbeddedMind
from pipelines.evals.player import MakeTools, play
from pipelines.evals.tooling import tools_of
from pipelines.settings.model import load_settings

WEATHER = {
    "about": "Tells the weather in a city.",
    "takes": {"city": {"type": "string"}},
    "reads": True,
    "returns": "It is foggy there.",
}
LIGHT = {"about": "Switches the light in a room.", "takes": {"room": {"type": "string"}}, "returns": "The light is on."}


def case(*lines: dict[str, Any] | str, tools: dict[str, Any] | None = None, **more: Any) -> Case:
    """A case of these lines."""
    told = [{"user": line} if isinstance(line, str) else line for line in lines]
    return Case.model_validate({"name": "test", "lines": told, "tools": tools or {}, **more})


def verdict(of: Case, *, mind: Mind | None = None, make_tools: MakeTools = tools_of) -> Verdict:
    """What is judged of a case on a virtual clock."""

    async def held() -> Verdict:
        settings = load_settings("embedded.yaml", {}, {})
        return judge(await play(of, mind or EmbeddedMind(), settings, make_tools))

    return virtual_time.run(held())


def wrong(verdict: Verdict) -> Sequence[str]:
    """What is not so."""
    return [finding.what for finding in verdict.findings if not finding.good]
