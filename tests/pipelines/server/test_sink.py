"""Her voice over a network, on the virtual clock: in real time, to the sample, and silent when told."""

import asyncio

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from remote import Remote

from pipelines.server.sink import NetworkSink
from pipelines.virtual_time import run
from sophia.playout import Playout
from sophia.playout_events import PlayoutStarted, PlayoutUnderrun

RATE = 24_000
FEW = settings(max_examples=25, phases=[Phase.explicit, Phase.generate])  # each is seconds of a talk


class Line:
    """A playout, a sink, a network and a client."""

    def __init__(self, *, lead=0.1, obeys=True, keeps=False, **remote):
        self.events = []
        self.blocks = []
        self.sent, self.rests = [], []
        self.playout = Playout(RATE, self.events.append, cushion_seconds=0.04, tap=self._tap)
        self.remote = Remote(RATE, report=self._reported, **remote)
        self.loop = asyncio.get_running_loop()
        self.sink = NetworkSink(lead=lead, obeys=obeys, keeps=keeps, rests=lambda: self.rests.append(self.loop.time()))
        self.offs = []

    def _tap(self, pcm, time, pieces):
        self.blocks.append((self.loop.time(), time))
        self.sent.append(pcm)
        for piece in pieces:
            self.remote.send(piece.generation, piece.first, pcm[piece.offset : piece.offset + piece.count])

    def _reported(self, generation, sample, playing):
        if playing:
            self.offs.append(self.sink.reported(generation, sample, self.loop.time()))
        else:
            self.sink.stopped(generation, sample)

    def pause(self):
        assert self.playout.pause()
        self.remote.pause()

    def clear(self):
        self.remote.pause()
        return self.playout.clear()

    async def say(self, generation, seconds, speed=8.0, piece=0.04):
        """A voice that makes ``seconds`` of sound, faster or slower than real time."""
        self.playout.open(generation)
        self.playout.release(generation)
        for _ in range(round(seconds / piece)):
            await self.playout.push(generation, np.full(round(piece * RATE), 5000, np.int16))
            await asyncio.sleep(piece / speed)
        self.playout.finish(generation)


def hold(scenario, **options):
    async def main():
        line = Line(**options)
        async with asyncio.TaskGroup() as group:
            work = [group.create_task(line.sink.run(line.playout)), group.create_task(line.remote.run())]
            await scenario(line)
            for task in work:
                task.cancel()
        return line

    return run(main())


def said(seconds=3.0, wait=None, **options):
    async def scenario(line):
        await line.say(1, seconds)
        await asyncio.sleep(seconds + 1 if wait is None else wait)

    return hold(scenario, **options)


@pytest.mark.parametrize("lead", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("network", [0.0005, 0.01, 0.05])
def test_all_is_heard_once_and_in_order(lead, network):
    line = said(lead=lead, network=network, cushion=0.02 if lead == 0 else 0.04)
    assert line.remote.samples(1) == [(0, 3 * RATE)]
    assert line.playout.heard(1) == 3 * RATE
    assert not [event for event in line.events if isinstance(event, PlayoutUnderrun)]


@pytest.mark.parametrize("lead", [0.1, 0.3])
def test_the_client_holds_a_lead_and_no_more(lead):
    line = said(lead=lead)
    assert lead - 0.03 <= line.remote.most <= lead + 0.021


def test_the_first_lead_goes_at_once():
    async def scenario(line):
        line.playout.open(1)
        await line.playout.push(1, np.full(RATE, 5000, np.int16))
        line.playout.release(1)
        await asyncio.sleep(0.001)
        assert len(line.blocks) == 3
        assert sum(map(len, line.sent)) == RATE // 10
        await asyncio.sleep(0.04)
        assert len(line.blocks) == 4

    hold(scenario)


@pytest.mark.parametrize(("lead", "block"), [(0.0, 0.02), (0.03, 0.02), (0.1, 0.1 / 3), (0.3, 0.1), (1.0, 0.1)])
def test_a_block_is_a_third_of_the_lead(lead, block):
    line = said(lead=lead, cushion=0.02 if lead == 0 else 0.04)
    lengths = [len(pcm) / RATE for pcm in line.sent]
    assert max(lengths) == pytest.approx(block, abs=1 / RATE)
    assert len(lengths) <= 3.0 / block + 10, "shorter ones only while the first lead is filled"


@pytest.mark.parametrize("speed", [1.02, 1.5, 8.0])
def test_no_sound_waits_for_a_whole_block_while_the_client_has_little(speed):
    """A voice that is hardly faster than real time: nobody's lead can grow, and nobody runs dry."""

    async def scenario(line):
        speaking = asyncio.create_task(line.say(1, 3.0, speed=speed, piece=0.02))
        await asyncio.sleep(0.05)
        while not speaking.done():
            if line.remote.buffered < 0.08:
                assert line.playout.buffered(1) < 0.03
            await asyncio.sleep(0.005)
        await asyncio.sleep(4)

    line = hold(scenario, lead=0.3, cushion=0.04)
    assert line.blocks[0][0] <= 0.04, "the first sound is sent as soon as the playout lets it go"
    assert line.remote.samples(1) == [(0, 3 * RATE)]
    assert line.remote.began(1, 3 * RATE - 1) - line.remote.began(1) == pytest.approx(3.0, abs=0.001), "without a gap"
    assert line.playout.underruns == 0


@pytest.mark.parametrize(("network", "cushion", "card"), [(0.0005, 0.04, 0.02), (0.03, 0.04, 0.15), (0.12, 0.08, 0.3)])
def test_a_block_is_dated_when_the_client_lets_it_be_heard(network, cushion, card):
    """The second reply begins with what the first one taught."""

    async def scenario(line):
        for generation in (1, 2):
            await line.say(generation, 2.0)
            await asyncio.sleep(3)

    line = hold(scenario, network=network, cushion=cushion, card=card)
    _, second = [event for event in line.events if isinstance(event, PlayoutStarted)]
    # A client's word is as old as the network is slow: so much cannot be known.
    assert second.time - line.remote.began(2) == pytest.approx(network, abs=0.011)


def test_a_client_that_says_impossible_things_is_not_believed():
    async def scenario(line):
        await line.say(1, 1.0)
        now = line.loop.time()
        before = line.sink.delay
        for sample in (-1, 10**9, RATE * 30):
            assert line.sink.reported(1, sample, now) is None
        assert line.sink.reported(7, 0, now) is None
        assert line.sink.reported(1, RATE - 1, now - 5) is None
        assert line.sink.reported(1, 0, now + 60) is None
        assert line.sink.delay == before

    hold(scenario, network=0.2)


@FEW
@given(st.floats(0.06, 2.5), st.floats(0.2, 2.0), st.sampled_from([0.0005, 0.01, 0.05]), st.floats(0.0, 0.3))
def test_after_a_pause_nothing_is_lost_and_nothing_doubled(at, length, network, card):
    async def scenario(line):
        voice = asyncio.create_task(line.say(1, 3.0))
        await asyncio.sleep(at)
        line.pause()
        await asyncio.sleep(length + card)
        assert line.playout.resume()
        await asyncio.sleep(5)
        await voice

    line = hold(scenario, network=network, card=card)
    spans = line.remote.samples(1)
    joined = [spans[0]]
    for first, end in spans[1:]:
        assert abs(first - joined[-1][1]) <= 1
        joined.append((first, end))
    assert (joined[0][0], joined[-1][1]) == (0, 3 * RATE)


def test_a_pause_silences_the_client_as_fast_as_the_network_is():
    async def scenario(line):
        await line.say(1, 3.0)
        await asyncio.sleep(0.5)
        paused = line.loop.time()
        line.pause()
        await asyncio.sleep(1)
        last = line.remote.heard[-1]
        assert last[0] + last[3] / RATE <= paused + 0.05 + 0.001
        assert line.remote.buffered == 0

    hold(scenario, network=0.05, lead=0.3)


@FEW
@given(st.floats(0.1, 2.5), st.sampled_from([0.0005, 0.01, 0.05]), st.floats(0.0, 0.2))
def test_what_was_heard_of_a_reply_that_is_cut_off_is_known(at, network, card):
    async def scenario(line):
        await line.say(1, 1.0)  # which teaches the delay
        await asyncio.sleep(2)
        voice = asyncio.create_task(line.say(2, 3.0))
        await asyncio.sleep(at)
        heard = line.clear()
        await asyncio.sleep(1)
        assert line.playout.heard(2) == heard
        there = line.remote.samples(2)[-1][1] if line.remote.samples(2) else 0
        assert abs(heard - there) <= (2 * network + 0.03) * RATE
        await voice

    hold(scenario, network=network, card=card)


def test_a_client_that_obeys_no_pause_plays_what_it_has():
    async def scenario(line):
        await line.say(1, 3.0)
        await asyncio.sleep(0.5)
        assert line.playout.pause()
        await asyncio.sleep(1)
        assert line.playout.resume()
        await asyncio.sleep(4)

    line = hold(scenario, obeys=False, lead=0.3)
    assert line.remote.samples(1) == [(0, 3 * RATE)]


def test_a_voice_slower_than_real_time_makes_gaps_that_are_counted():
    async def scenario(line):
        await line.say(1, 2.0, speed=0.8)
        await asyncio.sleep(2)

    line = hold(scenario)
    ((first, end),) = line.remote.samples(1)
    assert first == 0
    assert end > 2 * RATE - line.remote.cushion * RATE  # of less than its cushion this client lets nothing go
    assert line.playout.heard(1) == 2 * RATE
    assert line.playout.underruns > 0


def test_a_voice_in_drops_fills_the_lead_and_makes_no_gap():
    async def scenario(line):
        await line.say(1, 2.0, speed=1.2, piece=0.04)
        await asyncio.sleep(2)

    line = hold(scenario)
    assert line.playout.underruns == 0
    assert line.remote.samples(1) == [(0, 2 * RATE)]


def test_a_loop_that_was_held_up_takes_a_new_start():
    async def scenario(line):
        await line.say(1, 6.0)
        await asyncio.sleep(0.2)
        before = len(line.blocks)
        line.loop._virtual.now += 3.0  # the process was stopped
        await asyncio.sleep(0.001)
        assert len(line.blocks) - before < 10
        await asyncio.sleep(8)

    line = hold(scenario)
    assert line.remote.samples(1) == [(0, 6 * RATE)]


@pytest.mark.parametrize("at", [0.5, 0.507, 0.513, 0.519])
@pytest.mark.parametrize("cuts", ["pause", "clear"])
def test_where_nothing_can_be_taken_back_all_that_went_out_counts_and_dies_away(at, cuts):
    """By a track of WebRTC: what was sent will be heard, whatever is said after it."""
    found = {}

    async def scenario(line):
        speaking = asyncio.create_task(line.say(1, 3.0))
        await asyncio.sleep(at)
        getattr(line.playout, cuts)()
        found["heard"], found["blocks"] = line.playout.heard(1), len(line.blocks)
        await asyncio.sleep(0.5)
        speaking.cancel()

    line = hold(scenario, lead=0.0, obeys=False, keeps=True)
    assert found["heard"] == found["blocks"] * RATE // 50
    pcm = np.concatenate(line.sent)
    assert len(pcm) == found["heard"] + RATE // 50, "a ramp, in a block of its own"
    assert np.abs(np.diff(pcm[RATE // 10 :].astype(int))).max() < 200, "no click"
    assert pcm[-1] == 0
    (rest,) = line.rests
    assert rest - line.blocks[-1][0] == pytest.approx(0.0, abs=1e-6)


def test_it_tells_that_there_is_nothing_for_now_once_and_only_then():
    async def scenario(line):
        await line.say(1, 1.0)
        await asyncio.sleep(2.0)
        await line.say(2, 1.0)
        await asyncio.sleep(2.0)

    line = hold(scenario, lead=0.0, obeys=False, keeps=True)
    assert len(line.rests) == 2
    last = [max(at for at, _ in line.blocks if at <= rest) for rest in line.rests]
    assert [rest - at for rest, at in zip(line.rests, last, strict=True)] == pytest.approx([0.0, 0.0], abs=1e-6)
