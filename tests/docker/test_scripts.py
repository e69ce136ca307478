"""ngc-pull.sh against a stand-in for docker that notes its arguments and what it was told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from stack_files import DOCKER, PROFILES, merged, tool

SCRIPT = DOCKER / "ngc-pull.sh"
RECIPE = DOCKER.parent / "nova/training/recipes/run.sh"
KEY = "nvapi-0123456789_abcdefghijklmnop"

FAKE = """#!/bin/sh
printf '%s\\n' "$*" >> "$NOTES/arguments"
case $1 in
compose) [ "$2" = version ] || cat "$NOTES/config" ;;
login) cat > "$NOTES/stdin"; exit "${LOGIN:-0}" ;;
pull) [ "$2" != "${BROKEN:-}" ] ;;
image)  # what it knows by other names comes first
    case $5 in *a:1.0) printf 'mirror.lab/a@sha256:0\\nnvcr.io/nim/a@sha256:a1\\n' ;; esac
    case $5 in *b:2.0) [ -n "${UNKNOWN:-}" ] || printf 'b@sha256:b2\\n' ;; esac
    case $5 in *nemo*) printf 'nvcr.io/nvidia/nemo-automodel@sha256:c3\\n' ;; esac
    ;;
esac
"""

CONFIG = """\
name: sophia
services:
  face:
    image: nvcr.io/nim/a:1.0
    environment:
      image: not/this:1
  ears:
    image: docker.io/library/b:2.0
  mouth:
    image: nvcr.io/nim/a:1.0
  sophia:
    build:
      context: ..
    image: sophia-avatar:0.1.0
volumes:
  image:
    image: nor/this:1
"""
"""As compose writes it."""

HF = """#!/bin/sh
printf '%s\\n' "$*" >> "$NOTES/hf"
case $* in *--dry-run)
    [ -z "${GATED:-}" ] || { printf 'a trace\\nthe model is gated\\n' >&2; exit 1; }
    printf '[dry-run] Will download 5 files (out of 7) totalling %s.\\n' "${SIZE:-20.3M}"
    printf 'FILE SIZE\\nconfig.json 2.0\\n' ;;
*) [ -z "${BREAKS:-}" ] || exit 1 ;;
esac
"""
"""As the program hf of huggingface_hub 2.4 says it where nobody watches."""

COMMANDS = (
    "awk", "cat", "date", "df", "dirname", "grep", "head", "ls", "mv", "sed", "sort", "tail", "tr", "uname",
)  # fmt: skip


class Run:
    """One run of the script: its exit code, everything it said, and what docker was asked."""

    def __init__(
        self, tmp: Path, *arguments: str, docker: str | None = FAKE, hf: bool = True, df: str = "", **variables: str
    ) -> None:
        tools, here, recipes = tmp / "bin", tmp / "docker", tmp / "nova/training/recipes"
        tools.mkdir()
        here.mkdir()
        recipes.mkdir(parents=True)
        script = shutil.copy(SCRIPT, here)  # away from a developer's own key
        for profile in PROFILES:
            shutil.copy(DOCKER / f"{profile}.env", here)
        shutil.copy(RECIPE, recipes)
        (tmp / "config").write_text(CONFIG)
        for name in COMMANDS:  # and from a real docker
            (tools / name).symlink_to(str(shutil.which(name)))
        for name, text in (("docker", docker), ("hf", HF if hf else None), ("df", df)):
            if text:
                (tools / name).unlink(missing_ok=True)
                (tools / name).write_text(text)
                (tools / name).chmod(0o755)
        environment = {"PATH": str(tools), "NOTES": str(tmp), **variables}
        done = subprocess.run(
            [script, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=20
        )
        self.code, self.said = done.returncode, done.stdout + done.stderr
        notes = tmp / "arguments"
        self.asked = notes.read_text().splitlines() if notes.exists() else []
        self.pulled = [line.split()[-1] for line in self.asked if line.startswith("pull")]
        self.weights = (tmp / "hf").read_text().splitlines() if (tmp / "hf").exists() else []
        assert KEY not in self.said
        assert not any(KEY in line for line in self.asked), "the key was an argument, which every user can see"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "ngc.env"
    path.write_text(f"# mine\nNGC_API_KEY={KEY}\n")
    path.chmod(0o600)
    return path


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run([tool("shellcheck"), SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_can_be_started_and_explains_itself(tmp_path: Path) -> None:
    assert os.access(SCRIPT, os.X_OK)
    run = Run(tmp_path, "--help", docker=None)
    assert run.code == 0
    assert "usage: ngc-pull.sh" in run.said


def test_each_image_is_pulled_once_and_the_key_goes_through_standard_input(tmp_path: Path, key_file: Path) -> None:
    run = Run(tmp_path, "--profile", "spark", "--key-file", str(key_file))
    assert run.code == 0, run.said
    assert run.pulled == ["docker.io/library/b:2.0", "nvcr.io/nim/a:1.0"]  # the runtime's own is built, not pulled
    assert "login nvcr.io --username $oauthtoken --password-stdin" in run.asked
    assert (tmp_path / "stdin").read_text() == KEY
    assert any(f"--env-file {tmp_path}/docker/spark.env" in line for line in run.asked)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, "--profile", "workstation", "--dry-run", NGC_API_KEY=KEY)
    assert run.code == 0, run.said
    assert "would pull nvcr.io/nim/a:1.0" in run.said
    assert run.pulled == []
    assert not any(line.startswith("login") for line in run.asked)


def test_what_fails_is_named_and_the_rest_is_pulled(tmp_path: Path) -> None:
    run = Run(tmp_path, "--profile", "spark", NGC_API_KEY=KEY, BROKEN="docker.io/library/b:2.0")
    assert run.code == 1
    assert "could not fetch: docker.io/library/b:2.0 (" in run.said
    assert "nvcr.io/nim/a:1.0" in run.pulled


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    [
        (["--profile", "moon"], {"NGC_API_KEY": KEY}, 2, "no profile 'moon'"),
        (["--fast"], {}, 2, "what is '--fast'"),
        (["--profile"], {}, 2, "needs a value"),
        (["--key-file", "/nowhere"], {"NGC_API_KEY": KEY}, 3, "does not exist"),
        (["--digests", "/nowhere/pinned.yml"], {"NGC_API_KEY": KEY}, 2, "cannot be written"),
        (["--weights"], {"NGC_API_KEY": KEY, "GATED": "1"}, 1, "NVFP4 cannot be had: the model is gated"),
        ([], {"NGC_API_KEY": "short"}, 3, "too short"),
        ([], {"NGC_API_KEY": f"'{KEY}'"}, 3, "quotes"),
        ([], {"NGC_API_KEY": KEY, "LOGIN": "1"}, 3, "no login to nvcr.io with this key"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], code: int, words: str
) -> None:
    run = Run(tmp_path, *arguments, **variables)
    assert run.code == code
    assert words in run.said
    assert run.said.count("\n") == 1
    assert run.pulled == []


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path, key_file: Path) -> None:
    key_file.chmod(0o644)
    run = Run(tmp_path, "--key-file", str(key_file))
    assert (run.code, run.pulled) == (3, [])
    assert f"chmod 600 {key_file}" in run.said


def test_a_machine_without_docker(tmp_path: Path) -> None:
    run = Run(tmp_path, docker=None, NGC_API_KEY=KEY)
    assert run.code == 4
    assert "docker is not installed" in run.said


def test_training_brings_the_container_that_the_recipe_runs_in(tmp_path: Path, key_file: Path) -> None:
    run = Run(tmp_path, "--profile", "spark", "--key-file", str(key_file), "--training")
    assert run.code == 0, run.said
    (image,) = re.findall(r"nvcr\.io/\S+/nemo-\S+:[\w.]+", RECIPE.read_text())
    assert run.pulled == ["docker.io/library/b:2.0", "nvcr.io/nim/a:1.0", image]
    assert f"3 of 3: {image}" in run.said


def test_weights_are_weighed_before_anything_is_fetched(tmp_path: Path, key_file: Path) -> None:
    run = Run(tmp_path, "--profile", "spark", "--key-file", str(key_file), "--weights")
    assert run.code == 0, run.said
    model, folder = "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4", tmp_path / "docker/weights/nova-llm"
    assert run.weights == [
        f"download {model} --local-dir {folder} --dry-run",
        f"download {model} --local-dir {folder}",
    ]
    assert run.said.startswith(f"{model}, to download: 5 files (out of 7) totalling 20.3M. ")
    assert f"GB are free at {tmp_path}/docker\n" in run.said
    assert run.said.index("GB are free") < run.said.index("1 of 2")


@pytest.mark.parametrize(
    ("size", "code"), [("20.3G", 1), ("3.5T", 1), ("900.0M", 0), ("12.0", 0), ("an unknown size", 0)]
)
def test_weights_for_which_the_disk_is_too_small(tmp_path: Path, size: str, code: int) -> None:
    df = "#!/bin/sh\nprintf 'Filesystem 1024-blocks Used Available\\n/dev/a 9 9 1000000\\n'\n"  # 1.02 GB
    run = Run(tmp_path, "--profile", "spark", "--weights", "--dry-run", df=df, NGC_API_KEY=KEY, SIZE=size)
    assert run.code == code, run.said
    assert ("the disk is too small" in run.said) == bool(code)
    assert "1.0 GB are free" in run.said
    assert run.pulled == []


def test_other_weights_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "large disk"
    run = Run(
        tmp_path, "--profile", "speech", "--weights", NGC_API_KEY=KEY, NOVA_LLM="lab/ours", NOVA_WEIGHTS=str(elsewhere)
    )
    assert run.code == 0, run.said
    assert run.weights[-1] == f"download lab/ours --local-dir {elsewhere}/nova-llm"


def test_weights_that_break_off_are_told_with_the_rest(tmp_path: Path) -> None:
    run = Run(tmp_path, "--profile", "spark", "--weights", NGC_API_KEY=KEY, BREAKS="1", BROKEN="nvcr.io/nim/a:1.0")
    assert run.code == 1
    assert "could not fetch: nvcr.io/nim/a:1.0 nvidia/NVIDIA-Nemotron" in run.said


def test_weights_without_the_program_that_fetches_them(tmp_path: Path) -> None:
    run = Run(tmp_path, "--weights", hf=False, NGC_API_KEY=KEY)
    assert run.code == 4
    assert "pip install huggingface_hub" in run.said
    assert run.pulled == []


def test_what_was_pulled_is_pinned_for_compose(tmp_path: Path, key_file: Path) -> None:
    pinned = tmp_path / "pinned.yml"
    run = Run(
        tmp_path, "--profile", "spark", "--key-file", str(key_file), "--training", "--digests", str(pinned)
    )  # fmt: skip
    assert run.code == 0, run.said
    assert yaml.safe_load(pinned.read_text()) == {
        "services": {
            "face": {"image": "nvcr.io/nim/a:1.0@sha256:a1", "profiles": ["pinned"]},
            "ears": {"image": "docker.io/library/b:2.0@sha256:b2", "profiles": ["pinned"]},
            "mouth": {"image": "nvcr.io/nim/a:1.0@sha256:a1", "profiles": ["pinned"]},
        }
    }
    assert re.search(r"# Training: IMAGE=nvcr\.io/nvidia/nemo-automodel:[\d.]+@sha256:c3\n", pinned.read_text())


def test_nothing_is_pinned_by_half(tmp_path: Path) -> None:
    pinned = tmp_path / "pinned.yml"
    pinned.write_text("as before")
    run = Run(tmp_path, "--profile", "spark", "--digests", str(pinned), NGC_API_KEY=KEY, UNKNOWN="1")
    assert run.code == 1
    assert "docker knows no digest" in run.said
    assert pinned.read_text() == "as before"


@pytest.fixture
def compose() -> str:
    """Docker with its plug-in, which needs no engine to read files."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    return docker


def real(docker: str, profile: str) -> str:
    """Reads the real files as compose does (the copied script has none beside it); images are known by one digest."""
    return f"""#!/bin/sh
case $* in
*config) exec {docker} compose --env-file {DOCKER}/{profile}.env -f {DOCKER}/docker-compose.yml config ;;
compose*) exec {docker} "$@" ;;
image*) name=${{5%:*}} name=${{name#docker.io/}} && echo "${{name#library/}}@sha256:{"0" * 64}" ;;
login) cat >/dev/null ;;
esac
"""


@pytest.mark.parametrize("profile", ["workstation", "speech"])
def test_the_images_are_those_of_the_profile_as_compose_reads_it(tmp_path: Path, profile: str, compose: str) -> None:
    run = Run(
        tmp_path, "--profile", profile, "--dry-run", docker=real(compose, profile), NGC_API_KEY=KEY,
        HOME=str(Path.home()),
    )  # fmt: skip
    assert run.code == 0, run.said
    images = {service["image"] for name, service in merged(profile)["services"].items() if name != "sophia"}
    assert set(run.said.split()) - {"would", "pull"} == images


def test_compose_holds_the_stack_or_a_part_of_it_to_the_pins(tmp_path: Path, compose: str) -> None:
    pinned = tmp_path / "pinned.yml"
    run = Run(
        tmp_path, "--profile", "spark", "--digests", str(pinned), docker=real(compose, "spark"), NGC_API_KEY=KEY,
        HOME=str(Path.home()),
    )  # fmt: skip
    assert run.code == 0, run.said
    for file, names in (
        ("docker-compose.yml", set(merged("spark")["services"])),
        ("docker-compose.riva.yml", {"asr", "tts"}),
    ):
        done = subprocess.run(
            [compose, "compose", "--env-file", DOCKER / "spark.env", "-f", DOCKER / file, "-f", pinned, "config"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        services = yaml.safe_load(done.stdout)["services"]
        assert set(services) == names, "with the pins something else would start"
        for name in names - {"sophia"}:
            assert services[name]["image"] == f"{merged('spark')['services'][name]['image']}@sha256:{'0' * 64}"
