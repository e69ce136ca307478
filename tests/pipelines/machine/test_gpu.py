"""The GPU's figures by the driver and by a DCGM exporter: every one optional, and nothing that is sent is trusted."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pynvml
import pytest
from fake_nvml import FakeNvml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.machine import counters, dcgm
from pipelines.machine.dcgm import MOST_GPUS, DcgmExporter, parse
from pipelines.machine.gpu import GpuAbsent, Nvml, quantity

PAGE = """\
# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",hostname="c"} 87
DCGM_FI_DEV_GPU_UTIL{gpu="1",UUID="GPU-b",device="nvidia1",modelName="NVIDIA H100 80GB HBM3",hostname="c"} 3
# TYPE DCGM_FI_DEV_FB_USED gauge
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a"} 71234
# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a"} 512.25
# TYPE DCGM_FI_DEV_GPU_TEMP gauge
DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-a"} 55
# TYPE DCGM_FI_DEV_SM_CLOCK gauge
DCGM_FI_DEV_SM_CLOCK{gpu="0",UUID="GPU-a"} 1980
"""


@contextmanager
def exporter(page=PAGE, status=200, chunks=None):
    """A DCGM exporter on loopback; ``chunks`` are sent instead of ``page`` until the client has had enough."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            try:
                for chunk in chunks() if chunks else (page.encode(),):
                    self.wfile.write(chunk)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_driver_tells_utilisation_memory_power_and_temperature(monkeypatch):
    fake = FakeNvml(monkeypatch, gpus=2)
    nvml = Nvml()
    found = nvml.read()
    assert found[quantity(0, "utilisation")] == 40
    assert found[quantity(1, "utilisation")] == 41
    assert found[quantity(0, "memory")] == 3072
    assert found[quantity(0, "power")] == pytest.approx(123.456)
    assert found[quantity(0, "temperature")] == 51
    assert nvml.notes() == []
    assert nvml.describe() == {"driver": "580.95.05", "gpus": ["NVIDIA Fake 0", "NVIDIA Fake 1"]}
    nvml.close()
    assert fake.down == 1


def test_what_the_driver_does_not_support_is_noted_once_and_never_asked_again(monkeypatch):
    fake = FakeNvml(monkeypatch)
    fake.refuses["nvmlDeviceGetMemoryInfo"] = pynvml.NVML_ERROR_NOT_SUPPORTED  # as on GB10
    nvml = Nvml()
    for _ in range(3):
        assert set(nvml.read()) == {quantity(0, what) for what in ("utilisation", "power", "temperature")}
    assert fake.asked.count("nvmlDeviceGetMemoryInfo") == 1
    assert nvml.notes() == ["the driver does not tell the memory of GPU 0; memory available stands in"]


def test_a_memory_of_no_size_is_none(monkeypatch):
    FakeNvml(monkeypatch).total = 0
    nvml = Nvml()
    assert quantity(0, "memory") not in nvml.read()
    assert len(nvml.notes()) == 1


def test_what_fails_for_now_is_asked_again(monkeypatch):
    fake = FakeNvml(monkeypatch)
    nvml = Nvml()
    fake.refuses["nvmlDeviceGetPowerUsage"] = pynvml.NVML_ERROR_TIMEOUT
    assert quantity(0, "power") not in nvml.read()
    fake.refuses.clear()
    assert quantity(0, "power") in nvml.read()
    assert nvml.notes() == []


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"absent": pynvml.NVML_ERROR_LIBRARY_NOT_FOUND}, "no NVIDIA driver answers"),
        ({"gpus": 0}, "knows no GPU"),
    ],
)
def test_no_driver_and_no_gpu_are_said_plainly(monkeypatch, told, why):
    FakeNvml(monkeypatch, **told)
    with pytest.raises(GpuAbsent, match=why):
        Nvml()


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    with pytest.raises(GpuAbsent, match=r"pip install -e '\.\[replay\]'"):
        Nvml()


def test_an_exporters_page_gives_the_figures_by_gpu():
    assert parse(PAGE) == {
        quantity(0, "utilisation"): 87,
        quantity(1, "utilisation"): 3,
        quantity(0, "memory"): 71234,
        quantity(0, "power"): 512.25,
        quantity(0, "temperature"): 55,
    }


def test_of_a_figure_for_each_pod_the_largest_counts():
    lines = [f'DCGM_FI_DEV_GPU_UTIL{{gpu="0",pod="{pod}"}} {value}' for pod, value in (("a", 10), ("b", 70), ("c", 5))]
    assert parse("\n".join(lines)) == {quantity(0, "utilisation"): 70}


@pytest.mark.parametrize(
    "line",
    [
        'DCGM_FI_DEV_GPU_TEMP{gpu="0"} NaN',
        'DCGM_FI_DEV_GPU_TEMP{gpu="0"} +Inf',
        'DCGM_FI_DEV_GPU_TEMP{gpu="0"} hot',
        'DCGM_FI_DEV_GPU_TEMP{gpu="0" 55',
        'DCGM_FI_DEV_GPU_TEMP{gpu="-1"} 55',
        'DCGM_FI_DEV_GPU_TEMP{gpu="٣"} 55',
        'DCGM_FI_DEV_GPU_TEMP{gpu="9999999999"} 55',
        f'DCGM_FI_DEV_GPU_TEMP{{gpu="{MOST_GPUS}"}} 55',
        "DCGM_FI_DEV_GPU_TEMP 55",
        'DCGM_FI_DEV_GPU_TEMP{gpu="0",name="' + "x" * 5000 + '"} 55',
        'DCGM_FI_DEV_GPU_TEMP_LIMIT{gpu="0"} 93',
    ],
)
def test_a_line_that_is_none_of_ours_is_passed_over(line):
    assert parse(line + '\nDCGM_FI_DEV_POWER_USAGE{gpu="0"} 100') == {quantity(0, "power"): 100}


@given(st.text(max_size=200), st.text(alphabet='{}="\\ 0123456789.eE+-gpu,\n', max_size=80))
def test_no_page_makes_it_fail(page, tail):
    parse(page)
    assert all(key.name.startswith("gpu ") for key in parse(f"DCGM_FI_DEV_GPU_TEMP{tail}"))


def test_an_exporter_is_read_over_http():
    with exporter() as url:
        source = DcgmExporter(url)
        assert source.read() == parse(PAGE)
        source.close()


def test_a_page_without_an_end_is_cut_off():
    def forever():
        while True:
            yield b"x" * 65536

    with exporter(chunks=forever) as url, pytest.raises(GpuAbsent, match="sends more than"):
        DcgmExporter(url).read()


def test_a_page_that_drips_is_given_up(monkeypatch):
    monkeypatch.setattr(dcgm, "FETCH_SECONDS", 0.05)
    enough = threading.Event()

    def drips():
        while not enough.wait(0.01):
            yield b"#\n"

    with exporter(chunks=drips) as url:
        source = DcgmExporter(url)
        with pytest.raises(GpuAbsent, match="takes more than"):
            source.read()
        enough.set()


@pytest.mark.parametrize(("status", "page", "why"), [(404, "", "status 404"), (200, "up 1\n", "is it a DCGM exporter")])
def test_what_is_no_exporter_is_said_plainly(status, page, why):
    with exporter(page, status) as url, pytest.raises(GpuAbsent, match=why):
        DcgmExporter(url).read()


def test_an_exporter_that_is_down_is_named_without_its_password():
    with exporter() as url:
        pass
    with pytest.raises(GpuAbsent, match=r"no DCGM exporter answers at 127\.0\.0\.1") as raised:
        DcgmExporter(url.replace("://", "://lab:secret@")).read()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["localhost:9400", "ftp://x/metrics", "http://", "", "file:///etc/passwd", "http://a\x00"]
)
def test_what_is_no_url_is_refused_at_once(url):
    with pytest.raises(ValueError, match="http://localhost:9400/metrics"):
        DcgmExporter(url)


def test_a_named_exporter_comes_first_then_the_driver_then_an_exporter_beside_us(monkeypatch):
    with exporter() as url:
        monkeypatch.setattr(counters, "DEFAULT_URL", url)
        FakeNvml(monkeypatch)
        assert isinstance(counters.find_gpu(url), DcgmExporter)
        assert isinstance(counters.find_gpu(), Nvml)
        FakeNvml(monkeypatch, absent=pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
        assert isinstance(counters.find_gpu(), DcgmExporter)
    with pytest.raises(GpuAbsent, match="no NVIDIA driver answers"):
        counters.find_gpu()
