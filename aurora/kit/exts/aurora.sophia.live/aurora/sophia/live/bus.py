"""Kit's events behind three calls: Events 2.0 of Kit 107 and later, and the older streams of 105 and 106.

What is returned must be kept: letting it go ends the subscription.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import omni.kit.app

NAME = "aurora.sophia.live"

Getter = Callable[[str], Any]


def _dispatcher() -> Any:
    """The dispatcher of Events 2.0, ``None`` where Kit has none."""
    try:
        import carb.eventdispatcher
    except ImportError:
        return None
    return carb.eventdispatcher.get_eventdispatcher() if hasattr(omni.kit.app, "GLOBAL_EVENT_UPDATE") else None


def every_update(work: Callable[[], None]) -> Any:
    """Calls ``work`` on Kit's thread at every update."""
    dispatcher = _dispatcher()
    if dispatcher is not None:
        return dispatcher.observe_event(
            observer_name=f"{NAME}.update", event_name=omni.kit.app.GLOBAL_EVENT_UPDATE, on_event=lambda event: work()
        )
    stream = omni.kit.app.get_app().get_update_event_stream()
    return stream.create_subscription_to_pop(lambda event: work(), name=f"{NAME}.update")


def observe(name: str, work: Callable[[Getter], None]) -> Any:
    """Calls ``work`` for each event ``name``, with a function that gives the payload's value of a key, or ``None``."""
    dispatcher = _dispatcher()
    if dispatcher is not None:
        return dispatcher.observe_event(
            observer_name=f"{NAME}.{name}", event_name=name, on_event=lambda event: work(event.get)
        )
    import carb.events

    stream = omni.kit.app.get_app().get_message_bus_event_stream()
    kind = carb.events.type_from_string(name)
    return stream.create_subscription_to_pop_by_type(kind, lambda event: work(event.payload.get), name=f"{NAME}.{name}")


def send(name: str, payload: Mapping[str, Any]) -> None:
    """Puts an event on the bus; observers get it at Kit's next update."""
    if _dispatcher() is not None and hasattr(omni.kit.app, "queue_event"):
        omni.kit.app.queue_event(name, payload=dict(payload))
        return
    import carb.events

    stream = omni.kit.app.get_app().get_message_bus_event_stream()
    stream.push(carb.events.type_from_string(name), payload=dict(payload))
