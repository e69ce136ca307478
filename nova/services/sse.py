"""Server-sent events as language models send them: bytes in, JSON objects out. Pure.

Servers differ. Line ends may be LF, CRLF or CR, an event may lack the blank line behind it, and a proxy puts comments
in between. A server that was asked to stream may send one JSON object all the same, or a page that says why not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from nova.errors import ModelError, NoModelServer

LIMIT = 1 << 20
"""Bytes of one event or unstreamed answer that are accepted; a token needs a few hundred."""

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")  # a CR at the very end may be half of a CRLF
_FIELD = re.compile(rb"(data|event|id|retry)? ?:")


class Events:
    """One answer's stream for ``model``, which errors name.

    ``done`` says that ``[DONE]`` was read. Raises :class:`ModelError` for an event that is no JSON object, and
    :class:`NoModelServer` for a web page.
    """

    def __init__(self, model: str) -> None:
        self.done = False
        self._model = model
        self._rest = b""
        self._begun = False
        self._pending = ""  # data of an event that is not complete JSON yet
        self._kind = ""
        self._body = b""  # what is no event

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """The events that the next bytes complete; those before a faulty one are given first."""
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        if lines and not self._begun:
            self._begun, lines[0] = True, lines[0].removeprefix(b"\xef\xbb\xbf")
        self._limit(self._rest)
        for line in lines:
            yield from self._line(line)

    def finish(self) -> Iterator[dict[str, Any]]:
        """The stream has ended: its last event, or the whole answer where it was no stream."""
        rest, self._rest = self._rest.rstrip(b"\r"), b""
        yield from self._line(rest)
        yield from self._line(b"")
        if body := self._body.strip():
            self._body, self.done = b"", True
            yield self._object(body.decode("utf-8", "replace"))

    def _line(self, line: bytes) -> list[dict[str, Any]]:
        field = _FIELD.match(line)
        if not line.strip():
            kept, self._pending, self._kind = self._pending, "", ""
            return [self._object(kept)] if kept else []
        if not field or self._body:
            self._body += line + b"\n"
            self._limit(self._body)
            if self._body.lstrip()[:1] == b"<":
                raise NoModelServer(
                    f"model {self._model!r} answered with a web page: is this an OpenAI-compatible server?",
                    "Check llm.endpoint.target; a login page or a proxy may stand before the server",
                )
            return []
        value = line[field.end() :].strip().decode("utf-8", "replace")
        if field[1] == b"event":
            self._kind = value
        return self._data(value) if field[1] == b"data" else []

    def _data(self, value: str) -> list[dict[str, Any]]:
        if value == "[DONE]":
            self.done = True
            return []
        whole = f"{self._pending}\n{value}" if self._pending else value
        try:
            event = json.loads(whole)
        except (ValueError, RecursionError):
            self._pending = whole
            self._limit(whole)
            return []
        self._pending = ""
        if not isinstance(event, dict):
            raise self._junk(whole)
        if self._kind == "error" and "error" not in event:
            event = {"error": event}
        return [event]

    def _object(self, text: str) -> dict[str, Any]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self._junk(text)
        return value

    def _junk(self, text: str) -> ModelError:
        words = " ".join(text.split())[:200]
        return ModelError(f"model {self._model!r} sent what is no JSON object: {words}")

    def _limit(self, taken: bytes | str) -> None:
        if len(taken) > LIMIT:
            raise ModelError(f"model {self._model!r} sent an event of more than {LIMIT} bytes")
