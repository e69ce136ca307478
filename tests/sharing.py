"""In which order modules go to the processes that share the tests (``pytest -n 2 --dist loadfile``).

A module stays together, so its servers are started once. What waits side by side goes first, then what talks to
services, for it takes longest: else one process would be waiting for it when the other is done.
"""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the modules in order; where nothing is shared, the order is pytest's."""
    if not hasattr(config, "workerinput"):
        return
    ranks: dict[Path, int] = {}
    for item in items:
        ranks[item.path] = min(_rank(item), ranks.get(item.path, 2))
    items.sort(key=lambda item: ranks[item.path])


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("side_by_side"):
        return 0
    return 1 if item.get_closest_marker("services") else 2
