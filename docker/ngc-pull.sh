#!/bin/sh
# Fetches every image of a profile before the first start, so that `docker compose up` waits for models alone and no
# half of the stack runs while the other half is still downloading.
set -eu

usage() {
    cat <<'HELP'
usage: ngc-pull.sh [--profile NAME] [--key-file FILE] [--dry-run] [--help]

Logs in to nvcr.io and pulls every image of a profile.

  --profile NAME    spark, workstation, speech-remote or speech (default: spark on arm64, else workstation)
  --key-file FILE   a file with the line NGC_API_KEY=…, not readable by others (default: docker/secrets/ngc.env)
  --dry-run         check everything and say what would be pulled, without logging in
  --help            this text

Without a key file the key is taken from the variable NGC_API_KEY. The key is never printed and never an argument of
another program; `docker login` reads it from its standard input. Docker keeps it: in ~/.docker/config.json,
unencrypted, unless a credential helper is set up. `docker logout nvcr.io` removes it there.

exit codes: 0 all is there, 1 something could not be pulled, 2 wrong arguments, 3 no usable key, 4 no docker
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
dry_run=false
while [ $# -gt 0 ]; do
    case $1 in
    --profile | --key-file)
        [ $# -ge 2 ] || die 2 "$1 needs a value; see --help"
        case $1 in --profile) profile=$2 ;; *) key_file=$2 ;; esac
        shift 2
        ;;
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

images=$(docker compose --env-file "$here/$profile.env" -f "$here/docker-compose.yml" config --images) ||
    die 1 "the compose files could not be read; docker said why above"
images=$(printf '%s\n' "$images" | grep -v '^sophia-avatar:' | sort -u) || die 1 "profile $profile names no image"

if $dry_run; then
    printf '%s\n' "$images" | sed 's/^/would pull /'
    exit 0
fi

case $images in
*nvcr.io/*)
    # The user name is this word, dollar sign included.
    # shellcheck disable=SC2016
    printf '%s' "$key" | docker login nvcr.io --username '$oauthtoken' --password-stdin >/dev/null ||
        die 3 "nvcr.io refused the key"
    ;;
esac
unset key

failed=
for image in $images; do
    printf 'pulling %s\n' "$image"
    docker pull --quiet "$image" >/dev/null || failed="$failed $image"
done
[ -z "$failed" ] || die 1 "could not pull:$failed"
printf 'all images of %s are here\n' "$profile"
