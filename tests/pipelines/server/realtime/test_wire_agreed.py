"""What a user agrees to have kept: told to a client that asked, offered as the server keeps it, and taken back."""

import pytest
from wire_rules import Rules
from wire_talk import OFFSET, RATE, Talk, of, only

from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import Agree
from pipelines.settings.insights import CONSENTS


def talk(consents=CONSENTS, **options):
    return Talk(wire=Wire(began=OFFSET, voice_rate=RATE, consents=consents, **options))


def told(talk):
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)
    return [(event["consent"], event["recording"]) for event in of(talk, "sophia.recording")]


def test_a_client_that_did_not_ask_hears_nothing_of_it():
    one = talk().client("session.update", session={"type": "realtime"})
    one.sent.append(one.wire.recording("sound", recording=True))
    assert told(one) == []


def test_a_client_that_asks_is_told_what_is_offered_and_every_change_once():
    one = talk()
    one.wire.recording("sound", recording=True)
    one.extended("sophia.recording").extended("sophia.recording")
    assert only(one, "sophia.recording")["offered"] == ["numbers", "words", "sound"]
    one.sent.append(one.wire.recording("sound", recording=True))
    one.sent.append(one.wire.recording("numbers", recording=False))
    assert told(one) == [("sound", True), ("numbers", False)]


def test_whoever_asks_by_the_address_is_told_after_the_session():
    wire = Wire(began=OFFSET, voice_rate=RATE, consents=CONSENTS, extensions=["sophia.recording"])
    assert wire.recording("words", recording=False) == [], "not before the session itself"
    session, told = wire.opened(OFFSET)
    assert (session["type"], told["type"]) == ("session.created", "sophia.recording")
    assert (told["consent"], told["recording"]) == ("words", False)


@pytest.mark.parametrize("consent", CONSENTS)
def test_a_user_agrees_by_an_event(consent):
    one = talk().extended().client("sophia.consent", consent=consent)
    assert Agree(consent) in one.wishes
    assert not of(one, "error")


@pytest.mark.parametrize("consent", [None, 7, "everything", ["sound"], "Sound", "\ud800"])
@pytest.mark.parametrize("offered", [CONSENTS, ("numbers",), ()])
def test_what_is_not_offered_is_refused_in_plain_words(consent, offered):
    one = talk(offered).extended().client("sophia.consent", consent=consent)
    error = only(one, "error")["error"]
    assert (error["code"], error["param"]) == ("consent_not_offered", "consent")
    assert not [wish for wish in one.wishes if isinstance(wish, Agree)]


def test_who_keeps_no_takes_records_nobody():
    one = talk(("numbers",)).extended().client("sophia.consent", consent="sound")
    assert only(one, "error")["error"]["message"] == "A user may agree to numbers here, not to 'sound'."
