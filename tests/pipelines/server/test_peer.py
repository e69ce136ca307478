"""A peer at the hands of somebody who keeps no rules: any offer is answered or refused, and nothing is left."""

import asyncio
import random

import pytest
from call_client import CallClient
from test_call import udp

from pipelines.server.offers import BadOffer
from pipelines.server.peer import Peer

SEEDS = range(40)


def spoiled(offer, chance):
    """Some lines of an offer are gone, double, changed, or somewhere else."""
    lines = offer.splitlines()
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(1, len(lines))
        match chance.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[at])
            case 2:
                lines[at] = lines[at][: chance.randrange(2, 12)]
            case 3:
                lines[at] = "".join(
                    chance.choice("0123456789:/ =-x") if chance.random() < 0.2 else c for c in lines[at]
                )
            case 4:
                lines.insert(chance.randrange(1, len(lines)), lines.pop(at))
    return "\r\n".join(lines) + "\r\n"


async def test_any_offer_is_answered_or_refused_and_nothing_is_left():
    sockets = udp()
    one = CallClient()
    offer = await one.offer()
    await one.close()
    outcomes = {"answered": 0, "refused": 0}
    for seed in SEEDS:
        peer = Peer(24_000, ["127.0.0.1"])
        try:
            async with asyncio.timeout(10):
                answer = await peer.answer(spoiled(offer, random.Random(seed)))
            assert answer.startswith("v=0")
            outcomes["answered"] += 1
        except BadOffer:
            outcomes["refused"] += 1
        finally:
            await peer.close()
    assert min(outcomes.values()) > 3, outcomes
    assert udp() == sockets


async def test_who_is_closed_before_anybody_came_tells_so():
    one = CallClient()
    peer = Peer(24_000, ["127.0.0.1"])
    try:
        await peer.answer(await one.offer())
        opened = asyncio.create_task(peer.opened())
        await asyncio.sleep(0)
        await peer.close()
        with pytest.raises(asyncio.CancelledError):
            await opened
    finally:
        await one.close()
