"""Her page beside the conversation at this machine's microphone: it shows that one, and lets others talk to her.

While somebody talks to her in a page, the microphone here rests. One voice at a time is heard in a room, and the page's
sound would come in here as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from pipelines.conversation.observers import Observer
from pipelines.server.errors import ServerError
from pipelines.server.hall import Hall
from pipelines.server.serving import serving
from pipelines.server.watch import Hub
from pipelines.talk.runtime import Runtime
from pipelines.talk.session import Session


@asynccontextmanager
async def her_page(
    runtime: Runtime,
    rest: Callable[[bool], None],
    say: Callable[[str], None],
    session: Callable[[], Session | None],
) -> AsyncIterator[Sequence[Observer]]:
    """Serves her page until the block ends; yields who is to watch the local conversation.

    ``rest`` is told whether the microphone is to rest, ``say`` is handed lines for people. ``session`` gives the local
    conversation once there is one. What keeps the page from being there keeps nobody from talking.
    """
    hub = Hub(runtime.reply_rate, session)
    async with AsyncExitStack() as stack:
        try:
            hall = Hall(runtime, local=hub, talking=lambda count: rest(count > 0))
            page = serving(runtime, hall, any_port=True)
            address = await stack.enter_async_context(page)
        except ServerError as error:
            say(f"There is no page of her: {error}.")
            yield ()
            return
        say(f"See her in a browser: {address}")
        yield (hub,)
