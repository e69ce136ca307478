"""The loop tells when its services' certificates end, and survives services that show none."""

import asyncio
import re
import socket
import ssl
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lab import Lab, config, serving

from pipelines.certs import Authority, Identity
from pipelines.services.certificates import INTERVAL, watch_certificates
from pipelines.services.channels import PeerIdentity
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.model import load_settings
from pipelines.talk.program import Options, VoiceLoop
from pipelines.telemetry.metrics import Metrics
from pipelines.terminal.display import SilentDisplay
from pipelines.virtual_time import run

NAME = "sophia_certificate_expiry_timestamp_seconds"


def shown(expires):
    return PeerIdentity("server", "ca", ("localhost",), expires, "TLSv1.3", trusted=True)


def test_each_service_is_looked_at_again_and_what_is_gone_keeps_its_last_date():
    metrics, first = Metrics(), datetime(2027, 1, 1, tzinfo=UTC)
    answers = {
        "riva:1": [first, first + timedelta(days=90)],
        "a2f:3": [ssl.SSLError("not TLS"), first],
        "mind:2": [first, OSError("down")],
    }
    looks = []

    async def look(endpoint, seconds):
        looks.append(endpoint.target)
        answer = answers[endpoint.target].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return shown(answer)

    places = {name: Endpoint(target=target) for name, target in zip(("tts", "face", "llm"), answers, strict=True)}
    places["bare"] = Endpoint(target="plain:4", tls=TlsSettings(enabled=False))

    async def twice():
        watch = asyncio.create_task(watch_certificates(metrics, places, look))
        await asyncio.sleep(1)
        value = metrics.registry.get_sample_value
        assert value(NAME, {"service": "tts"}) == first.timestamp()
        assert value(NAME, {"service": "face"}) is None
        await asyncio.sleep(INTERVAL)
        assert value(NAME, {"service": "tts"}) == (first + timedelta(days=90)).timestamp()
        assert value(NAME, {"service": "face"}) == value(NAME, {"service": "llm"}) == first.timestamp()
        assert value(NAME, {"service": "bare"}) is None
        watch.cancel()

    run(twice())
    assert looks == ["riva:1", "a2f:3", "mind:2"] * 2


async def test_a_real_handshake_shows_the_date(tmp_path):
    authority = Authority.create()
    server = authority.server(life=timedelta(days=5))
    server.write(tmp_path, "server")
    authority.identity.write(tmp_path, "ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens
        places = {
            "gone": Endpoint(target=f"127.0.0.1:{closed.getsockname()[1]}", tls=TlsSettings(ca=tmp_path / "ca.crt")),
            "unreadable": Endpoint(target=f"127.0.0.1:{port}", tls=TlsSettings(ca=tmp_path / "none.crt")),
            "llm": Endpoint(target=f"127.0.0.1:{port}", tls=TlsSettings(ca=tmp_path / "ca.crt")),
        }
        metrics = Metrics()
        watch = asyncio.create_task(watch_certificates(metrics, places))
        async with asyncio.timeout(10), listening:
            while (value := metrics.registry.get_sample_value(NAME, {"service": "llm"})) is None:
                assert not watch.done()
                await asyncio.sleep(0.01)
        watch.cancel()
    assert value == server.certificate.not_valid_after_utc.timestamp()
    assert metrics.registry.get_sample_value(NAME, {"service": "gone"}) is None


@pytest.mark.services
async def test_a_conversation_shows_the_dates_of_its_services_on_its_metrics_page(tmp_path, pki):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        page = probe.getsockname()[1]
    bite = next((Path(__file__).parents[2] / "pipelines/soundbites").glob("*what_time.wav"))

    def scrape():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{page}/metrics", timeout=2) as reply:
                return re.findall(rf'^{NAME}\{{service="(\w+)"\}} (\S+)$', reply.read().decode(), re.MULTILINE)
        except urllib.error.URLError:
            return []  # not yet

    async with asyncio.timeout(30), serving(Lab(), pki) as port:
        file = config(tmp_path, pki, dict.fromkeys(("asr", "llm", "tts", "face"), port))
        settings = load_settings(file, {"telemetry.metrics_port": str(page)}, {})
        session = VoiceLoop(settings, Options("lab.yaml", (bite,), reply=tmp_path / "reply.wav"), SilentDisplay())
        talk = asyncio.create_task(session.run())
        while len(found := dict(await asyncio.to_thread(scrape))) < 4:
            assert not talk.done(), await talk
            await asyncio.sleep(0.05)
        session.stop()
        assert await talk == 0
    ends = Identity.read(pki, "server").certificate.not_valid_after_utc.timestamp()
    assert {service: float(value) for service, value in found.items()} == dict.fromkeys(
        ("asr", "llm", "tts", "face"), ends
    )
