"""What every room's tests share: certificates of several qualities, and the same random examples in every run."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from sharing import pytest_collection_modifyitems
from side_by_side import pytest_pyfunc_call

from pipelines.certs import Authority, Identity, make_development_pki

__all__ = ["pytest_collection_modifyitems", "pytest_pyfunc_call"]  # hooks

# The same examples in every run, and no limit on the time of one: a busy machine is no defect.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.crt, server.crt, server.key, client.crt and client.key that belong together."""
    folder = tmp_path_factory.mktemp("pki")
    make_development_pki(folder)
    return folder


@pytest.fixture(scope="session")
def other_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same files of another authority: whoever trusts ``pki`` must refuse them."""
    folder = tmp_path_factory.mktemp("other_pki")
    make_development_pki(folder)
    return folder


@pytest.fixture(scope="session")
def expired_pki(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same authority as ``pki`` with a server certificate that ended yesterday."""
    folder = tmp_path_factory.mktemp("expired_pki")
    shutil.copytree(pki, folder, dirs_exist_ok=True)
    ca = Identity.read(pki, "ca")
    assert ca is not None
    start = datetime.now(UTC) - timedelta(days=31)
    Authority(ca).server(start=start, life=timedelta(days=30)).write(folder, "server")
    return folder
