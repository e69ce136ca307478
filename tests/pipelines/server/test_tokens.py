"""What a client carries to another server: any conversation comes back as it was, and nothing else is taken."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.tools import ToolCall
from pipelines.server import sealed
from pipelines.server.realtime import items as made
from pipelines.server.realtime.reading import Refused
from pipelines.server.realtime.resuming import Kept, exchanges
from pipelines.server.sealed import Seal
from pipelines.server.tokens import LIFE_SECONDS, LONGEST, PREFIX, Tokens

NAMES = st.text("abcdefgh0123456789_", min_size=1, max_size=12)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
SESSIONS = st.dictionaries(NAMES, st.none() | st.booleans() | WORDS, max_size=4)


@st.composite
def stores(draw, most=30):
    """The items of a conversation: messages of each kind, calls and their outputs, in any order."""
    found = []
    for name in draw(st.lists(NAMES, unique=True, max_size=most)):
        kind = draw(st.sampled_from(("voiced", "written", "system", "spoken", "shown", "called", "answered")))
        text, status = draw(WORDS), draw(st.sampled_from(("completed", "incomplete")))
        match kind:
            case "voiced":
                found.append(made.voiced(name, text))
            case "written" | "system":
                found.append(made.written(name, text, "user" if kind == "written" else "system"))
            case "spoken" | "shown":
                found.append(getattr(made, kind)(name, status, text))
            case "called":
                found.append(made.called(name, ToolCall(f"call_{name}", "tool", json.dumps({"said": text}))))
            case "answered":
                found.append(made.answered(name, f"call_{name}", text))
    return found


def tokens(key="key", now=1000.0):
    return Tokens(key, lambda: now)


@given(SESSIONS, stores())
def test_any_conversation_comes_back_at_every_server_with_the_key(session, items):
    token = tokens().mint(Kept(session, items))
    assert (token.expires_at, token.dropped, token.settings) == (1000 + LIFE_SECONDS, 0, True)
    assert tokens(now=token.expires_at - 0.5).read(token.text) == Kept(session, items)
    assert [item for turn in exchanges(items) for item in turn] == items


@given(stores(most=4), st.data())
def test_a_token_that_was_tampered_with_is_always_refused(items, data):
    text = tokens().mint(Kept({}, items)).text
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda one: one != text[place]))
    cut = data.draw(st.integers(0, len(text) - 1))
    for spoiled in (text[:place] + other + text[place + 1 :], text[:cut], text + other):
        with pytest.raises(Refused) as refused:
            tokens().read(spoiled)
        assert refused.value.code == "resume_invalid"


def test_no_two_texts_are_one_token():
    """The last letter of base64 may hold bits that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    texts = (tokens().mint(Kept({"instructions": "x" * size}, [])).text for size in range(100))
    text = next(text for text in texts if len(text.removeprefix(PREFIX)) % 4)
    twin = text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]
    with pytest.raises(Refused):
        tokens().read(twin)


@given(st.text(max_size=100))
def test_noise_is_no_token(text):
    for noise in (text, PREFIX + text, PREFIX + base64.urlsafe_b64encode(text.encode()).decode()):
        with pytest.raises(Refused):
            tokens().read(noise)


@pytest.mark.parametrize(
    ("reader", "code"),
    [
        (tokens(now=1000.0 + LIFE_SECONDS), "resume_expired"),
        (tokens("another key"), "resume_invalid"),
        (tokens(None), "resume_invalid"),
    ],
)
def test_a_token_that_is_over_or_of_a_stranger_is_refused(reader, code):
    with pytest.raises(Refused) as refused:
        reader.read(tokens().mint(Kept({}, [])).text)
    assert refused.value.code == code


def noise(seed, length):
    """Text that hardly packs."""
    return "".join(chr(0x4E00 + (seed * 31 + number * 7919) % 20_000) for number in range(length))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=20, max_size=60))
def test_beyond_the_bound_the_oldest_turns_are_left_out(lengths):
    items = []
    for at, length in enumerate(lengths):
        items += [made.voiced(f"u{at}", f"{at}?"), made.spoken(f"a{at}", "completed", noise(at, length))]
    token = tokens().mint(Kept({"type": "realtime"}, items))
    assert len(token.text) <= LONGEST
    kept = tokens().read(token.text).items
    assert kept == items[token.dropped :]
    assert token.dropped % 2 == 0, "turns are kept whole"
    more = items[max(0, token.dropped - 2 * max(1, len(kept) // 2)) :]
    assert not token.dropped or len(Seal("key", "x", prefix="", longest=0).seal({"items": more}, 0)) > LONGEST * 0.9


def test_settings_that_take_all_the_room_are_brought_again_by_the_client():
    items = [made.written("u", "My name is Kim."), made.shown("a", "completed", "Hello Kim.")]
    token = tokens().mint(Kept({"instructions": noise(1, 12_000)}, items))
    assert (token.dropped, token.settings) == (0, False)
    assert tokens().read(token.text) == Kept({}, items)


def test_a_turn_that_does_not_fit_alone_is_left_out():
    token = tokens().mint(Kept({}, [made.written("u", noise(1, 20_000))]))
    assert (token.dropped, tokens().read(token.text).items) == (1, [])


def test_what_bursts_when_it_is_unpacked_is_refused(monkeypatch):
    """Such a token needs the key, so it is made by a server whose bound is another."""
    monkeypatch.setattr(sealed, "MOST_UNPACKED", 8 << 20)
    text = tokens()._seal.seal({"version": 1, "session": {}, "items": ["x" * (4 << 20)]}, 2000)
    assert len(text) < LONGEST
    assert tokens().read(text)
    monkeypatch.undo()
    with pytest.raises(Refused):
        tokens().read(text)


def test_a_client_secret_is_no_token_and_a_token_no_client_secret():
    from pipelines.server.secrets import Secrets

    text = tokens().mint(Kept({}, [])).text
    assert Secrets("key").read("ek_" + text.removeprefix(PREFIX), 0) is None
    with pytest.raises(Refused):
        tokens().read(PREFIX + Secrets("key").mint({}, 2000).removeprefix("ek_"))
