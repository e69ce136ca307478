"""Leases never overbook a server, whatever order clients, reports and ends come in; and what is not used comes back."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from pipelines.scale.book import CLOCK_SECONDS, LEASE_SECONDS, LeaseBook, Load

PLACES = 2
MOMENT = 0.01


class Leases(RuleBasedStateMachine):
    """One server, whose clock is behind. Clients come before their lease's end on that clock, or not at all."""

    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.late = CLOCK_SECONDS - MOMENT
        self.book = LeaseBook()
        self.talking = self.arrived = 0
        self.answer: tuple[Load, float] | None = None

    def load(self) -> Load:
        return Load(PLACES, self.talking, self.arrived, room=self.talking < PLACES)

    @rule(target=sent)
    def lease(self):
        return multiple() if self.book.lease(self.now) is None else self.now + LEASE_SECONDS

    @rule(until=consumes(sent))
    def comes(self, until):
        if self.now - self.late < until:
            self.talking += 1
            self.arrived += 1

    @rule(until=consumes(sent))
    def comes_in_the_last_moment(self, until):
        self.now = max(self.now, until + self.late - MOMENT)
        self.comes(until)

    @precondition(lambda self: self.talking)
    @rule()
    def leaves(self):
        self.talking -= 1

    @precondition(lambda self: self.answer is None)
    @rule()
    def is_asked(self):
        """It answers now, and the answer takes its time."""
        self.answer = self.load(), self.now

    @precondition(lambda self: self.answer)
    @rule()
    def answer_comes(self):
        self.book.report("a", *self.answer)
        self.answer = None

    @rule()
    def is_asked_and_answers_at_once(self):
        self.answer = None
        self.book.report("a", self.load(), self.now)

    @rule(anew=st.booleans())
    def is_lost(self, anew):
        """It does not answer in time, or has died and begins anew at the same address."""
        self.answer = None
        self.book.lost("a", self.now)
        if anew:
            self.talking = self.arrived = 0

    @rule(seconds=st.sampled_from((MOMENT, 1.0, LEASE_SECONDS)))
    def time_passes(self, seconds):
        self.now += seconds

    @invariant()
    def nobody_is_sent_to_a_place_that_is_taken(self):
        assert self.talking <= PLACES

    def teardown(self):
        """When all have left and every lease is over, all places are free again."""
        self.now += LEASE_SECONDS + CLOCK_SECONDS
        self.talking = 0
        self.book.report("a", self.load(), self.now)
        assert self.book.leases("a") == 0
        assert self.book.free == PLACES


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=400, stateful_step_count=25)


def book(**places):
    one = LeaseBook()
    for address, count in places.items():
        one.report(address, Load(count, 0, 0, room=True), 0.0)
    return one


def test_the_emptiest_is_next_and_a_burst_gets_as_many_as_there_are():
    one = book(a=2, b=3)
    assert [one.lease(1.0) for _ in range(6)] == ["b", "a", "b", "a", "b", None]
    assert one.free == 0


def test_a_client_that_has_come_is_not_counted_twice():
    one = book(a=2)
    assert one.lease(1.0) == "a"
    one.report("a", Load(2, 1, 1, room=True), 1.5)
    assert (one.leases("a"), one.free) == (0, 1)


def test_a_server_that_says_it_has_no_room_gets_nobody():
    one = book(a=2)
    one.report("a", Load(2, 0, 0, room=False), 1.0)
    assert one.lease(1.0) is None


def test_a_server_that_is_gone_is_forgotten_with_its_last_promise():
    one = book(a=2)
    one.lease(1.0)
    one.lost("a", 2.0)
    assert one.lease(2.0) is None
    one.report("a", Load(2, 0, 0, room=True), 3.0)
    assert one.leases("a") == 1, "it came back in time"
    one.lost("a", 1.0 + LEASE_SECONDS + CLOCK_SECONDS)
    assert one.leases("a") == 0


def test_a_server_that_began_anew_has_kept_no_promise_yet():
    one = book(a=2)
    one.lease(1.0)
    one.report("a", Load(2, 1, 1, room=True), 1.5)
    one.lease(2.0)
    one.report("a", Load(2, 0, 0, room=True), 2.5)
    assert (one.leases("a"), one.free) == (1, 1)
