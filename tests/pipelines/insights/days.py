"""Days of conversations as the report's grids, without a file: some slower than others as a whole, as real ones are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.insights.report.grid import Grid

MODELS, LENGTHS = ("nova-7", "nova-8"), ("short", "medium", "long")
CELLS = [(hour, "", "", model, length) for hour in range(24) for model in MODELS for length in LENGTHS]
TYPICAL = {"asr": 280.0, "llm": 120.0, "tts": 80.0}


def made(
    seed: int,
    *,
    conversations: int = 600,
    days: int = 21,
    slow: Mapping[str, object] | None = None,
    ms: float = 30.0,
    since: int = 14,
    share: float = 1.0,
) -> dict[str, Grid]:
    """Grids of three stages; ``slow`` has the stage, and any of hour and model, that is ``ms`` slower from a day on.

    ``share`` of the turns are.
    """
    rng = np.random.default_rng(seed)
    turns = rng.geometric(1 / 12, conversations * days)
    of = np.repeat(np.arange(len(turns)), turns)
    day = np.repeat(np.arange(days), conversations)[of]
    hour = np.minimum(23, rng.beta(2, 2, len(turns)) * 24).astype(int)[of]
    model = (rng.random(len(turns)) < 0.3).astype(int)[of]
    length = rng.integers(0, 3, len(of))
    cell = (hour * 2 + model) * 3 + length
    busy = np.exp(0.01 * rng.standard_normal(days))[day]  # some days are slower for all
    whole = np.exp(0.12 * rng.standard_normal(len(turns)))[of] * busy
    found = {}
    total = np.zeros(len(of))
    for stage, typical in (*TYPICAL.items(), ("voice_to_voice", 0.0)):
        value = typical * whole * np.exp(0.35 * rng.standard_normal(len(of))) if typical else total
        if slow is not None and slow["stage"] == stage:
            there = (day >= since) & (rng.random(len(of)) < share)
            there &= (hour == slow.get("hour", hour)) & (model == slow.get("model", model))
            value = value + ms * there
        total = total + value
        low, high, tail, end = np.quantile(value, (0.05, 0.95, 0.9, 0.99))
        sums = np.zeros((3, len(CELLS), days))
        for row, score in enumerate((np.ones(len(of)), value.clip(low, high), value.clip(tail, end) - tail)):
            np.add.at(sums[row], (cell, day), score)
        found[stage] = Grid(tuple(f"2026-11-{1 + n:02}" for n in range(days)), tuple(CELLS), *sums)
    return found
