"""What the dispatcher's command line refuses, in a line."""

from __future__ import annotations

import pytest

from pipelines.scale.__main__ import main


@pytest.mark.parametrize("count", ["-3", "many", "1001", ""])
def test_so_many_servers_are_none(count, capsys):
    with pytest.raises(SystemExit) as ended:
        main([f"--servers={count}"])
    assert ended.value.code == 2
    assert "no number from 0 to 1000" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "said"), [("--host=a b", "--host a b"), ("--port=99999", "--port 99999")])
def test_no_address_to_serve_on(option, said, capsys):
    assert main([option]) == 2
    assert said in capsys.readouterr().err


def test_servers_of_many_machines_have_one_key(capsys):
    assert main(["--ray", "auto"]) == 2
    assert "server.api_key_file" in capsys.readouterr().err
