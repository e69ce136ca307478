"""Base, the turn model on audio: whether its file is there and whole, where the settings listen to how turns sound."""

from __future__ import annotations

import asyncio
from typing import Final

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.finding import Result, fail, ok, skip
from pipelines.doctor.host import printable
from pipelines.embedded.speech.fetched import SMART_TURN, turn_model
from pipelines.home import home
from sophia.smart_turn import SmartTurn, TurnModelUnusable


async def _turn_model(c: Context) -> Result:
    if not c.settings.turns.sound_veto:
        return skip("not asked for: turns.sound_veto is 0; the words decide alone when a turn is over")
    file = turn_model(home())
    try:
        await asyncio.to_thread(SmartTurn, file)
    except TurnModelUnusable as unusable:
        return fail(printable(str(unusable)), "make prepare EXTRAS=turn")
    return ok(printable(f"{SMART_TURN.name}, {file.stat().st_size / 1e6:.0f} MB, whole"))


TURN_MODEL: Final = Check(
    "base", "inventory", "turn_model", "turn model on audio", "it hears by the sound that a user is not done",
    _turn_model,
)  # fmt: skip
