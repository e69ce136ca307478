"""Runs trials: makes what a fault needs, starts the program, lets the fault befall it, ends it, and judges."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from benchmarks.chaos.fault import Fault
from benchmarks.chaos.judge import breaches
from benchmarks.chaos.link import Link
from benchmarks.chaos.relay import Relay, relayed
from benchmarks.chaos.trial import BITES, ROOT, ROUNDS, Record, TooLate, Trial, data_folder
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.settings.model import load_settings

SETTLE_SECONDS = 3.0
"""Between the last answer and the count of what the program has: gRPC lets go of calls, and the kernel of sockets."""

SERVED = {"asr": "speech", "tts": "speech", "llm": "triton", "face": "face"}


async def tried(fault: Fault, target: str, seed: int, keep: Path | None) -> dict[str, Any]:
    """One trial and its judgement, as plain data; what it leaves behind is kept in a folder under ``keep``."""
    try:
        if keep:
            return await _tried(fault, target, seed, Path(tempfile.mkdtemp(f"-{fault.name}-{target}", dir=keep)))
        with tempfile.TemporaryDirectory(prefix="chaos-") as name:
            return await _tried(fault, target, seed, Path(name))
    except Exception as error:  # it says nothing of the program, and the other trials go on
        record = Record(Path())
        return _plain(fault, target, record, [f"the trial itself failed: {type(error).__name__}: {error}"], 0.0)


async def _tried(fault: Fault, target: str, seed: int, folder: Path) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    record = Record(folder)
    trial = Trial(target, random.Random(f"{seed}/{fault.name}/{target}"), record)
    async with AsyncExitStack() as stack:
        environment = stack.enter_context(fault.around(folder))
        config, home = "embedded.yaml", data_folder(folder)
        if fault.link:
            trial.link = stack.enter_context(Link(seed))
        if fault.lines:
            embedded = EmbeddedServices(load_settings([config]), home, record.notes.append)
            services = await stack.enter_async_context(embedded)
            host = trial.link.host if trial.link else "127.0.0.1"
            for service, process in services.running.items():
                line = relayed(process.port, trial.chance, host)
                trial.relays = {**trial.relays, service: await stack.enter_async_context(line)}
            config = _written(folder / "lines.yaml", _reached(trial.relays, services, host))
        own = {"SOPHIA_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "200", "OPENBLAS_NUM_THREADS": "1"}
        command = fault.wrap(_command(target, config, fault.settings))
        if trial.link:
            command = trial.link.inside(command)
        try:
            await trial.start(command, environment | own)
            await _befall(fault, trial)
        except (TooLate, TimeoutError, OSError) as error:
            record.breaches.append(f"{type(error).__name__}: {error}" if not isinstance(error, TooLate) else str(error))
        finally:
            await trial.stop()
        record.turns = trial.turns()
        with suppress(OSError):
            record.log = (home / "logs/voice_loop.log").read_text(errors="replace")
        found = breaches(fault, target, record)
    return _plain(fault, target, record, found, loop.time() - began)


async def _befall(fault: Fault, trial: Trial) -> None:
    record = trial.record
    if trial.target == "server":
        await trial.call()
    await trial.until(lambda: trial.replied() >= 1, "a turn is answered")
    record.before = trial.level()
    await fault.inject(trial)
    if answers := fault.answers(trial.target):
        await trial.recovers(answers)
    if not fault.ends:
        await asyncio.sleep(SETTLE_SECONDS)
        record.after = trial.level()


def _command(target: str, config: str, settings: tuple[str, ...]) -> list[str]:
    if target == "server":
        command = [sys.executable, "-m", "pipelines.server", "--config", config, "--set", "server.port=0"]
    else:
        command = [sys.executable, "-m", "pipelines.voice_loop", "--config", config, "--set", "server.enabled=false"]
        command += ["--json", "turns.jsonl", "--record", "take", "--soundbite", *map(str, BITES * ROUNDS)]
    for setting in settings:
        command[5:5] = ["--set", setting]
    return command


def _written(path: Path, settings: dict[str, Any]) -> str:
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return str(path)


def _reached(relays: Mapping[str, Relay], services: EmbeddedServices, host: str) -> dict[str, Any]:
    authority = str((services.tls / "ca.crt").absolute())

    def at(line: str) -> dict[str, Any]:
        tls = {"ca": authority, "server_name": "localhost"}
        return {"endpoint": {"target": f"{host}:{relays[line].port}", "tls": tls}}

    return {name: at(line) for name, line in SERVED.items()} | {"embedded": False}


def _plain(fault: Fault, target: str, record: Record, found: list[str], seconds: float) -> dict[str, Any]:
    outcomes = Counter(turn["outcome"] for turn in record.turns)
    return {
        "fault": fault.name,
        "target": target,
        "breaches": found,
        "exit_code": record.code,
        "stop_seconds": None if record.stop_seconds is None else round(record.stop_seconds, 2),
        "load": round(record.load, 1),
        "first_answer_seconds": None if record.recovery_seconds is None else round(record.recovery_seconds, 1),
        "turns": dict(outcomes),
        "before": record.before and asdict(record.before),
        "after": record.after and asdict(record.after),
        "notes": record.notes,
        "notices": sorted({notice for caller in record.callers for notice in caller.notices}),
        "said": [line for line in record.output.splitlines() if line.startswith(("!", "The ", "speech", "llm"))][:20],
        "seconds": round(seconds),
    }
