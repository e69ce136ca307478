"""The tool that reckons, for models are poor at it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nova.functions import tool
from nova.tools import ToolError
from pipelines.tools.expression import LONGEST, CannotReckon, evaluate, written


@tool(reads=True, seconds=2.0, waiting="reckon")
async def calculate(
    expression: Annotated[
        str, Field(max_length=LONGEST, description="such as (3 + 4) * 2, 15% of 80, sqrt(2), 2^10, round(10/3, 2)")
    ],
) -> str:
    """Works out a calculation exactly. Use it for any arithmetic."""
    try:
        return f"{expression} = {written(evaluate(expression))}"
    except CannotReckon as why:
        raise ToolError(f"cannot work out {expression}: {why}") from None
