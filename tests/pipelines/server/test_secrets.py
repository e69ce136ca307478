"""Client secrets: what was minted is read, and nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.server.secrets import LONGEST, PREFIX, Secrets

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
SESSIONS = st.dictionaries(st.text(max_size=20), JSON, max_size=5)


@given(SESSIONS, st.integers(1, 2**40))
def test_what_was_minted_is_read_until_it_ends_by_every_server_with_the_key(session, end):
    value = Secrets("key").mint(session, end)
    assert value.startswith("ek_")
    assert set(value) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), "fit for a header"
    assert Secrets("key").read(value, end - 0.5) == session
    assert Secrets("key").read(value, end) is None
    assert Secrets("another key").read(value, 0) is None
    assert Secrets(None).read(value, 0) is None


@given(st.data())
def test_one_changed_bit_is_no_secret(data):
    secrets = Secrets("key")
    value = secrets.mint({"type": "realtime"}, 1000)
    raw = bytearray(base64.urlsafe_b64decode(value.removeprefix(PREFIX) + "=="))
    place = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[place // 8] ^= 1 << place % 8
    assert secrets.read(PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("="), 0) is None


@given(st.text(max_size=100))
def test_noise_is_no_secret(text):
    assert Secrets("key").read(text, 0) is None
    assert Secrets("key").read(PREFIX + text, 0) is None


def test_a_session_that_does_not_fit_is_refused():
    words = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(10_000))  # does not pack well
    with pytest.raises(ValueError, match=str(LONGEST)):
        Secrets("key").mint({"instructions": words}, 1000)


def test_without_a_key_each_process_has_its_own():
    assert Secrets(None).read(Secrets(None).mint({}, 1000), 0) is None
