"""Libraries of training that are no dependencies of this project: torch, transformers, peft."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from nova.training.chats import DataError


def library(name: str) -> Any:
    """The module, which takes seconds to import. Raises :class:`~nova.training.chats.DataError` where it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        missing = error.name or name
        raise DataError(
            f"{missing} is not installed: pip install torch transformers peft, where there is room"
        ) from None
