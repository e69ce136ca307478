"""Tests that wait for real time wait together: ``@pytest.mark.side_by_side`` on coroutine tests of a module.

When the first of them runs, all of the module's run, in one event loop. Each has its own folder, time limit and
outcome: one that fails fails alone, with its own traceback. They may ask for ``tmp_path``, parameters and fixtures of
the session. What changes the process (patches, environment, signals, limits of the kernel) must not carry the mark.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import pytest

LIMIT = 120.0
"""Seconds for each test, from its own start; pytest's time limit on the first one bounds all of them together."""

AT_ONCE = 5
"""So many run at a time: they wait for clocks, not for processors, as long as they are few."""

APART = 0.2
"""Seconds between their starts: a session is opened in a tenth of a second during which the others are not served."""

_ENDS = pytest.StashKey[dict[str, BaseException | None]]()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Passes or fails a marked test with what came of it beside the others of its module."""
    if not _marked(pyfuncitem):
        return None
    ends = pyfuncitem.session.stash.setdefault(_ENDS, {})
    if pyfuncitem.nodeid not in ends:
        module = pyfuncitem.module
        beside = [
            item
            for item in pyfuncitem.session.items
            if isinstance(item, pytest.Function) and item.module is module and _marked(item)
        ]
        arguments = {item.nodeid: _arguments(item, pyfuncitem) for item in beside}
        ends |= asyncio.run(_all({item.nodeid: _function(item) for item in beside}, arguments))
    if error := ends[pyfuncitem.nodeid]:
        raise error
    return True


def _marked(item: pytest.Item) -> bool:
    return item.get_closest_marker("side_by_side") is not None


def _function(item: pytest.Function) -> Any:
    return getattr(item.module, item.originalname)  # the item's own is wrapped for a loop of its own


def _arguments(item: pytest.Function, asking: pytest.Function) -> dict[str, Any]:
    """What ``item`` asks for, while only ``asking`` is set up."""
    request = asking._request
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    found = {}
    for name in item._fixtureinfo.argnames:
        if name in parameters:
            found[name] = parameters[name]
        elif name == "tmp_path":
            folder = re.sub(r"\W", "_", item.name)[:30]
            found[name] = request.getfixturevalue("tmp_path_factory").mktemp(folder)
        else:
            scope = item._fixtureinfo.name2fixturedefs[name][-1].scope
            assert scope == "session", f"{item.name} runs beside others and asks for {name} of its own {scope}"
            found[name] = request.getfixturevalue(name)
    return found


async def _all(
    functions: Mapping[str, Any], arguments: Mapping[str, dict[str, Any]]
) -> dict[str, BaseException | None]:
    places, turn = asyncio.Semaphore(AT_ONCE), asyncio.Lock()

    async def end(name: str) -> BaseException | None:
        async with places:
            async with turn:
                await asyncio.sleep(APART)
            return await end_of(name)

    async def end_of(name: str) -> BaseException | None:
        try:
            async with asyncio.timeout(LIMIT):
                await functions[name](**arguments[name])
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
            return error
        return None

    async with asyncio.TaskGroup() as group:
        running = {name: group.create_task(end(name), name=name) for name in functions}
    return {name: task.result() for name, task in running.items()}
