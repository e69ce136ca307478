"""One server of MCP: kept connected by one task, its tools listed, called and listed anew when they change.

A server that dies is started again after a pause that grows. Meanwhile its tools stay known, and answer with a sentence
that says so. One that does not answer twice in a row is taken for dead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import anyio
import httpx2
import mcp_types
from mcp.client.client import Client
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from nova.services.http import transport_error
from nova.tools import ToolError
from pipelines.failures import clean, explain
from pipelines.services.channels import CredentialsError, ProxyError
from pipelines.settings.mcp import McpServerSettings
from pipelines.tools.mcp.naming import plain
from pipelines.tools.mcp.pipes import NotStarted, Pipes
from pipelines.tools.mcp.results import told
from pipelines.tools.mcp.web import web
from pipelines.tools.progress import listener

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds before a server is tried again: the first time, and after it has failed for minutes."""

STEADY_SECONDS = 60.0
"""A server that was there for so long begins with the first pause again."""

SILENCES = 2
"""Calls in a row without an answer after which a server is taken for dead."""

AT_ONCE = 8
"""Calls that a server gets at the same time; further ones wait."""

RELIST_SECONDS = 1.0
"""A server that keeps changing its tools is asked for them so often at most."""

LISTEN_SECONDS = 30.0
"""Before a server that no longer tells of changes is asked to once more."""

MOST_PAGES = 20
MOST_LISTED = 500
"""Of a server's list of tools, that much is read."""

END_SECONDS = (1.8, 0.2)
"""For a server's task to end, once it is cancelled and once more."""

STOP_SECONDS = 1.0
"""For a server behind an address to hear that we leave."""

ERROR_CHARS = 300
PROGRESS_CHARS = 120

CLOSED = ("Connection closed", "SSE stream", "Session terminated", "Server returned an error response", "Not Found")
"""How what the library says begins of a server behind an address that is gone, or knows our session no more."""

US = mcp_types.Implementation(name="sophia", version="1")

T = TypeVar("T")

_log = logging.getLogger(__name__)


class _Lost(Exception):
    """The connection has ended; the message says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a server is: ``failure`` says in plain words why it is not ``up``; ``seconds`` is how long it took to be.

    ``latency`` is how long it took to list its ``tools``, in seconds.
    """

    up: bool = False
    failure: str = "it is starting"
    version: str = ""
    protocol: str = ""
    seconds: float = 0.0
    latency: float = 0.0
    tools: tuple[mcp_types.Tool, ...] = ()


class McpServer:
    """A server called ``name``, connected while it is :meth:`running`. ``changed`` hears of a new :attr:`standing`."""

    def __init__(self, name: str, settings: McpServerSettings, changed: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self.settings = settings
        self.standing = Standing()
        self.tried = asyncio.Event()
        """Set once it was up, or has failed, for the first time."""
        self._changed = changed
        self._client: Client | None = None
        self._pipes: Pipes | None = None
        self._up = asyncio.Event()
        self._news = asyncio.Event()
        self._lost = ""
        self._silent = 0
        self._ending = False
        self._task: asyncio.Task[None] | None = None
        self._requests: set[asyncio.Task[Any]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps it connected until the block ends."""
        self.begin()
        try:
            yield
        finally:
            await self.end()

    def begin(self) -> None:
        """Begins to keep it connected, by one task."""
        self._task = asyncio.create_task(self._run(), name=f"mcp {self.name}")

    async def end(self) -> None:
        """Ends that, within 2 s."""
        self._ending = True
        for seconds in END_SECONDS:  # a library that is closing may have taken our cancelling for its own
            if self._task:
                self._task.cancel()
                if (await asyncio.wait([self._task], timeout=seconds))[0]:
                    return
        _log.warning("the MCP server %s does not end; it is left to itself", self.name)

    async def _run(self) -> None:
        """Connects it, and again whenever it is lost."""
        time, pause = asyncio.get_running_loop().time, FIRST_PAUSE
        while not self._ending:
            began = time()
            try:
                await self._serve()
            except Exception as error:  # whatever a server or the library does: it is tried again
                failure = self._lost or self._why(error)
            if self._ending:
                return
            self._stand(Standing(False, failure, tools=self.standing.tools))
            _log.warning("the MCP server %s is away: %s", self.name, failure)
            if time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def call(self, tool: str, arguments: Mapping[str, Any], seconds: float, *, reads: bool = False) -> str:
        """What ``tool`` says; raises :class:`~nova.tools.ToolError`. If it only ``reads``, it is tried twice."""
        time = asyncio.get_running_loop().time
        until = time() + seconds
        async with self._room:
            if self._client is None:
                raise ToolError(f"{self.name} is away just now, and nothing was done: {self.standing.failure}")
            try:
                return await self._ask(self._client, tool, arguments, until - time())
            except _Lost as lost:
                self._lose(str(lost))
                if reads and await self._is_back(until - time()) and self._client:
                    try:
                        return await self._ask(self._client, tool, arguments, until - time())
                    except _Lost as again:
                        self._lose(str(again))
                known = "nothing was done" if reads else "whether it was done is not known"
                raise ToolError(f"{self.name} was lost in the middle of it, and {known}") from None

    async def _ask(self, client: Client, tool: str, arguments: Mapping[str, Any], seconds: float) -> str:
        """One call. Its result is not checked against the server's own schema: its patterns could hold us up."""
        params = mcp_types.CallToolRequestParams(name=tool, arguments=dict(arguments))
        tell = listener.get()

        async def progressed(progress: float, total: float | None, message: str | None) -> None:
            share = f"{progress:g} of {total:g}" if total else f"{progress:g}"
            tell(plain(f"{share}: {message}" if message else share, PROGRESS_CHARS))

        request = client.session.send_request(
            mcp_types.CallToolRequest(params=params),
            mcp_types.CallToolResult,
            request_read_timeout_seconds=seconds,
            progress_callback=progressed,
        )
        try:
            result = await self._within(seconds, request)
        except TimeoutError:
            raise self._was_silent(seconds) from None
        except MCPError as error:
            if error.code == mcp_types.REQUEST_TIMEOUT:
                raise self._was_silent(seconds) from None
            if self._is_closed(error):
                raise _Lost(self._ended()) from None
            raise ToolError(plain(error.message, ERROR_CHARS) or "it refuses, and does not say why") from None
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            raise _Lost(self._ended()) from None
        except ValidationError:
            raise ToolError(f"{self.name} answered in a form that cannot be read") from None
        self._silent = 0
        return told(result)

    async def _within(self, seconds: float, request: Coroutine[Any, Any, T]) -> T:
        """What comes of a request. One that is given up may take seconds to be: it tells a server that may hang."""
        task = asyncio.create_task(request)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        try:
            done, _ = await asyncio.wait([task], timeout=seconds)
        finally:
            task.cancel()  # has no effect on one that is done
        if not done:
            task.add_done_callback(lambda late: late.cancelled() or late.exception())
            raise TimeoutError
        return task.result()

    def _was_silent(self, seconds: float) -> ToolError:
        self._silent += 1
        if self._silent >= SILENCES:
            self._lose(f"it gave no answer {SILENCES} times in a row")
        return ToolError(f"{self.name} gave no answer within {seconds:.0f} seconds")

    async def _is_back(self, seconds: float) -> bool:
        """Whether it is connected again by then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._up.wait()
        return self._up.is_set()

    # The connection

    async def _serve(self) -> None:
        """Connects, tells what it has, and stays until it is lost; raises why."""
        settings, time = self.settings, asyncio.get_running_loop().time
        began = time()
        self._lost, self._silent = "", 0
        self._news.clear()
        self._pipes = Pipes(settings) if settings.command is not None else None
        transport = self._pipes.open() if self._pipes else web(settings, STOP_SECONDS)
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(settings.start_seconds):
                    client = await stack.enter_async_context(
                        Client(
                            transport,
                            read_timeout_seconds=settings.start_seconds / 2,
                            client_info=US,
                            message_handler=self._noticed,
                            cache=None,
                        )
                    )
                    asked = time()
                    tools = await _listed(client)
                    latency = time() - asked
                group = await stack.enter_async_context(anyio.create_task_group())
                group.start_soon(self._subscribe, client)
                if self._pipes:
                    group.start_soon(self._watch, self._pipes)
                self._client = client
                about = client.server_info
                self._stand(
                    Standing(
                        up=True,
                        failure="",
                        version=plain(f"{about.name} {about.version}", 80) if about else "",
                        protocol=client.protocol_version,
                        seconds=time() - began,
                        latency=latency,
                        tools=tools,
                    )
                )
                await self._stay(client)
                group.cancel_scope.cancel()
        finally:
            self._client = None
            self._up.clear()
        raise _Lost(self._lost)

    async def _stay(self, client: Client) -> None:
        """Lists its tools anew whenever they have changed, until it is lost."""
        while True:
            await self._news.wait()
            if self._lost:
                return
            self._news.clear()
            tools = await _listed(client)
            if tools != self.standing.tools:
                self._stand(replace(self.standing, tools=tools))
            await asyncio.sleep(RELIST_SECONDS)

    async def _noticed(self, message: IncomingMessage) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._news.set()

    async def _subscribe(self, client: Client) -> None:
        """Asks to be told of changes, where the protocol wants that."""
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        while True:
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    self._news.set()  # they may have changed since they were listed
                    async for _ in changes:
                        self._news.set()
            except SubscriptionLost:
                pass
            except (MCPError, TimeoutError):
                return  # it does not tell of changes
            await asyncio.sleep(LISTEN_SECONDS)

    async def _watch(self, pipes: Pipes) -> None:
        await pipes.ended.wait()
        self._lose(self._ended())

    def _lose(self, why: str) -> None:
        """Has the connection ended by the task that keeps it."""
        if not self._lost and self._client is not None:
            self._client = None
            self._up.clear()
            self._lost = why
            self._news.set()

    def _is_closed(self, error: MCPError) -> bool:
        """Whether the library says that the connection is closed. Some servers use its number for errors of theirs."""
        if self._pipes:
            return error.code == mcp_types.CONNECTION_CLOSED and self._pipes.ended.is_set()
        return error.message.startswith(CLOSED)

    def _ended(self) -> str:
        """Why the connection has ended, as far as that is known."""
        pipes = self._pipes
        if pipes is None:
            return "its connection has ended"
        if pipes.excess:
            return pipes.excess
        return f"its program has ended, and said last: {pipes.last[-1]}" if pipes.last else "its program has ended"

    def _why(self, error: BaseException) -> str:
        """Why it is away, in plain words."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, _Lost):
            return str(error)
        if isinstance(error, NotStarted | CredentialsError | ProxyError):
            return clean(str(error))
        if isinstance(error, TimeoutError):
            said = f", and said last: {self._pipes.last[-1]}" if self._pipes and self._pipes.last else ""
            return f"it was not ready within {self.settings.start_seconds:g} s{said}"
        if isinstance(error, MCPError) and not self._is_closed(error):
            return f"it refuses us: {plain(error.message, ERROR_CHARS)}"
        if self._pipes is None and isinstance(error, httpx2.HTTPError):
            return explain(transport_error(error), "server", self.settings.endpoint).line.rstrip(".")
        if isinstance(error, MCPError | anyio.ClosedResourceError | anyio.BrokenResourceError):
            return self._ended()
        return f"it does not keep to the protocol ({type(error).__name__})"

    def _stand(self, standing: Standing) -> None:
        self.standing = standing
        self.tried.set()
        if standing.up:
            self._up.set()
        self._changed()


async def _listed(client: Client) -> tuple[mcp_types.Tool, ...]:
    """The server's tools, or none where it has none; a list without an end is cut."""
    if client.server_capabilities.tools is None:
        return ()
    found: list[mcp_types.Tool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None or len(found) >= MOST_LISTED:
            break
    return tuple(found[:MOST_LISTED])
