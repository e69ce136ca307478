"""What is mined is played when better settings are looked for; who did not agree is not."""

from __future__ import annotations

import pytest
from planted_talks import plant

from pipelines.improve.__main__ import main
from pipelines.insights.mining.kinds import KINDS

QUICK = ("--only", "turns.pause_complete", "--trials", "1", "--repeat", "1", "--jobs", "1", "--dry-run")


@pytest.mark.timeout(120)
def test_consenting_takes_are_mined_and_others_are_not(tmp_path, capsys):
    kinds = list(KINDS)
    for number in range(2):
        plant(tmp_path / "takes" / f"agreed{number}", number, kinds)
    plant(tmp_path / "takes" / "refused", 7, kinds, consent="numbers")
    place = ("--takes", str(tmp_path / "takes"), "--tables", str(tmp_path / "tables"))
    assert main(["bundled", *place, *QUICK]) == 0
    told = capsys.readouterr().out
    assert "of 2 consenting conversations" in told
    assert "mine: 0 hard" not in told
    assert "Nothing found" in told
    lines = next(line for line in told.splitlines() if line.startswith("tune:"))
    assert int(lines.split()[1]) > 8  # the bundled ones alone
