"""What programs ask over plain HTTP: which model there is, a client secret, whether she is ready, how it goes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from pipelines.server.access import Access, Refusal
from pipelines.server.app import UNCACHED, refused, with_key
from pipelines.server.realtime.session import Problem
from pipelines.server.secrets import LEAST_SECONDS, MOST_SECONDS, USUAL_SECONDS
from pipelines.server.visitor import IDENTIFIER, Pseudonym, with_person

REQUEST_BYTES = 64 << 10
"""The longest request for a secret that is read."""

Effective = Callable[[Mapping[str, Any]], tuple[dict[str, Any], list[Problem]]]
"""The session that comes of what was wished, and what of it cannot be."""


class Desk:
    """Answers for one server; ``ready`` says why no conversation can be begun just now, None if one can.

    ``load`` tells how many talk, and whether there is room. ``pseudonym`` is for the users that secrets are made for.
    """

    def __init__(
        self,
        access: Access,
        model: str,
        effective: Effective,
        ready: Callable[[], str | None],
        *,
        load: Callable[[], Mapping[str, Any]],
        registry: CollectorRegistry,
        pseudonym: Pseudonym,
    ) -> None:
        self._access, self._model, self._effective, self._ready = access, model, effective, ready
        self._load, self._registry, self._pseudonym = load, registry, pseudonym

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.get("/v1/models", with_key(self._access, self._models)),
            web.get("/v1/models/{model}", with_key(self._access, self._one_model)),
            web.post("/v1/realtime/client_secrets", with_key(self._access, self._client_secret)),
            web.get("/metrics", with_key(self._access, self._metrics)),
            web.get("/load", with_key(self._access, self._loaded)),
            web.get("/readyz", self._readyz),
        ]

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [self._described()]})

    async def _one_model(self, request: web.Request) -> web.Response:
        if request.match_info["model"] != self._model:
            return refused(Refusal(404, "model_not_found", f"There is one model here: {self._model}."))
        return web.json_response(self._described())

    def _described(self) -> dict[str, Any]:
        return {"id": self._model, "object": "model", "created": 0, "owned_by": "sophia"}

    async def _client_secret(self, request: web.Request) -> web.Response:
        if (request.content_length or 0) > REQUEST_BYTES:
            return refused(Refusal(413, "request_too_large", f"A request has at most {REQUEST_BYTES} bytes."))
        try:
            wish = json.loads(await request.read() or b"{}")
            session, seconds = _asked(wish)
            effective, problems = self._effective(session)
            if problems:
                raise ValueError(problems[0].message)
            expires_at = int(time.time()) + seconds
            person = self._pseudonym(request.headers.get(IDENTIFIER, ""))
            value = self._access.secrets.mint(with_person(session, person), expires_at)
        except (ValueError, RecursionError) as error:
            told = "The body is no JSON." if isinstance(error, json.JSONDecodeError | RecursionError) else str(error)
            return refused(Refusal(400, "invalid_value", told))
        answer = {"value": value, "expires_at": expires_at, "session": effective}
        return web.json_response(answer, headers=UNCACHED)

    async def _readyz(self, request: web.Request) -> web.Response:
        why = self._ready()
        return web.Response(text=f"{why or 'ready'}\n", status=503 if why else 200, headers=UNCACHED)

    async def _loaded(self, request: web.Request) -> web.Response:
        return web.json_response(self._load(), headers=UNCACHED)

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": kind, **UNCACHED})


def _asked(wish: object) -> tuple[dict[str, Any], int]:
    """The session and the life of a secret that is asked for; raises ``ValueError``."""
    if not isinstance(wish, dict):
        raise ValueError("The body is a JSON object.")
    session, after = wish.get("session", {}), wish.get("expires_after", {})
    if not isinstance(session, dict) or not isinstance(after, dict):
        raise ValueError("'session' and 'expires_after' are objects.")
    if after.get("anchor", "created_at") != "created_at":
        raise ValueError("expires_after.anchor is 'created_at'.")
    seconds = after.get("seconds", USUAL_SECONDS)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise ValueError(f"expires_after.seconds is a whole number from {LEAST_SECONDS} to {MOST_SECONDS}.")
    return session, seconds
