"""The committed heads, read once."""

from __future__ import annotations

import pytest
from glb_file import Glb, read

from aurora.head import SOPHIA, SOPHIA_LIGHT


@pytest.fixture(scope="session", params=["full", "light"])
def head(request: pytest.FixtureRequest) -> Glb:
    return read(SOPHIA if request.param == "full" else SOPHIA_LIGHT)
