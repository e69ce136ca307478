"""She tells that the user is recorded: first of all, without talking over anybody, and until it was heard."""

from turn_table import Table

from sophia.decisions import Begin, Commit, Interrupt, Notify, Reopen, Say
from sophia.events import PolicyChanged, RecordingStarted, SayRequested
from sophia.floor_policy import FloorPolicy
from sophia.notice import MOST_TIMES


def recorded(at=0.0, table=None):
    return (table or Table()).tell(RecordingStarted(at=at))


def told(table):
    return [decision.at for decision in table.decisions if isinstance(decision, Notify)]


def test_it_is_the_first_that_she_says_in_a_turn_of_her_own():
    table = recorded().tell(SayRequested(at=0.0, text="Welcome."))
    begin, notify = table.decisions
    assert isinstance(begin, Begin)
    assert (begin.origin, begin.turn, notify.turn, notify.phrase) == ("agent", 1, 1, "recorded")
    table.audible(0.2).ends(2.0)
    assert [type(decision) for decision in table.decisions[2:]] == [Begin, Say]
    table.audible(2.2).ends(3.0).wait(20)
    assert told(table) == [0.0], "once is enough"


def test_nobody_is_talked_over():
    table = Table().starts(0.2)
    recorded(0.5, table).wait(0.9)
    assert told(table) == []


def test_who_talks_over_it_hears_it_again_but_not_for_ever():
    table = recorded()
    for n in range(MOST_TIMES + 2):
        at = 10.0 * n
        table.wait(at).audible(at + 0.2).voice(at + 0.5, at + 1.5).says(at + 1.6, f"where is order {n}", final=True)
        table.wait(at + 3).audible(at + 4).ends(at + 5)
    assert len(told(table)) == MOST_TIMES
    assert len([d for d in table.decisions if isinstance(d, Interrupt)]) >= MOST_TIMES
    assert [d.text for d in table.decisions if isinstance(d, Commit)][:2] == ["where is order 0", "where is order 1"]
    assert not [d for d in table.decisions if isinstance(d, Reopen)]


def test_a_client_whose_turns_are_its_own_is_told_all_the_same():
    table = Table().tell(PolicyChanged(at=0.0, policy=FloorPolicy(ends="commit", answers=False)))
    assert told(recorded(0.0, table)) == [0.0]
