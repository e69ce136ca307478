"""Tries a new version beside the one that is served, then promotes it or rolls it back. A good one is always served.

``pin`` writes what should be served, ``load`` has the server do it. A server that restarts in between reads the same
file and comes up with the same versions.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from nova.errors import MindError
from nova.mind import Message, Mind
from nova.repository import versions
from nova.repository.control import ModelControl, Refused

Conversation = Sequence[Message]

SLOWER: Final = 1.5
"""The candidate's first token may take this many times as long as the stable version's, and :data:`JITTER` more."""

JITTER: Final = 0.05
"""Seconds of a first token that are the machine's noise and not the model's."""

GONE_SECONDS: Final = 10.0
"""A version that is not wanted any more finishes its requests and goes; one that is there longer than this is told."""


class Unjudged(MindError):
    """The stable version does not answer itself, so there is nothing to compare a candidate with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a version said. ``first_token`` in seconds, None if nothing came; ``error`` is one line."""

    text: str
    first_token: float | None = None
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether it came to its end and says something."""
        return not self.error and bool(self.text.strip())


@dataclass(frozen=True, slots=True)
class Trial:
    """The same conversations answered by both. ``reasons`` say why the candidate is not good enough; empty if it is."""

    stable: tuple[Answer, ...]
    candidate: tuple[Answer, ...]
    reasons: tuple[str, ...]


class Rollout:
    """Moves one model between versions: ``folder`` is its folder as this machine sees it, ``control`` its server."""

    def __init__(self, folder: Path, control: ModelControl) -> None:
        self.folder, self.control = folder, control

    @property
    def model(self) -> str:
        """The model's name on the server."""
        return self.folder.name

    async def canary(self, stable: int, candidate: int) -> None:
        """Serves both. If the candidate cannot be loaded, the stable one is alone again; raises :class:`Refused`."""
        await self._change([stable, candidate], back=[stable])

    async def serve(self, *wanted: int) -> None:
        """Serves exactly these versions and waits until each is ready.

        If that fails or the caller gives up, those that were served before are served, and pinned, again. Raises
        :class:`Refused`, :class:`~nova.repository.modelconfig.ConfigError` and ``grpc.aio.AioRpcError``.
        """
        await self._change(wanted, back=versions.served(self.folder))

    async def alone(self, stable: int) -> None:
        """Serves this version and leaves it pinned whatever happens: the way back from a canary. Raises as serve()."""
        await self._change([stable], back=[stable])

    async def leaving(self) -> list[int]:
        """Versions that are still being unloaded after :data:`GONE_SECONDS`, and hold their memory until they are.

        Returns as soon as there is none. Raises as :meth:`ModelControl.index`.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + GONE_SECONDS
        while True:
            found = [loaded.version for loaded in await self.control.index(self.model) if loaded.state == "UNLOADING"]
            if not found or loop.time() >= until:
                return found
            await asyncio.sleep(0.25)

    async def _change(self, wanted: Sequence[int], back: Sequence[int]) -> None:
        versions.pin(self.folder, wanted)
        try:
            await self.control.load(self.model)
            for version in wanted:
                if not await self.control.ready(self.model, version):
                    raise Refused(f"version {version} of {self.model} was loaded but is not ready")
        except BaseException:
            # A version that does not load must not stay pinned: with the next restart the server would have none. Also
            # where the caller gives up: the server is told, or it would go on with what was not wanted in the end.
            if back:
                versions.pin(self.folder, back)
                with suppress(Refused, grpc.aio.AioRpcError):  # the first error tells more: often the server is gone
                    await asyncio.shield(self.control.load(self.model))
            raise


async def tried(mind: Callable[[int], Mind], stable: int, candidate: int, talks: Sequence[Conversation]) -> Trial:
    """Asks both versions the same; ``mind`` gives the client of a version. One after the other, turn and turn about.

    Raises :class:`Unjudged` where the stable version fails, or answers none: what is wrong then may be the server, or
    the question, and a candidate that is no worse than that has shown nothing.
    """
    if not talks:
        raise ValueError("a trial needs a conversation")
    old, new = mind(stable), mind(candidate)
    await _answer(new, talks[0])  # the first request of an engine compiles and fills caches
    answers: tuple[list[Answer], list[Answer]] = ([], [])
    for number, talk in enumerate(talks, 1):
        answers[0].append(await _answer(old, talk))
        if error := answers[0][-1].error:
            raise Unjudged(
                f"version {candidate} cannot be judged: the stable version {stable} failed at conversation {number} of "
                f"{len(talks)}: {error}"
            )
        answers[1].append(await _answer(new, talk))
    if not any(answer.good for answer in answers[0]):
        raise Unjudged(f"version {candidate} cannot be judged: the stable version {stable} says nothing itself")
    return Trial(tuple(answers[0]), tuple(answers[1]), tuple(_reasons(*answers)))


async def _answer(mind: Mind, talk: Conversation) -> Answer:
    loop = asyncio.get_running_loop()
    start, first, pieces = loop.time(), None, []
    try:
        async with aclosing(mind.reply(talk)) as reply:
            async for piece in reply:
                first = loop.time() - start if first is None else first
                if isinstance(piece, str):
                    pieces.append(piece)
    except (MindError, grpc.aio.AioRpcError) as error:
        text = error.details() if isinstance(error, grpc.aio.AioRpcError) else str(error)
        return Answer("".join(pieces), first, " ".join((text or type(error).__name__).split())[:200])
    return Answer("".join(pieces), first)


def _reasons(old: Sequence[Answer], new: Sequence[Answer]) -> list[str]:
    """Only what a machine can tell: failures, silence, slowness. Whether it speaks well is for people to judge."""
    reasons = []
    failed = [answer.error for answer in new if answer.error]
    if failed:  # the stable version never did
        reasons.append(f"{len(failed)} of {len(new)} answers failed, the stable version's 0: {failed[0]}")
    before, after = (sum(not a.error and not a.good for a in answers) for answers in (old, new))
    if after > before:
        reasons.append(f"{after} of {len(new)} answers said nothing, the stable version's {before}")
    fast, slow = ([a.first_token for a in answers if a.first_token is not None] for answers in (old, new))
    if fast and slow and statistics.median(slow) > SLOWER * statistics.median(fast) + JITTER:
        ms = [f"{statistics.median(times) * 1000:.0f} ms" for times in (slow, fast)]
        reasons.append(f"the first token takes {ms[0]}, the stable version's {ms[1]}")
    return reasons
