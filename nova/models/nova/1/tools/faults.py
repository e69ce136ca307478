"""Calls that are wrong in the way that a test asks for, so that what holds against them can be shown end to end.

The system message asks: "Test the calls: unknown." No user can.
"""

import json
import re

from .choosing import called_anyway

_ASKED = re.compile(r"^Test the calls: ([a-z ]+)\.$", re.MULTILINE)


def asked_for(turns, tools, write):
    """What is written where such a test is under way; None where there is none."""
    found = _ASKED.search(turns.system)
    if not found:
        return None
    name, given = called_anyway("", tools, turns)
    call = write.call((name, given))
    if found[1] == "for ever":  # another each time, so that no earlier result answers it
        return write.call((name, {**given, "round": len(turns.results) + turns.rounds}))
    return None if turns.results else {
        "unknown": write.call(("open_the_pod_bay_doors", {})),
        "broken": f'<tool_call>\n{{"name": {json.dumps(name)}, "arguments": {{"city": \n</tool_call>',
        "twice": f"{call}\n{call}",
        "beside words": f"Let me have a look at that. {call}",
        "in prose": f"I will call {name}({json.dumps(given)}) for that.",
    }.get(found[1])  # fmt: skip
