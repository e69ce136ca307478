"""Checks run side by side, in time, and none hides another."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from fake_machines import FakeHost

from pipelines import virtual_time
from pipelines.doctor import inventory
from pipelines.doctor.checklist import Check, Context, run_checks
from pipelines.doctor.finding import Finding, Mark, Result, ok
from pipelines.doctor.framework import framework
from pipelines.doctor.host import SECONDS, Output
from pipelines.doctor.integration import INTEGRATION
from pipelines.doctor.manifest import Manifest, find_manifest, read_manifest
from pipelines.doctor.program import BASE
from pipelines.settings.model import Settings


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


async def never(c: Context) -> Result:
    await asyncio.sleep(1e6)
    return ok("")


@pytest.mark.parametrize("checks", [BASE, framework(Settings()), INTEGRATION], ids=["base", "framework", "integration"])
def test_every_probe_has_its_time(checks: tuple[Check, ...]) -> None:
    async def hangs() -> None:
        findings = await look(*(replace(check, probe=never) for check in checks))
        assert {finding.result.mark for finding in findings} == {Mark.FAIL}
        assert all(finding.seconds <= 90 for finding in findings)
        assert asyncio.get_running_loop().time() < 180  # all of them, sixteen at a time

    virtual_time.run(hangs())


class Hanging(FakeHost):
    """A machine on which every tool hangs until it is killed."""

    async def run(self, *command: str, seconds: float = SECONDS) -> Output:
        await asyncio.sleep(seconds)
        return Output(None, trouble="hangs")


def test_a_machine_whose_tools_all_hang_is_examined_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(host: str, port: int, seconds: float = 2.0) -> bool:
        await asyncio.sleep(seconds)
        return False

    async def look() -> None:
        context = Context(Hanging(), read_manifest(find_manifest("dgx-guide")), Settings())
        findings = {finding.key: finding.result async for finding in run_checks(BASE, context)}
        assert asyncio.get_running_loop().time() < 60
        told = [result.found for result in findings.values()]
        assert not any(words in said for said in told for words in ("no answer within", "the check itself failed"))
        assert findings["driver"].found.startswith("the driver does not answer")
        assert findings["docker"].found == "its daemon does not answer"

    monkeypatch.setattr(inventory, "listens", slow)
    virtual_time.run(look())
