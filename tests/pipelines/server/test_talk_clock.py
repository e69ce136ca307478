"""A whole talk over a network, to the millisecond: the virtual clock, simulated services, and everything else real."""

from itertools import pairwise

import pytest
from line import RATE, hold
from table import REPLY

from pipelines.simulation.exact import Says

ORDER = Says(1.0, "where is my order")


@pytest.mark.parametrize("network", [0.0005, 0.01, 0.06])
@pytest.mark.parametrize("card", [0.005, 0.2])
def test_voice_to_voice_is_what_the_page_measures_itself(network, card):
    """Within a packet of 20 ms, in the first turn, when nothing is known of the page, and in the second."""
    line = hold([ORDER, Says(20.0, "where is my order")], 36, network=network, card=card)
    ledgers = line.of("sophia.turn.ledger")
    assert [ledger["outcome"] for ledger in ledgers] == ["replied", "replied"]
    for number, (said, ledger) in enumerate(zip((ORDER, Says(20.0, "")), ledgers, strict=True)):
        last_voiced = line.user.started + said.at + said.length
        audible = line.remote.began(number, 1)  # a tone: its second sample is above the noise
        assert ledger["voice_to_voice_ms"] == pytest.approx(1000 * (audible - last_voiced), abs=20)
        assert sum(ledger["contributions"].values()) == pytest.approx(ledger["voice_to_voice_ms"], abs=0.1)


@pytest.mark.parametrize("network", [0.0005, 0.01, 0.06])
def test_history_holds_the_words_that_were_heard(network):
    line = hold([ORDER, Says(6.0, "no stop that please")], 24, network=network)
    cut = line.of("conversation.item.truncated")[0]["sophia"]
    heard_ms = line.remote.samples(0)[-1][1] * 1000 / RATE
    assert cut["heard_ms"] == pytest.approx(heard_ms, abs=1)
    (_, asked), (_, heard), *_ = [(message.role, message.content) for message in line.history.messages()][1:]
    assert asked == "where is my order"
    words = [word for event in line.of("sophia.words") for word in event["words"]]
    true = "".join(text for text, start, end in words[: len(REPLY.split())] if (start + end) / 2 <= heard_ms)
    assert heard == true.strip() + " —"


@pytest.mark.parametrize("network", [0.0005, 0.01, 0.06])
def test_a_backchannel_pauses_her_and_nothing_of_the_reply_is_lost(network):
    line = hold([ORDER, Says(6.0, "mhm", 0.5)], 30, network=network)
    assert line.of("sophia.playout.pause")
    assert line.of("sophia.playout.resume")
    spans = line.remote.samples(0)
    for (_, end), (first, _) in pairwise(spans):
        assert first <= end + 1, "she goes on where she stopped, or a little before"
        assert end - first <= 0.6 * RATE
    assert spans[0][0] == 0
    ledger = next(one for one in line.of("sophia.turn.ledger") if one["outcome"] == "replied")
    assert ledger["heard"].split() == REPLY.split()
    assert spans[-1][1] == pytest.approx(RATE * len(REPLY.split()) * 0.3, rel=0.1)


def test_frames_reach_the_page_before_their_sound():
    line = hold([ORDER], 24, network=0.01)
    sent = [(at, event) for at, event in line.events if event["type"] == "sophia.face.frames"]
    assert sum(event["count"] for _, event in sent) > 200
    for at, event in sent:
        for k in range(event["count"]):
            due = line.remote.began(0, round((event["audio_start_ms"] / 1000 + k / event["fps"]) * RATE))
            assert due is None or at + 0.01 <= due, "it came after its time"


@pytest.mark.parametrize(
    ("face", "skew", "missing", "late"),
    [
        ({"skew_p95_ms": -20.0, "missing": 0.0, "late": 0}, -20.0, 0.0, 0),
        ({"skew_p95_ms": -140.0, "missing": 0.0, "late": 33}, -140.0, 0.0, 33),  # planted: lips that trail
        ({"skew_p95_ms": 0.0, "missing": 0.4, "late": 0}, 0.0, 0.4, 0),  # planted: a hole
    ],
)
def test_what_the_page_sees_of_the_face_is_in_the_ledger_and_counted(face, skew, missing, late):
    line = hold([ORDER], 24, network=0.01, face=face)
    (ledger,) = line.of("sophia.turn.ledger")
    assert (ledger["lip_skew_ms"], ledger["face_missing"]) == (skew, missing)
    value = line.metrics.registry.get_sample_value
    assert value("sophia_page_late_frames_total") == late
    assert value("sophia_page_missing_ratio_sum") == missing
    assert value("sophia_page_skew_seconds_bucket", {"le": "-0.125"}) == (skew <= -125)
