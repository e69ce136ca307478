#!/usr/bin/env bash
# LoRA fine-tuning in NVIDIA's NeMo AutoModel container, after a look at the GPU.
#
#   nova/training/recipes/run.sh DATA WORK [AutoModel overrides, such as --step_scheduler.max_steps 20]
#
# DATA is a folder of `python -m nova.training dataset`, WORK takes the checkpoints; where it holds some, the run goes on
# from the last. HF_TOKEN opens gated models, NEED_GIB is the memory that must be free (80).
# Image and command: NVIDIA's playbook nemo-fine-tune for the DGX Spark.
set -euo pipefail

IMAGE=${IMAGE:-nvcr.io/nvidia/nemo-automodel:26.02}
RECIPE=${RECIPE:-nemotron_nano_lora.yaml}
NEED_GIB=${NEED_GIB:-80}
LEAST=8  # global_batch_size in the recipe

if [[ $# -lt 2 ]]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
data=$(realpath -- "$1")
work=$2
shift 2
recipes=$(dirname -- "$(realpath -- "$0")")
nova=$(realpath -- "$recipes/../..")
cache=${HF_HOME:-$HOME/.cache/huggingface}
mkdir -p -- "$cache"  # or Docker makes it, as root
cache=$(realpath -- "$cache")

for file in train.jsonl validation.jsonl; do
    if [[ ! -s $data/$file ]]; then
        echo "$data/$file is missing or empty: make it with python -m nova.training dataset" >&2
        exit 2
    fi
done
# AutoModel would load the weights first and then end with an AssertionError.
chats=$(wc -l < "$data/train.jsonl")
if ((chats < LEAST)); then
    echo "$data/train.jsonl holds $chats chats, less than the $LEAST of one step: record more" >&2
    exit 2
fi
mkdir -p -- "$work"
work=$(realpath -- "$work")
# Whoever erases a conversation learns from this which adapters have seen it; a run that goes on may see other data.
if [[ -f $data/manifest.json ]]; then
    cp -- "$data/manifest.json" "$work/manifest-$(sha256sum < "$data/manifest.json" | cut -c 1-8).json"
fi
if [[ -e $work/checkpoints/LATEST ]]; then
    echo "$work holds checkpoints: the run goes on from the last, with its learning rate; a new one wants a new folder" >&2
fi

# The container's root runs code that comes with the weights (trust_remote_code): it sees the package nova, never the
# checkout around it with docker/secrets, docker/tls and .sophia.
in_container() {
    docker run --rm --gpus all --ulimit memlock=-1 --ulimit stack=67108864 --shm-size=16g \
        --env HF_TOKEN --env PYTHONPATH=/sophia --env PYTHONDONTWRITEBYTECODE=1 \
        --volume "$nova:/sophia/nova:ro" --volume "$recipes:/recipes:ro" \
        --volume "$data:/data:ro" --volume "$work:/work" \
        --volume "$cache:/root/.cache/huggingface" \
        --workdir /opt/Automodel --entrypoint "$1" "$IMAGE" "${@:2}"
}

code=0
in_container python3 -m nova.training gpu --need-gib "$NEED_GIB" || code=$?
if ((code == 125)); then
    echo "Docker did not start the container. Does it say 'could not select device driver'? Then it has no NVIDIA" \
        "container toolkit: docs/dgx.md, \"GPU in containers\", and python -m pipelines.doctor --phase base" >&2
fi
((code == 0)) || exit "$code"
in_container python3 examples/llm_finetune/finetune.py -c "/recipes/$RECIPE" "$@"
echo "The adapter is in $work/checkpoints/LATEST/model; next: python -m nova.training merge (docs/training.md)"
