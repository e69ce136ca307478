"""Programs have her say something to everybody who talks to her here: by ``say``, ``ask``, or Alertmanager's webhook.

    POST /v1/sophia/say      {"text": "…"} word for word, or {"about": "…"} in her own words
    POST /v1/sophia/alerts   what Alertmanager's webhook sends, version 4

Both want the key that clients show, and ``server.announcements``. What is told waits until nobody speaks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.server.access import Access, Refusal
from pipelines.server.alerts import AlertBook, Notification
from pipelines.server.app import UNCACHED, refused, with_key
from sophia.events import AskRequested, SayRequested

SAY: Final = "/v1/sophia/say"
ALERTS: Final = "/v1/sophia/alerts"

MOST_TEXT: Final = 2000
"""Characters that are said at once."""

BODY_SECONDS: Final = 10.0
"""Longest wait for the body of a request."""

OFF: Final = Refusal(403, "announcements_off", "Programs may announce nothing here (server.announcements).")

Announce = Callable[[SayRequested | AskRequested], int]
"""Tells it to everybody who wants to hear of such; returns to how many."""


class Wanted(BaseModel):
    """What a program wants told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field("", max_length=MOST_TEXT)
    about: str = Field("", max_length=MOST_TEXT)

    @model_validator(mode="after")
    def _is_one(self) -> Wanted:
        words = [part for part in (self.text, self.about) if any(char.isalnum() for char in part)]
        if len(words) != 1 or (self.text and self.about):
            raise ValueError("give 'text', to be said, or 'about', to be told of")
        return self


class Announcing:
    """The routes of one server; ``english``: alerts are said word for word, else a mind finds the words."""

    def __init__(self, access: Access, announce: Announce, *, allowed: bool, english: bool) -> None:
        self._access, self._announce = access, announce
        self._allowed, self._english = allowed, english
        self._book = AlertBook()

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.post(SAY, with_key(self._access, self._say)),
            web.post(ALERTS, with_key(self._access, self._alerts)),
        ]

    async def _say(self, request: web.Request) -> web.Response:
        def tell(body: object) -> int:
            wanted = Wanted.model_validate(body)
            return self._tell(wanted.text, wanted.about)

        return await self._answer(request, tell)

    async def _alerts(self, request: web.Request) -> web.Response:
        def tell(body: object) -> int:
            notification = Notification.model_validate(body)
            news = self._book.read(notification)
            told = max([self._tell(one.text if self._english else "", one.about) for one in news], default=0)
            if told:
                self._book.told(notification)
            return told

        return await self._answer(request, tell)

    async def _answer(self, request: web.Request, tell: Callable[[object], int]) -> web.Response:
        if not self._allowed:
            return refused(OFF)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = json.loads(await request.read())
            told = tell(body)
        except TimeoutError:
            return refused(Refusal(408, "request_timeout", "The body did not come."))
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            return refused(Refusal(400, "invalid_value", f"{place or 'The body'}: {fault['msg']}"[:300]))
        except (ValueError, RecursionError):
            return refused(Refusal(400, "invalid_value", "The body is no JSON."))
        return web.json_response({"told": told}, headers=UNCACHED)

    def _tell(self, text: str, about: str) -> int:
        at = asyncio.get_running_loop().time()
        if text:
            return self._announce(SayRequested(at=at, text=text, polite=True))
        return self._announce(AskRequested(at=at, about=about))
