"""The libraries of NVIDIA's container that are no dependencies of this project: torch, transformers, peft."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from nova.training.chats import DataError


def library(name: str) -> Any:
    """The module, which takes seconds to import. Raises :class:`~nova.training.chats.DataError` where it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        raise DataError(
            f"{error.name or name} is not installed: run this in NVIDIA's container, as nova/training/recipes/run.sh "
            "does, or install it"
        ) from None
