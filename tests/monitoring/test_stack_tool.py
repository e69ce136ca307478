"""Her look at the stack, by a real Prometheus with the project's own rules and two minutes of two machines."""

import asyncio
import time

import pytest
from prometheus_lab import backfill, configure, needs_prometheus, prometheus, two_minutes

from pipelines.settings.model import Settings
from pipelines.tools.stack import stack

pytestmark = needs_prometheus


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    configure(folder, {}, "1s")
    backfill(folder, two_minutes(time.time()))
    with prometheus(folder) as url:
        tools = {tool.name: tool for tool in stack(Settings(stack={"prometheus": url}))}
        yield lambda name: asyncio.run(tools[name].run({}))


def test_every_query_is_one_and_finds_what_is_there(look):
    gpus = look("gpu_status").splitlines()
    assert len(gpus) == 2
    assert any("host h100 gpu 0: temperature 60 °C" in line and "memory in use 49 %" in line for line in gpus)
    assert any("host spark gpu 0" in line and "memory" not in line for line in gpus)
    hosts = look("host_status")
    assert "host spark: free memory 19 GiB" in hosts
    assert look("answer_times").startswith("turns in the last hour")


def test_alerts_are_those_that_fire(look):
    for _ in range(100):  # once Prometheus has evaluated its rules twice
        if "exporter_down (warning)" in (told := look("firing_alerts")):
            break
        time.sleep(0.1)
    else:
        pytest.fail(f"no exporter answers here, and the alert does not say so: {told}")
