"""Which tests go to the same process when ``pytest -n`` shares them out, and which go first.

A module stays together, so that its servers are started once; what waits side by side is a group of its own. What
talks to services goes first, for it takes longest: else one process would be waiting for it when the other is done.
"""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the tests in order, and tells the group of each."""
    if not hasattr(config, "workerinput"):  # nothing is shared out
        return
    items.sort(key=_rank)
    for item in items:
        beside = " side by side" if item.get_closest_marker("side_by_side") else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}{beside}"))


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("side_by_side"):
        return 0
    return 1 if item.get_closest_marker("services") else 2
