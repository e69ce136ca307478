"""What tools said in a take, for a replay: a result is given again, and nothing is run again.

Left out is what has no result: a call that was cut off, refused, or that waited for the user's yes. Beside the
soundbites of a hard case the results stand in :data:`FILE`, a line of JSON each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from pipelines.conversation.events import ToolEnded, ToolStarted
from pipelines.takes.reader import read_events
from sophia.decisions import Start

FILE: Final = "tools.jsonl"

MOST_BYTES: Final = 16 << 20
"""Of such a file; there are some hundred calls in a long talk, of 8,000 characters at most."""

_WITHOUT_RESULT: Final = ("cancelled", "refused", "asked")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool said to these ``arguments`` after so many ``seconds``; ``failed``: why it had no result.

    ``turn`` is the one in which it was called; 0 where nobody knows.
    """

    name: str
    arguments: str
    output: str
    seconds: Annotated[float, Field(ge=0.0, le=86_400.0, allow_inf_nan=False)] = 0.0
    failed: bool = False
    turn: int = 0


_RESULT: Final = TypeAdapter(ToolResult)


def tool_results(folder: Path) -> tuple[ToolResult, ...]:
    """What tools said in a take that is not sealed, in the order of the calls; as far as its events can be read."""
    turns: dict[int, int] = {}
    begun: dict[str, ToolStarted] = {}
    found: dict[str, ToolResult | None] = {}
    with suppress(OSError, ValueError):
        for event in read_events(folder):
            match event:
                case Start(turn=turn, generation=generation):
                    turns[generation] = turn
                case ToolStarted(call=call):
                    begun[call.id], found[call.id] = event, None
                case ToolEnded(call_id=id, output=output, failure=failure) if id in begun:
                    start = begun.pop(id)
                    if failure not in _WITHOUT_RESULT:
                        call, turn = start.call, turns.get(start.generation, 0)
                        seconds = max(0.0, event.at - start.at)
                        found[id] = ToolResult(call.name, call.arguments, output, seconds, event.failed, turn)
                case _:
                    pass
    return tuple(result for result in found.values() if result)


def written(results: Iterable[ToolResult]) -> str:
    """The results as lines of JSON."""
    return "".join(json.dumps(asdict(result)) + "\n" for result in results)


def read_results(path: Path) -> tuple[ToolResult, ...]:
    """The results that :func:`written` wrote. Raises ``OSError``, and ``ValueError`` that names the line."""
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ValueError(f"{path} is larger than {MOST_BYTES >> 20} MiB")
    found = []
    for number, line in enumerate(raw.splitlines(), 1):
        try:
            found.append(_RESULT.validate_json(line))
        except ValidationError:
            raise ValueError(f"{path}, line {number}: not what a tool said") from None
    return tuple(found)
