# make talk   set everything up and talk to Sophia        make test   set everything up and run the tests
# make serve  the same, but talk to her in a browser
# Everything made stays in .venv and .sophia; make clean removes both.

CONFIG ?= embedded.yaml
ARGS   ?=
# Further parts to install for talking, comma-separated: aec (echo cancellation on open speakers), voices (28 more
# speakers), turn (the turn model on audio, for turns.sound_veto), sherpa, nvtx
EXTRAS ?=
PYTHON ?=
export PYTHON

PY := .venv/bin/python
comma := ,

# A program has said itself what is wrong, so make ends without a line of its own, and not with 0. GNU make tells of
# every signal but this one. Where the signal is ignored, as services of systemd do, the line comes all the same.
SAID := || { code=$$?; kill -s PIPE $$PPID; exit $$code; }
# Ctrl+C is for the program, and whoever started it waits until it has ended.
RUN := trap : INT TERM; $(PY)

# Help needs the base environment and no set-up.
HELP := $(filter -h --help,$(ARGS))

# What a configuration embeds is set up, and no more; the default one embeds everything.
PREPARE := -m pipelines.embedded --prepare $(if $(filter-out embedded.yaml,$(CONFIG)),--config $(CONFIG)) \
    $(if $(filter turn,$(subst $(comma), ,$(EXTRAS))),--turn-model)

# The whole stack in containers, with stand-ins in the place of NVIDIA's images: docker/README.md
REHEARSAL := docker compose --env-file docker/rehearsal.env -f docker/docker-compose.yml \
    -f docker/docker-compose.rehearsal.yml

.DEFAULT_GOAL := help
.PHONY: help talk serve services check doctor replay rehearsal test interop lint types format bench page certs prepare run-venv dev-venv clean

help:  ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | while IFS='	' read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

talk: $(if $(HELP),run-venv,prepare)  ## talk to Sophia (CONFIG=embedded.yaml, ARGS="--once", EXTRAS=aec)
	@$(RUN) -m pipelines.voice_loop --config $(CONFIG) $(ARGS) $(SAID)

serve: $(if $(HELP),run-venv,prepare)  ## serve her page: talk to her in a browser (CONFIG=embedded.yaml)
	@$(RUN) -m pipelines.server --config $(CONFIG) $(ARGS) $(SAID)

services: $(if $(HELP),run-venv,prepare)  ## run the embedded services in the foreground
	@$(RUN) -m pipelines.embedded $(ARGS) $(SAID)

check: run-venv  ## connect to every service of CONFIG and show what answers
	@$(RUN) -m pipelines.voice_loop --config $(CONFIG) --check $(SAID)

doctor: run-venv  ## what works on this machine and around it (CONFIG=spark.yaml, ARGS="--phase base", EXTRAS=replay)
	@$(RUN) -m pipelines.doctor --config $(CONFIG) $(ARGS) $(SAID)

replay:  ## replay soundbites and measure every turn (ARGS="--repeat 5 --report report")
	@.ci/venv "$(if $(HELP),,replay$(if $(EXTRAS),$(comma)$(EXTRAS)))" $(SAID)
	@$(if $(HELP),:,$(PY) $(PREPARE)) $(SAID)
	@$(RUN) -m pipelines.replay --config $(CONFIG) $(ARGS) $(SAID)

rehearsal: run-venv  ## the stack of docker/ without a GPU, with stand-ins for NVIDIA's images (ARGS=down ends it)
	@$(PY) -m pipelines.certs docker/tls --hosts proxy triton
	@mkdir -p -m 0700 docker/secrets
	@cd docker/secrets && { test -s triton_admin || (umask 077; echo "admin=$$(openssl rand -hex 16)" >triton_admin); }
	@cd docker/secrets && { test -s grafana_admin_password || (umask 022; openssl rand -base64 24 >grafana_admin_password); }
	@SOPHIA_UID=$$(id -u) SOPHIA_GID=$$(id -g) exec $(REHEARSAL) $(or $(ARGS),up -d --build --wait)

test: dev-venv  ## run the tests, shared by two processes (ARGS="-n 0 tests/sophia": by one, these alone)
	@$(PY) -m pipelines.embedded --prepare
	@exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

interop: dev-venv  ## have real clients of the Realtime protocol talk to the server (CLIENTS="openai-node pipecat")
	@$(PY) tests/interop/environments.py $(CLIENTS)
	@exec $(PY) -m pytest tests/interop -rs

lint: dev-venv  ## style, as pre-commit checks it
	@.venv/bin/ruff check --output-format concise .
	@.venv/bin/ruff format --check .

types: dev-venv  ## static types
	@.venv/bin/mypy

format: dev-venv  ## repair what the linter can repair
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench: dev-venv  ## measure the runtime with simulated services; JSON under benchmarks/
	@exec $(PY) -m benchmarks.runtime $(ARGS)

page:  ## build her page anew after a change of aurora/web/src (needs node and npm)
	@cd aurora/web && npm ci --no-audit --no-fund --ignore-scripts && npm run --silent build

certs: run-venv  ## make or show the development certificates
	@$(RUN) -m pipelines.certs $(ARGS) $(SAID)

prepare: run-venv
	@$(PY) $(PREPARE) $(SAID)

run-venv:
	@.ci/venv "$(if $(HELP),,$(EXTRAS))" $(SAID)

dev-venv:
	@.ci/venv dev $(SAID)

clean:  ## remove everything that was made: .venv, .sophia, caches
	rm -rf .venv .sophia .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f aurora/wire/*_pb2*.py*
