"""Who is let in: places, a loop that keeps up, services with room; and whom a full recogniser turns away."""

import asyncio

import grpc
import grpc.aio
import pytest
from lab import Lab
from page_client import page
from rooms import house

from nova.errors import Overloaded
from pipelines.conversation.events import EarsBack, EarsLost, Failed, Retrying
from pipelines.server.admission import EXHAUSTED_SECONDS, LATE_SECONDS, LATE_WINDOW, Admission
from pipelines.telemetry.metrics import LAG_INTERVAL, Metrics
from pipelines.virtual_time import run

FULL = grpc.aio.AioRpcError(grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.aio.Metadata(), grpc.aio.Metadata())
AWAY = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())


class Clock:
    def __init__(self):
        self.now = 100.0
        self.late = 0.0

    def admission(self, places=2):
        return Admission(places, lambda: self.now, lambda seconds: self.late if seconds == LATE_WINDOW else 0.0)


def test_there_are_so_many_places():
    admission = Clock().admission(places=2)
    assert admission.refusal(1) is None
    refusal = admission.refusal(2)
    assert (refusal.status, refusal.code, refusal.facts) == (503, "session_limit_reached", {"places": 2})


def test_a_loop_that_is_late_takes_nobody():
    clock = Clock()
    admission = clock.admission()
    clock.late = LATE_SECONDS
    assert admission.refusal(0) is None
    clock.late = LATE_SECONDS * 1.1
    assert "no time" in admission.refusal(0).message


@pytest.mark.parametrize(
    ("happening", "named"),
    [
        (EarsLost(at=0.0, error=FULL), "asr"),
        (Failed(at=0.0, service="tts", error=FULL), "tts"),
        (Retrying(at=0.0, service="llm", error=Overloaded("busy"), seconds=1.0), "llm"),
        (EarsLost(at=0.0, error=AWAY), None),
        (Failed(at=0.0, service="tts", error=AWAY), None),
    ],
)
def test_a_service_without_room_makes_the_server_full_for_a_while(happening, named):
    clock = Clock()
    admission = clock.admission()
    admission.told(happening)
    refusal = admission.refusal(0)
    assert (refusal is None) == (named is None)
    if refusal:
        assert f"The {named} service takes no more calls" in refusal.message
        clock.now += EXHAUSTED_SECONDS
        assert admission.refusal(0) is None


def test_ears_that_are_back_have_room():
    admission = Clock().admission()
    admission.told(EarsLost(at=0.0, error=FULL))
    admission.told(EarsBack(at=1.0))
    assert admission.refusal(0) is None


def test_one_stall_of_the_loop_is_no_lasting_lateness():
    looks = round(5.0 / LAG_INTERVAL)

    async def main():
        metrics = Metrics()
        watching = asyncio.create_task(metrics.watch_loop())
        metrics._lags.extend([0.03] * (looks - 1))
        assert metrics.least_lag(5.0) == 0.0, "it is not known yet"
        metrics._lags.append(0.04)
        assert metrics.least_lag(5.0) == 0.03
        await asyncio.sleep(1)
        assert metrics.least_lag(5.0) < 1e-6, "that is over"
        metrics._lags.append(0.3)
        assert metrics.least_lag(5.0) < 1e-6, "one stall"
        watching.cancel()

    run(main())


@pytest.mark.services
async def test_whom_the_recogniser_has_no_room_for_is_one_too_many(tmp_path, pki):
    lab = Lab({"asr": "is full"}, turns=(0,))
    async with house(tmp_path, pki, lab=lab) as (client, url, _):
        async with page(client, url, microphone=True) as one:
            error = (await one.wait("error"))["error"]
            assert (error["type"], error["code"]) == ("session_limit_reached", "session_limit_reached")
            while not one.socket.closed:
                await one.socket.receive()
            assert one.socket.close_code == 1013
        async with client.get(url + "/v1/realtime") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
            assert "The asr service takes no more calls" in (await answer.json())["error"]["message"]
