"""Alerts become one sentence, once; their end another; whatever the webhook sends is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.server.alerts import MOST_ALERTS, MOST_KNOWN, AlertBook, Notification

HOT = {
    "status": "firing",
    "labels": {"alertname": "gpu_overtemp", "severity": "critical", "host": "spark-1", "gpu": "0"},
    "annotations": {"summary": "The GPU 0 of spark-1 is at 91 °C."},
    "startsAt": "2026-12-01T01:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus/graph", "fingerprint": "a1",
}  # fmt: skip
FULL = {
    "status": "firing", "labels": {"alertname": "host_disk_full", "severity": "warning", "host": "h100"},
    "annotations": {}, "fingerprint": "b2",
}  # fmt: skip


def notification(*alerts, **more):
    whole = {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "sophia",
             "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am"}  # fmt: skip
    return Notification.model_validate(whole | {"alerts": list(alerts)} | more)


def tell(book, *alerts):
    told = notification(*alerts)
    news = book.read(told)
    book.told(told)
    return [one.text for one in news]


def over(alert):
    return alert | {"status": "resolved"}


def test_an_alert_is_told_once_and_so_is_its_end():
    book = AlertBook()
    assert tell(book, HOT) == ["Critical alert: The GPU 0 of spark-1 is at 91 °C."]
    assert tell(book, HOT) == []  # Alertmanager repeats it
    assert tell(book, HOT, FULL) == ["Warning alert: host disk full on h100."]
    assert tell(book, over(HOT), FULL) == ["Resolved: gpu overtemp on spark-1."]
    assert tell(book, over(HOT)) == []
    assert tell(book, HOT) == ["Critical alert: The GPU 0 of spark-1 is at 91 °C."]


def test_the_end_of_what_nobody_heard_of_is_no_news_and_what_nobody_heard_is_told_again():
    book = AlertBook()
    assert tell(book, over(HOT)) == []
    assert book.read(notification(HOT))
    assert book.read(notification(HOT))


def test_many_alerts_are_one_sentence_with_the_worst():
    many = [HOT | {"fingerprint": str(n)} for n in range(5)]
    assert tell(AlertBook(), *many) == [
        "Critical alert, gpu overtemp, 5 times; the first: The GPU 0 of spark-1 is at 91 °C."
    ]
    kinds = [FULL | {"fingerprint": str(n), "labels": {"alertname": f"kind_{n}"}} for n in range(6)]
    assert tell(AlertBook(), *kinds, HOT) == [
        "7 alerts: kind 0, kind 1, kind 2 and 4 more; the worst: The GPU 0 of spark-1 is at 91 °C."
    ]


def test_what_stands_in_an_alert_is_one_printable_line_and_no_longer_than_can_be_heard():
    wild = HOT | {"annotations": {"summary": "hot\n\x1b[2J\u202e" + "x" * 5000}}
    (text,) = tell(AlertBook(), wild)
    assert text.isprintable()
    assert len(text) < 300


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "3"},
        {"alerts": None},
        {"alerts": [HOT] * (MOST_ALERTS + 1)},
        {"alerts": [HOT | {"labels": {"a": 1}}]},
        {"alerts": [HOT | {"labels": {str(n): "x" for n in range(101)}}]},
        {"alerts": [HOT | {"status": "odd"}]},
    ],
)
def test_what_is_no_notification_of_version_4_is_refused(wrong):
    with pytest.raises(ValidationError):
        notification(HOT, **wrong)


def test_what_was_told_is_remembered_within_a_bound():
    book = AlertBook()
    for start in range(0, MOST_KNOWN + 500, 500):
        tell(book, *(HOT | {"fingerprint": str(n)} for n in range(start, start + 500)))
    assert tell(book, HOT | {"fingerprint": str(MOST_KNOWN)}) == []
    assert tell(book, HOT | {"fingerprint": "0"}) != []


NAMES = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.lists(st.tuples(NAMES, st.booleans()), min_size=1, max_size=4), max_size=12))
def test_whatever_comes_each_alert_is_told_when_it_begins_and_ends_in_turn(notifications):
    book, live = AlertBook(), set()
    for alerts in notifications:
        last = dict(alerts)  # of one alert twice in a notification the last counts
        sent = [
            {"status": "firing" if fires else "resolved", "labels": {"alertname": name}} for name, fires in last.items()
        ]
        began = {name for name, fires in last.items() if fires and name not in live}
        ended = {name for name, fires in last.items() if not fires and name in live}
        assert len(tell(book, *sent)) == bool(began) + bool(ended)
        live = (live | began) - ended
