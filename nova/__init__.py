"""Nova, Sophia's mind: clients for the served language model, prompts and history.

It imports neither speech (``sophia``), nor the face (``aurora``), nor the programs that join them (``pipelines``). What
stands here is public: the protocol that a model of your own can satisfy, and the data that it exchanges.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nova.errors import MindError as MindError
    from nova.errors import MindTimeout as MindTimeout
    from nova.errors import ModelError as ModelError
    from nova.functions import tool as tool
    from nova.history import History as History
    from nova.mind import Message as Message
    from nova.mind import Mind as Mind
    from nova.mind import Role as Role
    from nova.tools import Tool as Tool
    from nova.tools import ToolCall as ToolCall
    from nova.tools import ToolError as ToolError
    from nova.tools import ToolSpec as ToolSpec

_WHERE = {
    "History": "nova.history",
    "Message": "nova.mind",
    "Mind": "nova.mind",
    "MindError": "nova.errors",
    "MindTimeout": "nova.errors",
    "ModelError": "nova.errors",
    "Role": "nova.mind",
    "Tool": "nova.tools",
    "ToolCall": "nova.tools",
    "ToolError": "nova.tools",
    "ToolSpec": "nova.tools",
    "tool": "nova.functions",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
