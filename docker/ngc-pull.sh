#!/bin/sh
# Fetches what a profile needs before the first start: its images and, when asked to, the container that trains and the
# language model's weights. So `docker compose up` waits for models alone, and no half of the stack runs while the other
# half is still downloading.
set -eu

usage() {
    cat <<'HELP'
usage: ngc-pull.sh [--profile NAME] [--key-file FILE] [--training] [--weights] [--digests FILE] [--dry-run] [--help]

Logs in to nvcr.io and pulls every image of a profile. When it was interrupted, run it again: what is complete stays.

  --profile NAME    spark, workstation, speech-remote or speech (default: spark on arm64, else workstation)
  --key-file FILE   a file with the line NGC_API_KEY=…, not readable by others (default: docker/secrets/ngc.env)
  --training        NVIDIA's NeMo container as well, for nova/training/recipes/run.sh
  --weights         the language model's weights as well, from Hugging Face into docker/weights/nova-llm, with its
                    program hf: NOVA_LLM names another model, NOVA_WEIGHTS another folder than docker/weights. The
                    token is the variable HF_TOKEN, or what `hf auth login` keeps
  --digests FILE    write a compose file that pins exactly the images that are here: compose takes it as a last -f FILE
  --dry-run         check everything and say what would be fetched, without logging in to nvcr.io
  --help            this text

Without a key file the key is taken from the variable NGC_API_KEY. The key is never printed and never an argument of
another program; `docker login` reads it from its standard input. Docker keeps it: in ~/.docker/config.json,
unencrypted, unless a credential helper is set up. `docker logout nvcr.io` removes it there.

exit codes: 0 all is there, 1 something could not be fetched, 2 wrong arguments, 3 no usable key, 4 no docker or no hf
HELP
}

die() {
    code=$1
    shift
    printf 'ngc-pull: %s\n' "$*" >&2
    exit "$code"
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
profile=
key_file=
digests=
training=false
weights=false
dry_run=false
while [ $# -gt 0 ]; do
    case $1 in
    --profile | --key-file | --digests)
        [ $# -ge 2 ] || die 2 "$1 needs a value; see --help"
        case $1 in --profile) profile=$2 ;; --key-file) key_file=$2 ;; *) digests=$2 ;; esac
        shift 2
        ;;
    --training) training=true && shift ;;
    --weights) weights=true && shift ;;
    --dry-run) dry_run=true && shift ;;
    -h | --help) usage && exit 0 ;;
    *) die 2 "what is '$1'? See --help" ;;
    esac
done

if [ -z "$profile" ]; then
    case $(uname -m) in aarch64 | arm64) profile=spark ;; *) profile=workstation ;; esac
fi
case $profile in
spark | workstation | speech-remote | speech) ;;
*) die 2 "there is no profile '$profile': spark, workstation, speech-remote or speech" ;;
esac
[ -z "$digests" ] || [ -w "$(dirname -- "$digests")" ] || die 2 "$digests cannot be written"

# The key: from the file, else from the environment. It must look like one; its value is never shown.
asked_for=$key_file
: "${key_file:=$here/secrets/ngc.env}"
if [ -f "$key_file" ]; then
    [ -r "$key_file" ] || die 3 "$key_file cannot be read"
    case $(ls -ldL -- "$key_file") in
    -???------*) ;;
    *) die 3 "$key_file can be read by others: chmod 600 $key_file" ;;
    esac
    key=$(sed -n 's/^NGC_API_KEY=//p' "$key_file" | head -n 1 | tr -d '\r')
    [ -n "$key" ] || die 3 "$key_file has no line NGC_API_KEY=…"
elif [ -n "$asked_for" ]; then
    die 3 "$key_file does not exist"
else
    key=${NGC_API_KEY:-}
    [ -n "$key" ] || die 3 "no key: write NGC_API_KEY=… into $key_file (mode 0600), or set the variable NGC_API_KEY"
fi
case $key in
*[!A-Za-z0-9_=-]*) die 3 "the key has characters that no key of NGC has; quotes, perhaps?" ;;
esac
[ "${#key}" -ge 20 ] || die 3 "the key is too short to be one"

command -v docker >/dev/null 2>&1 || die 4 "docker is not installed"
docker compose version >/dev/null 2>&1 || die 4 "docker has no compose plug-in (docker-compose-plugin)"

# Which service has which image: the two lines of each service in what compose makes of its files.
services=$(docker compose --env-file "$here/$profile.env" -f "$here/docker-compose.yml" config) ||
    die 1 "the compose files could not be read; docker said why above"
services=$(printf '%s\n' "$services" | awk '
    /^[a-z]/ { inside = $1 == "services:" }
    inside && /^  [^ ]/ { name = $1 }
    inside && /^    image: / && $2 !~ /^sophia-avatar:/ { print name, $2 }')
[ -n "$services" ] || die 1 "profile $profile names no image"
images=$(printf '%s\n' "$services" | awk '{ print $2 }' | sort -u)
if $training; then
    recipe=$here/../nova/training/recipes/run.sh
    # shellcheck disable=SC2016
    trainer=${IMAGE:-$(sed -n 's/^IMAGE=${IMAGE:-\(.*\)}$/\1/p' "$recipe")}
    [ -n "$trainer" ] || die 1 "$recipe names no image"
    images="$images $trainer"
fi

# The weights: what is missing of them, and whether it fits, before hours are spent on the rest.
if $weights; then
    model=${NOVA_LLM:-nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4}
    : "${NOVA_WEIGHTS:=$(sed -n 's/^NOVA_WEIGHTS=//p' "$here/$profile.env")}" "${NOVA_WEIGHTS:=weights}"
    case $NOVA_WEIGHTS in /*) ;; *) NOVA_WEIGHTS=$here/${NOVA_WEIGHTS#./} ;; esac
    PATH=$PATH:$here/../.venv/bin
    command -v hf >/dev/null 2>&1 || die 4 "hf is not installed: $here/../.venv/bin/pip install huggingface_hub"
    missing=$(hf download "$model" --local-dir "$NOVA_WEIGHTS/nova-llm" --dry-run 2>&1) ||
        die 1 "the weights of $model cannot be had: $(printf '%s\n' "$missing" | tail -n 1)"
    missing=$(printf '%s\n' "$missing" | sed -n 's/.*\[dry-run\] Will download //p')
    disk=$NOVA_WEIGHTS
    while [ ! -d "$disk" ]; do disk=$(dirname -- "$disk"); done
    printf '%s, to download: %s %s GB are free at %s\n' "$model" "${missing:-hf does not say how much.}" \
        "$(df -Pk "$disk" | awk 'NR == 2 { printf "%.1f", $4 * 1.024e-6 }')" "$disk"
    df -Pk "$disk" | awk -v missing="$missing" '
        NR == 2 && match(missing, /[0-9.]+[KMGT]?\.$/) {
            size = substr(missing, RSTART)
            unit = index("KMGT", substr(size, length(size) - 1, 1))
            exit size * 1000 ^ unit > $4 * 1024
        }' || die 1 "the disk is too small for that: make room, or name another with NOVA_WEIGHTS"
fi

if $dry_run; then
    for image in $images; do printf 'would pull %s\n' "$image"; done
    exit 0
fi

case $images in
*nvcr.io/*)
    # The user name is this word, dollar sign included.
    # shellcheck disable=SC2016
    printf '%s' "$key" | docker login nvcr.io --username '$oauthtoken' --password-stdin >/dev/null ||
        die 3 "no login to nvcr.io with this key; docker said why above"
    ;;
esac
unset key

failed=
number=0
# shellcheck disable=SC2086
set -- $images
for image in "$@"; do
    number=$((number + 1))
    printf '%s of %s: %s\n' "$number" "$#" "$image"
    docker pull "$image" || failed="$failed $image"
done
if $weights; then
    hf download "$model" --local-dir "$NOVA_WEIGHTS/nova-llm" || failed="$failed $model"
fi
[ -z "$failed" ] || die 1 "could not fetch:$failed (what is complete stays: run it again)"

# The digest that docker noted when it pulled an image: the registry's own, good for every architecture.
pinned() {
    name=${1%%@*} && name=${name%:*} && name=${name#docker.io/} && name=${name#library/}
    docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" |
        awk -F @ -v name="$name" -v image="${1%%@*}" '$1 == name { print image "@" $2; exit }'
}

if [ -n "$digests" ]; then
    {
        printf '# The images of the profile %s as they were pulled on %s, by ngc-pull.sh.\n' "$profile" "$(date +%F)"
        ! $training || printf '# Training: IMAGE=%s\n' "$(pinned "$trainer")"
        # With a profile that nobody starts, the file can stand beside one part of the stack and starts no other.
        printf 'services:\n'
        printf '%s\n' "$services" | while read -r name image; do
            printf '  %s {image: "%s", profiles: [pinned]}\n' "$name" "$(pinned "$image")"
        done
    } >"$digests.new"
    ! grep -q '""' "$digests.new" || die 1 "docker knows no digest of some image: see $digests.new"
    mv -- "$digests.new" "$digests"
    printf 'what is here is pinned in %s\n' "$digests"
fi
printf 'all of %s is here\n' "$profile"
