"""A server with everything behind it: a runtime, and simulated services over TLS in the same loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import aiohttp
from lab import Lab, config, serving
from served_page import trust

from pipelines.server.hall import Hall
from pipelines.server.serving import serving as serve
from pipelines.settings.model import load_settings
from pipelines.talk.runtime import Runtime

SERVICES = ("asr", "llm", "tts", "face")

SLOW = ("llm__first_token_timeout", "llm__token_timeout", "llm__call_timeout", "face__answer_seconds")
PATIENCE = dict.fromkeys((*SLOW, "tts__first_audio_seconds", "tts__chunk_seconds", "asr__answer_seconds"), 20)


@asynccontextmanager
async def house(
    tmp_path,
    pki,
    *,
    lab=None,
    local=None,
    talking=lambda count: None,
    emotions=None,
    stream=None,
    seconds=55,
    patient=False,
    insights=None,
    tools=None,
    **server,
):
    """Yields a client's session, the address and the runtime. ``local`` makes the hub of a local conversation.

    ``insights`` are settings of what is kept, ``tools`` of her own tools. It is over after so many ``seconds``.
    ``patient``: services may be slow, on a machine with much else to do."""
    lab = lab or Lab()
    async with serving(lab, pki) as port:
        settings = load_settings(
            config(tmp_path, pki, dict.fromkeys(SERVICES, port), **(PATIENCE if patient else {})), {}, {}
        )
        wished = {"port": 0, "cert": pki / "server.crt", "key": pki / "server.key"} | server
        settings = settings.model_copy(update={"server": settings.server.model_copy(update=wished)})
        settings = settings.model_copy(update={"face": settings.face.model_copy(update={"emotions": emotions or {}})})
        kept = settings.insights.model_copy(update=insights or {})
        settings = settings.model_copy(update={"insights": kept})
        own = settings.tools.model_copy(update=tools or {})
        settings = settings.model_copy(update={"tools": own})
        async with Runtime(settings, sessions=8) as runtime:
            hub = local(runtime) if local else None
            async with serve(runtime, Hall(runtime, local=hub, talking=talking, stream=stream)) as address:
                connector = aiohttp.TCPConnector(ssl=trust(pki))
                async with aiohttp.ClientSession(connector=connector) as client, asyncio.timeout(seconds):
                    yield client, address.rstrip("/"), runtime
