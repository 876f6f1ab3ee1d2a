#!/usr/bin/env bash
# image.sh: builds the image from a clean clone and runs it, with podman and without its registry.
# SPDX-License-Identifier: Apache-2.0
#
# `image.sh test` builds the stage that runs every test instead, which takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
about=image
. tests/docker/podman.sh
image=localhost/lstmd:test

# in_one_of_some_tries COMMAND...: for what has a limit that a busy machine may miss.
in_one_of_some_tries() {
    for _ in $(seq 20); do
        ! "$@" || return 0
    done
    return 1
}

build() { build_lstmd $image; }
build_test() { build_lstmd localhost/lstmd-test:test --target test; }

check_contents() {
    local bytes mounted extra
    bytes=$(podman image inspect $image --format '{{.Size}}')
    say "$bytes bytes, all of it ours: the base image is empty"
    [ "$bytes" -lt 60000000 ] || die "the image has $bytes bytes; 60 MB is the limit"
    mounted=$(podman image mount $image)
    extra=$(cd "$mounted" && find . ! -type d | grep -vE '^\./usr/local/bin/lstmd$|^\./etc/nsswitch\.conf$' |
        grep -vE '^\./models/mnist/1/(model\.json|weights\.safetensors)$' |
        grep -vE '^\./usr/share/doc/[^/]+/copyright$|^\./(usr/)?lib[^ ]*/lib[a-z0-9_+-]+\.so[.0-9]*$' |
        grep -vE '^\./lib[^ ]*/ld-linux[^/]*\.so[.0-9]*$|^\./(dev|etc|proc|run|sys)/' || true)
    [ -z "$extra" ] || die "the image holds what it need not: $extra"
    [ "$(find "$mounted" -name '*openblas*' ! -type d | wc -l)" = 1 ] || die "not one OpenBLAS"
    podman image unmount $image >/dev/null
    if podman run --rm --network none --entrypoint /bin/sh $image -c true 2>/dev/null; then
        die "there is a shell in the image"
    fi
}

# start NAME OPTIONS...: a container, locked up as far as it goes; waits until it is ready.
start() {
    local name=$1
    shift
    podman run -d --name "$name" --network host --read-only --cap-drop all \
        --security-opt no-new-privileges "$@" $image >/dev/null 2>"$work/log" || {
        cat "$work/log"
        die "podman run failed"
    }
    until curl -fs -o /dev/null http://127.0.0.1:8501/v2/health/ready; do
        [ "$(podman inspect "$name" --format '{{.State.Running}}')" = true ] || {
            podman logs "$name"
            die "the container ended"
        }
    done
}

# What the container logged first, and when it began: the start as a client sees it.
say_start() {
    local began
    began=$(($(podman inspect "$1" --format '{{.State.StartedAt.UnixNano}}') / 1000000))
    say "ready $(($2 - began)) ms after its start, polls included"
}

# stop NAME: as docker does, by the image's signal; it must end by itself, with status 0. Sets `took`.
stop() {
    local from status
    from=$(milliseconds)
    podman stop --time 30 "$1" >/dev/null 2>&1
    took=$(($(milliseconds) - from))
    status=$(podman inspect "$1" --format '{{.State.ExitCode}}')
    say "ended with status $status, $took ms after it was told to"
    [ "$status" = 0 ] || die "it should end with status 0"
    podman rm "$1" >/dev/null 2>&1
}

# An idle container ends within a second. A busy machine may miss that, but not every time.
check_end() {
    for _ in 1 2 3; do
        start idle
        stop idle
        [ "$took" -ge 1000 ] || return 0
    done
    die "an idle container should end within a second"
}

check_metadata() {
    local found expected
    expected="65532:65532 15 $(git rev-parse HEAD)"
    found=$(podman image inspect $image --format \
        '{{.User}} {{.Config.StopSignal}} {{index .Labels "org.opencontainers.image.revision"}}')
    [ "${found/SIGTERM/15}" = "$expected" ] || die "the image says '$found', not '$expected'"
}

run() {
    local url=http://127.0.0.1:8501/v1/models/mnist answer
    ip link set lo up
    check_contents
    check_metadata

    start stranger --user 12345:12345
    say_start stranger "$(milliseconds)"
    answer=$(curl -fsS "$url:predict" -d @tests/data/mnist/digit.json)
    python3 -c 'import json, sys
rows = json.load(sys.stdin)["predictions"]
sys.exit(0 if len(rows) == 1 and max(range(10), key=rows[0].__getitem__) == 7 else 1)' <<<"$answer" ||
        die "no 7 was seen: $answer"
    in_one_of_some_tries podman healthcheck run stranger || die "its healthcheck fails"
    stop stranger

    start owner
    curl -fsS -o /dev/null "$url:train-step?dtype=uint8&labels=7" -H 'Content-Type: application/octet-stream' \
        --data-binary @tests/data/mnist/digit.bin || die "it cannot keep what it learns"
    curl -fsS -o /dev/null http://127.0.0.1:8501/ || die "the demo page is not there"
    stop owner

    check_end
}

case ${1:-} in
"")
    python3 tests/docker/classic_dockerfile.py docker/Dockerfile
    prepare
    with_network build
    without_network run
    rm -rf "$work/source"
    say "passed"
    ;;
test)
    prepare
    with_network build_test
    rm -rf "$work/source"
    say "the stage that tests: passed"
    ;;
build | build_test | run)
    enter
    "$1"
    ;;
esac
