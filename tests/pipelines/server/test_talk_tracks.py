"""A talk by tracks, to the sample: the virtual clock, simulated services, and everything else real."""

from itertools import pairwise

import numpy as np
import pytest
from line import RATE, Line, hold
from table import REPLY

from pipelines.simulation.exact import Says

ORDER = Says(1.0, "where is my order")
BLOCK = RATE // 50


class CallLine(Line):
    """A client by tracks. ``blocks`` are what went out, each with its time; ``rests`` are when nothing did for now."""

    @property
    def track(self):
        return self

    def play(self, pcm):
        self.__dict__.setdefault("blocks", []).append((self.loop.time(), pcm))

    def rest(self):
        self.__dict__.setdefault("rests", []).append(self.loop.time())

    def _spoken(self, frame):
        return self.talk.listen, frame.pcm, frame.rate

    def loud(self):
        """Samples of her voice that went out, and when the first and the last of them did."""
        loud = [(at, np.abs(pcm) > 200) for at, pcm in self.blocks]
        times = [at for at, audible in loud if audible.any()]
        return sum(int(audible.sum()) for _, audible in loud), times[0], times[-1]


def call(script, seconds, **options):
    return hold(script, seconds, kind=CallLine, **options)


def test_her_voice_goes_out_block_by_block_in_real_time():
    line = call([ORDER], 24)
    times = [at for at, _ in line.blocks]
    assert all(len(pcm) == BLOCK for _, pcm in line.blocks)
    assert all(later - at == pytest.approx(0.02, abs=1e-6) for at, later in pairwise(times))
    started, stopped = line.of("output_audio_buffer.started"), line.of("output_audio_buffer.stopped")
    assert len(started) == len(stopped) == 1
    assert not line.of("response.output_audio.delta")
    length = RATE * len(REPLY.split()) * 0.3
    assert len(times) * BLOCK == pytest.approx(length, rel=0.1)
    assert len(line.rests) == 1
    ledger = line.of("sophia.turn.ledger")[0]
    assert ledger["heard"].split() == REPLY.split()


def test_voice_to_voice_is_to_the_sending_and_a_constant():
    line = call([ORDER], 24)
    (ledger,) = line.of("sophia.turn.ledger")
    _, first, _ = line.loud()
    last_voiced = line.user.started + ORDER.at + ORDER.length
    assert ledger["voice_to_voice_ms"] == pytest.approx(1000 * (first + 0.08 - last_voiced), abs=20)


def test_what_was_sent_was_heard_and_no_more():
    line = call([ORDER, Says(6.0, "no stop that please")], 24)
    (cut,) = line.of("conversation.item.truncated")
    sent = sum(len(pcm) for at, pcm in line.blocks if at < cut_time(line))
    assert cut["sophia"]["heard_ms"] == pytest.approx(1000 * sent / RATE, abs=41)  # a ramp, and the rest of its block
    (_, asked), (_, heard), *_ = [(message.role, message.content) for message in line.history.messages()][1:]
    assert asked == "where is my order"
    assert heard == cut["sophia"]["heard"].strip() + " —"
    assert REPLY.startswith(cut["sophia"]["heard"])
    assert len(cut["sophia"]["heard"]) < len(REPLY)
    kinds = [event["type"] for _, event in line.events]
    assert kinds.index("output_audio_buffer.cleared") < kinds.index("conversation.item.truncated")


def cut_time(line):
    return next(at for at, event in line.events if event["type"] == "output_audio_buffer.cleared")


def test_she_falls_silent_a_block_after_she_is_paused():
    line = call([ORDER, Says(6.0, "no stop that please")], 24)
    paused = next(at for at, event in line.events if event["type"] == "sophia.playout.pause")
    last = max(at for at, pcm in line.blocks if at < cut_time(line) and np.abs(pcm).max() > 200)
    assert last <= paused + 0.021


def test_a_backchannel_pauses_her_and_nothing_of_the_reply_is_lost_or_doubled():
    plain, paused = call([ORDER], 24), call([ORDER, Says(6.0, "mhm", 0.5)], 30)
    assert paused.of("sophia.playout.pause")
    assert paused.of("sophia.playout.resume")
    assert len(paused.rests) == 2
    ledger = next(one for one in paused.of("sophia.turn.ledger") if one["outcome"] == "replied")
    assert ledger["heard"].split() == REPLY.split()
    (once, began, ended), (twice, _, later) = plain.loud(), paused.loud()
    assert twice >= once
    assert twice - once <= 0.6 * RATE, "what is said again from a moment before"
    assert later > ended
    assert began == paused.loud()[1]
    assert not paused.of("output_audio_buffer.cleared")


def test_positions_and_pauses_that_a_client_claims_to_obey_change_nothing():
    line = call([ORDER, Says(6.0, "mhm", 0.5)], 30, wished={"extensions": ["sophia.playout"]})
    assert len([event for event in line.of("sophia.turn.ledger") if event["outcome"] == "replied"]) == 1
