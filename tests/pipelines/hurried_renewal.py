"""Connections that are doubted, compared and given up within tenths of a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.services import renewal
from pipelines.settings.endpoint import Endpoint, TlsSettings


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds with real services takes tenths of one."""
    monkeypatch.setattr(renewal, "DOUBT_SECONDS", 0.2)
    monkeypatch.setattr(renewal, "COMPARE_SECONDS", 0.2)
    monkeypatch.setattr(renewal, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(renewal, "UNHEARD_SECONDS", 0.5)


def at(port: int, pki: Path) -> Endpoint:
    """A server of this machine that shows ``pki``'s certificate."""
    return Endpoint(target=f"localhost:{port}", tls=TlsSettings(ca=pki / "ca.crt"))
