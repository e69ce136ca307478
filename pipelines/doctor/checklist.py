"""Runs checks side by side, each with its time, and hands their findings out in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from pipelines.doctor.finding import Finding, Mark, Phase, Result, fail
from pipelines.doctor.host import Host, printable
from pipelines.doctor.manifest import Manifest
from pipelines.settings.model import Settings

T = TypeVar("T")

SECONDS: Final = 10.0
"""How long a check may take unless it says otherwise."""

AT_ONCE: Final = 16
"""Checks that run at the same time; more would only make tools slow that are quick alone."""


@dataclass(slots=True)
class Context:
    """What checks share: the machine, what is expected of it, the settings, and what one of them found for others."""

    host: Host
    manifest: Manifest
    settings: Settings
    _shared: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    async def once(self, name: str, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to ``ask``, which is asked only by the first who needs it; for ``name`` always the same."""

        async def asked() -> T:
            return await ask()

        if name not in self._shared:
            self._shared[name] = asyncio.create_task(asked(), name=f"doctor {name}")
        return cast(T, await asyncio.shield(self._shared[name]))

    async def aclose(self) -> None:
        """Ends what nobody waits for any more; the answers that are there stay."""
        late = {name: task for name, task in self._shared.items() if not task.done()}
        for name, task in late.items():
            task.cancel()
            del self._shared[name]
        await asyncio.gather(*late.values(), return_exceptions=True)

    def judge(self, key: str, version: str | None, found: str, fix: str) -> Result:
        """What ``found`` means where the manifest expects something of ``key``; ``version`` None: it is not there."""
        mark, expected = self.manifest.judge(key, version)
        return Result(mark, found, expected, "" if mark in (Mark.OK, Mark.SKIP) else fix, version)


Probe = Callable[[Context], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the checklist before it was looked at. ``why`` says what is lost without it."""

    phase: Phase
    group: str
    key: str
    title: str
    why: str
    probe: Probe
    seconds: float = SECONDS


async def run_checks(checks: Sequence[Check], context: Context) -> AsyncGenerator[Finding, None]:
    """Runs ``checks`` at the same time and yields their findings in the order of ``checks``.

    A check that takes longer than its time, or that fails in a way it did not foresee, is a finding like any other.
    """
    room = asyncio.Semaphore(AT_ONCE)
    tasks = [asyncio.create_task(_run(check, context, room), name=f"doctor {check.key}") for check in checks]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await context.aclose()


async def _run(check: Check, context: Context, room: asyncio.Semaphore) -> Finding:
    async with room:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(check.seconds):
                result = await check.probe(context)
        except TimeoutError:
            result = fail(f"no answer within {check.seconds:g} s", "look at why it hangs, then run the doctor again")
        except Exception as error:  # a defect of a probe must not hide what the others found
            told = " ".join(printable(str(error)).split())[:200]
            result = fail(f"the check itself failed: {type(error).__name__}: {told}", "report this: it is a defect")
    return Finding(check.phase, check.group, check.key, check.title, check.why, result, loop.time() - began)
