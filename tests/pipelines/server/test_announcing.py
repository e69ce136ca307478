"""Programs have her tell something to everybody who talks: over HTTP with the key, by the command, by Alertmanager."""

import asyncio
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from page_client import page
from rooms import house
from test_alerts import HOT, notification, over

from pipelines.client.say import main
from pipelines.server.announcing import ALERTS, MOST_TEXT, SAY

pytestmark = pytest.mark.services

KEY = "a-key-of-the-tests"
TEXT = "The door is open."


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    return file


async def post(client, url, path, body, key=None, **headers):
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    data = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with client.post(url + path, headers=headers, **data) as answer:
        return answer.status, await answer.json()


async def heard(one, nth=1):
    done = await one.wait("response.done", nth)
    return done["response"]["output"][0]["content"][0]["transcript"]


async def test_everybody_who_wants_to_hears_it_and_the_key_is_asked_for(tmp_path, pki, key_file):
    async with house(tmp_path, pki, api_key_file=key_file, announcements=True, patient=True) as (client, address, _):
        url = address.partition("/#")[0]
        assert (await post(client, url, SAY, {"text": TEXT}))[0] == 401
        assert (await post(client, url, ALERTS, {}, Origin="https://evil.example"))[0] in (401, 403)
        assert await post(client, url, SAY, {"text": TEXT}, KEY) == (200, {"told": 0})
        bearer = {"Authorization": f"Bearer {KEY}"}
        async with (
            page(client, url, headers=bearer) as one,
            page(client, url, headers=bearer) as other,
            page(client, url, headers=bearer) as deaf,
        ):
            quiet = {"type": "realtime", "sophia": {"announcements": False}}
            await deaf.say({"type": "session.update", "session": quiet})
            assert (await deaf.wait("session.updated", 2))["session"]["sophia"]["announcements"] is False
            assert await post(client, url, SAY, {"text": TEXT}, KEY) == (200, {"told": 2})
            assert (await heard(one), await heard(other)) == (TEXT, TEXT)
            assert not deaf.of("response.created")


async def test_what_is_to_be_told_in_her_own_words_is_asked_of_the_mind(tmp_path, pki):
    async with house(tmp_path, pki, announcements=True, patient=True) as (client, url, _), page(client, url) as one:
        assert await post(client, url, SAY, {"about": "Ada has come."}) == (200, {"told": 1})
        assert (await heard(one)).startswith("Let me")  # the lab's mind has one answer to everything
        await one.say({"type": "sophia.ask", "about": "Ada is gone."})
        assert (await heard(one, 2)).startswith("Let me")
        await one.say({"type": "sophia.ask"})
        assert (await one.wait("error"))["error"]["param"] == "about"


async def test_what_cannot_be_told_is_refused_with_a_reason(tmp_path, pki):
    async with house(tmp_path, pki, announcements=True, patient=True) as (client, url, _):
        wrong = [b"{", b"[" * 100_000, {}, {"text": "a", "about": "b"}, {"text": "…"}, {"text": 3}, [], {"say": "x"}]
        for body in (*wrong, {"text": "x" * (MOST_TEXT + 1)}):
            status, answer = await post(client, url, SAY, body)
            assert (status, answer["error"]["code"]) == (400, "invalid_value")
        assert (await post(client, url, ALERTS, {"version": "3"}))[0] == 400
        async with client.post(url + SAY, data=b"x" * (2 << 20)) as answer:
            assert answer.status == 413


async def test_it_is_off_at_first(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _):
        for path in (SAY, ALERTS):
            status, answer = await post(client, url, path, {"text": TEXT})
            assert (status, answer["error"]["code"]) == (403, "announcements_off")


async def test_alerts_are_told_once_and_kept_until_somebody_is_there(tmp_path, pki):
    async with house(tmp_path, pki, announcements=True, patient=True) as (client, url, _):
        fires = notification(HOT).model_dump()
        assert await post(client, url, ALERTS, fires) == (200, {"told": 0})
        async with page(client, url) as one:
            assert await post(client, url, ALERTS, fires) == (200, {"told": 1})
            assert await heard(one) == "Critical alert: The GPU 0 of spark-1 is at 91 °C."
            assert await post(client, url, ALERTS, fires) == (200, {"told": 0})
            assert await post(client, url, ALERTS, notification(over(HOT)).model_dump()) == (200, {"told": 1})
            assert await heard(one, 2) == "Resolved: gpu overtemp on spark-1."


async def test_the_command(tmp_path, pki, key_file, capsys, monkeypatch):
    async with house(tmp_path, pki, api_key_file=key_file, announcements=True, patient=True) as (client, address, _):
        url = address.partition("/#")[0]

        async def say(*arguments, server=address):
            ca = ("--ca", str(pki / "ca.crt"))
            return await asyncio.to_thread(main, [*arguments, "--server", server, *ca]), capsys.readouterr()

        code, told = await say(TEXT)
        assert (code, told.err) == (1, "Nobody is there to hear it.\n")
        async with page(client, url, headers={"Authorization": f"Bearer {KEY}"}) as one:
            code, told = await say(TEXT)
            assert (code, told.out) == (0, "Told in 1 conversation.\n")
            assert await heard(one) == TEXT
        code, told = await say(TEXT, server=url)
        assert code == 3
        assert "key" in told.err
        code, told = await say(TEXT, server="https://127.0.0.1:9")
        assert (code, told.err.count("\n")) == (3, 1)
        assert "is the server running" in told.err
        assert (await say(TEXT, server="ftp://x"))[0] == 2


@pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None, reason="prometheus-alertmanager (Debian) is not installed"
)
async def test_a_real_alertmanager_has_her_tell_an_alert_and_its_end(tmp_path, pki, key_file):
    async with house(tmp_path, pki, api_key_file=key_file, announcements=True, patient=True) as (client, address, _):
        url = address.partition("/#")[0]
        (tmp_path / "alertmanager.yml").write_text(f"""
route: {{receiver: sophia, group_by: [alertname, host], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: sophia
    webhook_configs:
      - url: {url}{ALERTS}
        send_resolved: true
        http_config:
          authorization: {{credentials_file: {key_file}}}
          tls_config: {{ca_file: {pki / "ca.crt"}}}
""")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            "prometheus-alertmanager", f"--config.file={tmp_path / 'alertmanager.yml'}",
            f"--storage.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.to_thread(_answers, f"http://127.0.0.1:{port}/-/ready")
            async with page(client, url, headers={"Authorization": f"Bearer {KEY}"}) as one:
                alert = {"labels": HOT["labels"], "annotations": HOT["annotations"]}
                async with client.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=[alert]) as answer:
                    assert answer.status == 200
                assert await heard(one) == "Critical alert: The GPU 0 of spark-1 is at 91 °C."
                gone = alert | {"endsAt": "2026-01-01T00:00:00Z", "startsAt": "2025-12-31T00:00:00Z"}
                async with client.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=[gone]) as answer:
                    assert answer.status == 200
                assert await heard(one, 2) == "Resolved: gpu overtemp on spark-1."
        finally:
            process.terminate()
            await process.wait()


def _answers(url):
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("Alertmanager does not answer")
