"""Triton's model-control API over gRPC: what is loaded, load, unload. On a channel that the caller owns.

The server has to run with ``--model-control-mode=explicit``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from nova.errors import ModelError

Metadata = Sequence[tuple[str, str]]

LOAD_SECONDS = 1800.0
"""The longest load: weights of some 20 GB from a slow disk, and kernels compiled at the first time."""


class Refused(ModelError):
    """The server would not load or unload; the message is the first line of what it said."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version in the server's index. ``state`` is READY, LOADING, UNLOADING or UNAVAILABLE."""

    model: str
    version: int
    state: str
    reason: str = ""


class ModelControl:
    """The repository of one server. ``metadata`` is called for each RPC and holds the key, where the API needs one.

    Raises :class:`Refused` for what the server refuses and lets other ``grpc.aio.AioRpcError`` through.
    """

    def __init__(self, channel: grpc.aio.Channel, metadata: Callable[[], Metadata] = tuple) -> None:
        self._stub: Any = GRPCInferenceServiceStub(channel)
        self._metadata = metadata

    async def index(self, model: str) -> list[Loaded]:
        """The versions of a model that the server has dealt with, ascending."""
        answer = await self._call(self._stub.RepositoryIndex, pb.RepositoryIndexRequest(), 10.0)
        return sorted(
            (Loaded(m.name, int(m.version), m.state, _first_line(m.reason)) for m in answer.models
             if m.name == model and m.version.isdecimal()),
            key=lambda loaded: loaded.version,
        )  # fmt: skip

    async def load(self, model: str, seconds: float = LOAD_SECONDS) -> None:
        """Has the versions of the model's configuration served, as it stands in the repository now.

        A version that is served already and goes on being so is not loaded again; one that is no longer wanted finishes
        its requests and goes. If a version cannot be loaded, those that were served go on.
        """
        await self._call(self._stub.RepositoryModelLoad, pb.RepositoryModelLoadRequest(model_name=model), seconds)

    async def unload(self, model: str, seconds: float = 60.0) -> None:
        """Ends all versions of the model, when their requests are finished."""
        await self._call(self._stub.RepositoryModelUnload, pb.RepositoryModelUnloadRequest(model_name=model), seconds)

    async def ready(self, model: str, version: int) -> bool:
        """Whether this version can be asked."""
        request = pb.ModelReadyRequest(name=model, version=str(version))
        answer = await self._call(self._stub.ModelReady, request, 10.0)
        return bool(answer.ready)

    async def _call(self, method: Any, request: Any, seconds: float) -> Any:
        try:
            return await method(request, timeout=seconds, metadata=tuple(self._metadata()))
        except grpc.aio.AioRpcError as error:
            details = error.details() or ""
            if error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.NOT_FOUND):
                raise Refused(_first_line(details)) from None
            if error.code() is grpc.StatusCode.UNAVAILABLE and "explicit model load" in details:
                raise Refused("the server does not take loads: start it with --model-control-mode=explicit") from None
            if "restricted" in details:
                raise Refused("the server wants a key for this: name it with --admin-key-file") from None
            raise


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].strip()[:300]
