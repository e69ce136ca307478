"""Finds the model where the settings leave that to the server, and model servers that nobody has named.

``llm.model: auto`` takes the first model that an OpenAI-compatible server lists and that can talk. Two such servers
have a usual port on one's own machine; each has a configuration of that name.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from nova.errors import MindError, UnknownModel
from nova.generation import Description
from pipelines.services.channels import metadata_for, open_http
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.model import AUTO, LlmSection, Settings

LOOK_SECONDS = 0.3
"""How long a look for a server on this machine may take; where none listens it ends at once."""

_MUTE = re.compile(r"embed|rerank|bge-|whisper|guard|clip", re.IGNORECASE)
"""In names of models that write no answers; Ollama lists them among the others."""


@dataclass(frozen=True, slots=True)
class ModelServer:
    """An OpenAI-compatible server by its usual port, and how its owner gets it to serve a model."""

    name: str
    port: int
    config: str
    start: str
    fetch: str


USUAL = (
    ModelServer("Ollama", 11434, "ollama.yaml", "ollama serve", "ollama pull llama3.2"),
    ModelServer("vLLM", 8000, "vllm.yaml", "vllm serve MODEL", "vllm serve MODEL"),
)


class NoServerListens(MindError):
    """Nothing answers where the model is to be served."""

    kind = "down"
    befell = "is down"


async def with_model(settings: LlmSection) -> tuple[LlmSection, str]:
    """The settings with the name of a model, and a line that tells which was chosen; unchanged where one is named.

    Takes at most ``llm.call_timeout`` and the endpoint's ``connect_seconds``. Raises :class:`NoServerListens`,
    another :class:`~nova.errors.MindError`, or ``OSError``.
    """
    if settings.model != AUTO or settings.backend != "openai":
        return settings, ""
    endpoint = settings.endpoint
    usual = next((server for server in USUAL if server.port == endpoint.port), None)
    try:
        listed = await _listed(settings)
    except ConnectionRefusedError:
        if usual is None or not is_here(endpoint):
            raise
        hint = f"Start {usual.name} (`{usual.start}`), or name another place with llm.endpoint.target"
        raise NoServerListens("nothing answers on this port", hint) from None
    able = [model for model in listed if not _MUTE.search(model)]
    if not able:
        hint = f"Fetch one: {usual.fetch}" if usual else "Have it load one"
        raise UnknownModel(f"the llm at {endpoint.target} lists no model that could talk", hint)
    more = f", the first of {len(able)} that {endpoint.target} lists; llm.model names another"
    among = more if len(able) > 1 else ""
    return settings.model_copy(update={"model": able[0]}), f"Her mind is the model {able[0]}{among}."


async def servers_beside(settings: Settings) -> list[str]:
    """A line for each model server of this machine, where the settings have her think with the stand-in."""
    if "llm" not in settings.embedded_services:
        return []
    found = await asyncio.gather(*(_looked_for(settings.llm, server) for server in USUAL))
    return [line for line in found if line]


def is_here(endpoint: Endpoint) -> bool:
    """Whether the endpoint is on this machine."""
    return endpoint.host in ("127.0.0.1", "::1", "localhost")


async def _looked_for(llm: LlmSection, server: ModelServer) -> str:
    here = Endpoint.model_validate({"target": f"127.0.0.1:{server.port}", "tls": TlsSettings(enabled=False)})
    asked = llm.model_copy(update={"endpoint": here, "model": AUTO, "backend": "openai"})
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            listed = await _listed(asked)
    except (OSError, MindError):  # nobody there, somebody slow, or something else on this port
        return ""
    able = [model for model in listed if not _MUTE.search(model)]
    if not able:
        return ""
    return f"{server.name} serves {able[0]} on this machine. To talk to it: make talk CONFIG={server.config}"


async def _listed(settings: LlmSection) -> Sequence[str]:
    from nova.services.openai_client import OpenAIMind  # noqa: PLC0415 - an HTTP client is slow to import

    async with open_http(settings.endpoint, "/v1") as client:
        about: Description = await OpenAIMind(client, settings, metadata=metadata_for(settings.endpoint)).describe()
    return about.models
