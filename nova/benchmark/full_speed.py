"""A Python-backend model without its artificial pace, so that the machinery around it can be measured.

The embedded mind waits before each token as a language model would. Its configuration has the times as parameters.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

PACE = ("first_token_ms", "token_ms")
"""The parameters of ``config.pbtxt`` that are set to nothing."""


def without_pace(model: Path, repository: Path) -> None:
    """Puts a copy of the model folder ``model`` into ``repository`` whose tokens come as fast as they can.

    Raises ``OSError`` if a folder cannot be read or written and ``ValueError`` for a model that has no pace.
    """
    copy = repository / model.name
    shutil.copytree(model, copy, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "config.pbtxt"
    config = text_format.Parse(file.read_text("utf-8"), model_config_pb2.ModelConfig())
    if any(name not in config.parameters for name in PACE):
        raise ValueError(f"model {model.name!r} has no pace that could be taken from it")
    for name in PACE:
        config.parameters[name].string_value = "0"
    file.write_text(text_format.MessageToString(config), "utf-8")
