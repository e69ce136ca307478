"""What Alertmanager's webhook tells, and what of it she says: each alert once, in one sentence. Pure.

The payload is version 4's. Alertmanager sends an alert again as long as it fires; that is told once. The end of an
alert that was told is told as well.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ALERTS = 500
"""Alerts of one notification."""

MOST_KNOWN = 2000
"""Alerts that are remembered as told; the oldest are forgotten, and would be told again."""

LONGEST_SUMMARY = 240
"""Characters of a summary that are said."""

MOST_NAMES = 3
"""Kinds of alerts that are named in one sentence."""

Labels = Annotated[dict[str, str], Field(max_length=100)]


class Alert(BaseModel):
    """One alert of a notification."""

    model_config = ConfigDict(frozen=True)

    status: Literal["firing", "resolved"]
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)
    fingerprint: str = ""

    @property
    def key(self) -> str:
        """The same for the same alert, whatever its status."""
        named = self.fingerprint or repr(sorted(self.labels.items()))
        return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()

    @property
    def name(self) -> str:
        """Its name, as it is said."""
        return _plain(self.labels.get("alertname", "")).replace("_", " ") or "an alert"

    @property
    def where(self) -> str:
        """The machine, if its labels name one."""
        return _plain(self.labels.get("host") or self.labels.get("instance") or "")


class Notification(BaseModel):
    """What Alertmanager posts: version 4, more fields are passed over."""

    model_config = ConfigDict(frozen=True)

    version: Literal["4"]
    status: Literal["firing", "resolved"]
    alerts: list[Alert] = Field(max_length=MOST_ALERTS)


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told: word for word in English, or ``about`` for a mind that finds the words."""

    text: str
    about: str


class AlertBook:
    """What was told. :meth:`read` says what of a notification is news; :meth:`told` that it was told."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    def read(self, notification: Notification) -> list[News]:
        """What is to be told: of those that fire now and did not, and of those that are over."""
        firing = self._fresh(notification.alerts, "firing")
        over = [alert for alert in self._fresh(notification.alerts, "resolved") if alert.key in self._known]
        return [*([_fires(firing)] if firing else []), *([_is_over(over)] if over else [])]

    def told(self, notification: Notification) -> None:
        """Somebody heard of it."""
        for alert in notification.alerts:
            if alert.status == "firing":
                self._known[alert.key] = None
                self._known.move_to_end(alert.key)
            else:
                self._known.pop(alert.key, None)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def _fresh(self, alerts: Sequence[Alert], status: str) -> list[Alert]:
        found = {alert.key: alert for alert in alerts if alert.status == status}
        return [alert for key, alert in found.items() if status == "resolved" or key not in self._known]


def _fires(alerts: Sequence[Alert]) -> News:
    worst = min(alerts, key=lambda alert: {"critical": 0, "warning": 1}.get(alert.labels.get("severity", ""), 2))
    severity = _plain(worst.labels.get("severity", ""))
    kind = f"{severity.capitalize()} alert" if severity in ("critical", "warning", "info") else "Alert"
    summary = _plain(worst.annotations.get("summary") or worst.annotations.get("description") or "").rstrip(".")
    one = summary[:LONGEST_SUMMARY] or f"{worst.name}{f' on {worst.where}' if worst.where else ''}"
    if len(alerts) == 1:
        text = f"{kind}: {one}."
    elif len(names := _names(alerts)) == 1:
        text = f"{kind}, {names[0]}, {len(alerts)} times; the first: {one}."
    else:
        text = f"{len(alerts)} alerts: {_listed(names)}; the worst: {one}."
    return News(text, f"Alerts of the monitoring have just begun to fire. {text}")


def _is_over(alerts: Sequence[Alert]) -> News:
    names = _names(alerts)
    where = next(iter({alert.where for alert in alerts})) if len({alert.where for alert in alerts}) == 1 else ""
    text = f"Resolved: {_listed(names)}{f' on {where}' if where else ''}."
    return News(text, f"Alerts of the monitoring are over. {text}")


def _names(alerts: Sequence[Alert]) -> list[str]:
    return list(dict.fromkeys(alert.name for alert in alerts))


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:MOST_NAMES], *([f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _plain(text: str) -> str:
    """One line of printable text."""
    return " ".join("".join(char if char.isprintable() else " " for char in text[:1000]).split())
