"""Rules, versions, and files that are not what they should be."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.doctor.finding import Finding, Mark, ok, skip
from pipelines.doctor.manifest import Expectation, Manifest, as_yaml, find_manifest, numbers, read_manifest, recorded
from pipelines.settings.layers import configs_folder
from pipelines.settings.model import SettingsError


@pytest.mark.parametrize(
    ("rule", "wanted", "found", "met"),
    [
        ("exact", "ubuntu 22.04", "ubuntu 22.04", True),
        ("exact", "22.04", "22.04.4", True),
        ("exact", "ubuntu 22.04", "Ubuntu 22.04.4", True),
        ("exact", "ubuntu 22.04", "debian 22.04", False),
        ("exact", "22.04", "22.10", False),
        ("exact", "12.4", "12.40", False),
        ("exact", "x86_64", "x86_64", True),
        ("exact", "x86_64", "aarch64", False),
        ("exact", "unified", "81559", False),
        ("at least", "550", "550.54.15", True),
        ("at least", "550", "580.95.05", True),
        ("at least", "550", "545.23", False),
        ("at least", "12.4", "12.10", True),
        ("at least", "2.20", "2.20.5-1+cuda12.4", True),
        ("at least", "9.0", "1:9.1.0-1", True),
        ("at least", "9.0", "unknown", False),
        ("at least", "9.0", "9", True),
        ("at least", "9.0.0", "9.0", True),
        ("at least", "9", "9.0", True),
        ("at least", "9.1", "9", False),
        ("at least", "9.0", "8", False),
        ("present", None, "anything", True),
    ],
)
def test_rules(rule: str, wanted: str | None, found: str, met: bool) -> None:
    expectation = Expectation.model_validate({"rule": rule, "version": wanted})
    assert expectation.met_by(found) is met


def test_what_is_not_expected_is_not_missed() -> None:
    manifest = Manifest(title="t", items={"driver": Expectation(rule="at least", version="550", otherwise="fail")})
    assert manifest.judge("conda", None) == (Mark.SKIP, "")
    assert manifest.judge("conda", "24.1") == (Mark.OK, "")
    assert manifest.judge("driver", None) == (Mark.FAIL, "at least 550")
    assert manifest.judge("driver", "535.1") == (Mark.FAIL, "at least 550")


@pytest.mark.parametrize(
    ("wanted", "found", "judged"),
    [
        ("12.4", "12", (Mark.WARN, "at least 12.4; cannot tell the minor version")),
        ("12.0", "12", (Mark.OK, "at least 12.0")),
        ("12.4", "11", (Mark.FAIL, "at least 12.4")),
        ("12.4", "12.3", (Mark.FAIL, "at least 12.4")),
        ("12.4", "unknown", (Mark.FAIL, "at least 12.4")),
    ],
)
def test_a_major_alone_does_not_tell_the_minor(wanted: str, found: str, judged: tuple[Mark, str]) -> None:
    manifest = Manifest(title="t", items={"cudart": Expectation(rule="at least", version=wanted, otherwise="fail")})
    assert manifest.judge("cudart", found) == judged


@pytest.mark.parametrize(
    "item", [{"rule": "exact"}, {"rule": "present", "version": "1"}, {"rule": "at least", "version": "x"}]
)
def test_rules_without_sense(item: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Expectation.model_validate(item)


VERSIONS = st.lists(st.integers(0, 10_000), min_size=1, max_size=5)


@given(VERSIONS, VERSIONS)
def test_at_least_is_the_order_of_versions(one: list[int], other: list[int]) -> None:
    wanted, found = ".".join(map(str, one)), ".".join(map(str, other))
    of_five = [parts + [0] * (5 - len(parts)) for parts in (one, other)]
    assert Expectation(rule="at least", version=wanted).met_by(found) is (of_five[1] >= of_five[0])


@given(st.text())
def test_numbers_take_anything(text: str) -> None:
    assert all(part >= 0 for part in numbers(text))


def test_those_that_come_along_can_be_read() -> None:
    from pipelines.doctor.program import BASE

    keys = {check.key for check in BASE}
    for path in (configs_folder() / "stack").glob("*.yaml"):
        assert set(read_manifest(path).items) <= keys, path  # a misspelt item would never be looked at
    assert find_manifest("dgx-spark") == find_manifest("dgx-spark.yaml")


GUIDE = {
    "os": "ubuntu 22.04", "driver": "at least 550", "cuda_driver": "at least 12.4", "cuda": "at least 12.4",
    "cudart": "at least 12.4", "cudnn": "at least 9.0", "tensorrt": "at least 10.0", "nccl": "at least 2.20",
    "cutensor": "at least 2.0", "torch": "at least 2.3",
}  # fmt: skip
NAMED = {
    "architecture", "gpu", "cublas", "cufft", "curand", "cusparse", "cusolver", "docker", "container_toolkit", "nsys",
    "ncu", "dcgm", "ngc", "conda", "torchvision", "torchaudio", "tensorflow", "jax", "cudf", "cuml", "cugraph",
    "cuspatial", "cusignal", "spark_jar", "vllm", "triton", "tensorrt_llm", "nemo", "kit", "nv_hostengine",
    "node_exporter", "dcgm_exporter", "jupyter",
}  # fmt: skip
"""What the integration guide wants, in whatever version."""
UNVERSIONED = {
    "kernel", "memory", "secure_boot", "selinux", "gpu_memory", "runtime", "gpu_container", "face_model", "turn_model",
    "engines", "spark", "kept", "ingest", "room", "versions",
}  # fmt: skip
"""What is looked at, and has no version that the guide could want."""


def test_the_guides_list_is_complete() -> None:
    from pipelines.doctor.program import BASE

    items = read_manifest(find_manifest("dgx-guide")).items
    assert {key: str(items[key]) for key in GUIDE} == GUIDE
    assert set(items) == {*GUIDE, *NAMED, "compose"}  # the last for the stack's own files
    assert {check.key for check in BASE} == {*items, *UNVERSIONED}


def test_a_spark_is_not_asked_for_what_the_guide_wants() -> None:
    items = read_manifest(find_manifest("dgx-spark")).items
    judged = {
        "os": ("ubuntu 24.04.3", "ubuntu 22.04"), "architecture": ("aarch64", "x86_64"),
        "driver": ("580.95.05", "550.54.15"), "gpu_memory": ("unified", "81559"), "cuda_driver": ("13.0", "12.4"),
        "cuda": ("13.0.88", "12.4.99"), "compose": ("2.24.0", "2.23.3"),
    }  # fmt: skip
    for key, (well, ill) in judged.items():
        assert items[key].met_by(well), key
        assert not items[key].met_by(ill), key
    assert {key for key, item in items.items() if item.rule == "present"} == {
        "gpu", "docker", "container_toolkit", "node_exporter",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: t\nitems: {driver: {rule: at most}}", "items.driver.rule"),
        ("title: t\nitems: {driver: {rule: exact, version: 22.04}}", "in quotes"),
        ("title: t\nitems: {driver: {rule: exact}}", "need a version"),
        ("title: t\nitem: {}", "item"),
        ("- a", ""),
        ("{", "not YAML"),
        ("title: !!python/object:os.system t", ""),
    ],
)
def test_mistakes_are_told_in_a_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_manifest(path)
    assert words in caught.value.lines[0]
    assert "\n" not in caught.value.lines[0]
    assert str(path) in caught.value.lines[0]


def test_a_manifest_that_is_not_there() -> None:
    with pytest.raises(SettingsError, match=r"did you mean dgx-spark\.yaml"):
        find_manifest("dgx-sparc.yaml")


def test_a_recorded_machine_meets_its_own_manifest(tmp_path: Path) -> None:
    versions = {"driver": "550.54.15", "torch": "2.3.0a0+6ddf5cf85e.nv24.4", "gpu": "NVIDIA GB10", "jupyter": "answers"}
    findings = [Finding("base", "g", key, key, "", ok("", version), 0) for key, version in versions.items()]
    findings.append(Finding("base", "g", "conda", "conda", "", skip("not installed"), 0))
    path = tmp_path / "mine.yaml"
    path.write_text(as_yaml(recorded("mine", findings)))
    manifest = read_manifest(path)
    assert set(manifest.items) == set(versions)
    assert all(manifest.judge(key, version)[0] is Mark.OK for key, version in versions.items())
    assert manifest.judge("driver", "550.90")[0] is Mark.WARN
