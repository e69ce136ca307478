"""The conversation that joins speech, language model and face, and the programs that people run.

What stands here is public: a runtime and its sessions, settings, the observer and what it is told (``events`` and
``decisions``). ``docs/embedding.md`` shows a program that uses them. Each is imported when it is first asked for.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipelines.command.run import prepare

# Before gRPC is first imported: its core writes past every display, and failures are explained in plain words anyway.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

prepare()

if TYPE_CHECKING:
    from pipelines.conversation import events as events
    from pipelines.conversation.observers import Observer as Observer
    from pipelines.failures import StageFailed as StageFailed
    from pipelines.settings.layers import SettingsError as SettingsError
    from pipelines.settings.model import Settings as Settings
    from pipelines.settings.model import load_settings as load_settings
    from pipelines.talk.runtime import Runtime as Runtime
    from pipelines.talk.session import Session as Session
    from pipelines.telemetry.ledger import Ledger as Ledger
    from pipelines.telemetry.ledger import Outcome as Outcome
    from sophia import decisions as decisions

_WHERE = {
    "Ledger": "pipelines.telemetry.ledger",
    "Observer": "pipelines.conversation.observers",
    "Outcome": "pipelines.telemetry.ledger",
    "Runtime": "pipelines.talk.runtime",
    "Session": "pipelines.talk.session",
    "Settings": "pipelines.settings.model",
    "SettingsError": "pipelines.settings.layers",
    "StageFailed": "pipelines.failures",
    "decisions": "sophia.decisions",
    "events": "pipelines.conversation.events",
    "load_settings": "pipelines.settings.model",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_WHERE[name])
    return getattr(module, name, module)  # events and decisions are modules
