"""Checks run side by side, in time, and none hides another."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from fake_machines import FakeHost

from pipelines import virtual_time
from pipelines.doctor.checklist import Check, Context, run_checks
from pipelines.doctor.finding import Finding, Mark, Result, ok
from pipelines.doctor.manifest import Manifest
from pipelines.settings import Settings


def timeless(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def run() -> None:
        virtual_time.run(test())

    return run


def check(key: str, probe, seconds: float = 10.0) -> Check:
    return Check("base", "group", key, key, "why", probe, seconds)


async def look(*checks: Check) -> list[Finding]:
    context = Context(FakeHost(), Manifest(title="none"), Settings())
    return [finding async for finding in run_checks(checks, context)]


def after(seconds: float):
    async def probe(c: Context) -> Result:
        await asyncio.sleep(seconds)
        return ok("done")

    return probe


@timeless
async def test_side_by_side_and_in_order() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    findings = await look(check("slow", after(3)), check("quick", after(1)))
    assert [finding.key for finding in findings] == ["slow", "quick"]
    assert loop.time() - began == pytest.approx(3)
    assert findings[1].seconds == pytest.approx(1)


@timeless
async def test_one_that_hangs_is_a_finding() -> None:
    hanging, fine = await look(check("hangs", after(1000), 4), check("fine", after(0)))
    assert (hanging.result.mark, hanging.result.found) == (Mark.FAIL, "no answer within 4 s")
    assert hanging.seconds == pytest.approx(4)
    assert fine.result.mark is Mark.OK


@timeless
async def test_a_defect_is_a_finding() -> None:
    async def breaks(c: Context) -> Result:
        raise RuntimeError("\x1b[31mboom")

    broken, fine = await look(check("breaks", breaks), check("fine", after(0)))
    assert broken.result.found == "the check itself failed: RuntimeError: [31mboom"
    assert fine.result.mark is Mark.OK


@timeless
async def test_what_several_need_is_asked_once_and_outlives_who_asked_first() -> None:
    asked = []

    async def ask() -> str:
        asked.append(1)
        await asyncio.sleep(5)
        return "answer"

    async def probe(c: Context) -> Result:
        return ok(await c.once("it", ask))

    impatient, patient = await look(check("impatient", probe, 2), check("patient", probe, 10))
    assert impatient.result.mark is Mark.FAIL
    assert patient.result.found == "answer"
    assert len(asked) == 1


@timeless
async def test_whoever_stops_looking_leaves_nothing_behind() -> None:
    context = Context(FakeHost(), Manifest(title="none"), Settings())

    async def probe(c: Context) -> Result:
        await c.once("forever", lambda: asyncio.sleep(1000))
        return ok("")

    before = asyncio.all_tasks()
    findings = run_checks([check("first", after(0)), check("second", probe)], context)
    assert (await anext(findings)).key == "first"
    await findings.aclose()
    assert asyncio.all_tasks() == before
