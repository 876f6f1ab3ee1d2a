#!/usr/bin/env bash
# compose.sh: docker/compose.yaml as it is, with images made here, by docker-compose before podman.
# SPDX-License-Identifier: Apache-2.0
#
# No registry is asked: HAProxy, Redis and Prometheus are Debian's, in images by the names that
# compose.yaml has. Debian has no Grafana, so that service alone is left out. Takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
about=compose
. tests/docker/podman.sh
services=(haproxy lstmd trainer redis prometheus)
model=http://127.0.0.1:8501/v1/models/mnist

# stand_in NAME PACKAGE LINE...: an image of a Debian package, with lines of a Dockerfile after it.
stand_in() {
    local name=$1 package=$2
    shift 2
    mkdir -p "$work/stand-in"
    printf '%s\n' "FROM debian:bookworm-slim" "RUN apt-get update \\" \
        " && apt-get install -y --no-install-recommends $package" "$@" >"$work/stand-in/Dockerfile"
    build_image "docker.io/$name" "$work/stand-in"
}

build() {
    build_lstmd docker.io/library/lstmd:latest
    stand_in library/haproxy:2.6 haproxy "USER haproxy" \
        'CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]'
    stand_in library/redis:7.0-bookworm redis-server
    stand_in prom/prometheus:v2.53.0 prometheus "RUN mkdir /prometheus && chown nobody /prometheus" \
        "USER nobody" 'ENTRYPOINT ["prometheus"]'
}

compose() { docker-compose -p lstmd -f "$work/source/docker/compose.yaml" "$@"; }

# wait_until WHAT COMMAND...: until the command succeeds.
wait_until() {
    local last=$((SECONDS + 120)) what=$1
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $last ] || {
            podman ps -a
            compose logs --no-color --tail 5
            die "after two minutes still not so: $what"
        }
        read -r -t 0.1 <> <(:) || true
    done
}

# ask PATH OPTIONS...: what the stack answers there.
ask() {
    local path=$1
    shift
    curl -fsS "$model$path" -H 'Content-Type: application/json' "$@"
}

# addresses SERVICE: of its containers.
addresses() {
    podman ps -q --filter "label=com.docker.compose.service=$1" |
        xargs podman inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
}
# count_is N QUERY: what Prometheus answers to a query of one number.
count_is() {
    curl -fsSG http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$2" | grep -qF ",\"$1\"]"
}
all_serve_version() {
    local address
    for address in $(addresses lstmd); do
        curl -fsS "http://$address:8501/v1/models/mnist/versions/$1" | grep -q '"AVAILABLE"' || return 1
    done
}
# HAProxy's own figure of the servers that are up.
door_has() {
    [ "$(curl -fsS "http://$(addresses haproxy):8404/metrics" |
        grep -c '^haproxy_server_status{proxy="replicas",server="[^"]*",state="UP"} 1$')" = "$1" ]
}

# One row of a picture at a time, through the door, to whichever replica.
check_session() {
    local row rows answer
    rows=$(python3 -c 'import json
numbers = json.load(open("tests/data/mnist/digit.json"))["instances"][0]
rows = numbers if len(numbers) == 28 else [numbers[i:i + 28] for i in range(0, 784, 28)]
print(*(json.dumps({"instances": [[row]]}, separators=(",", ":")) for row in rows), sep="\n")')
    wait_until "sessions, which are Redis's" ask /sessions -d '{"id":"one"}'
    while read -r row; do
        answer=$(ask /sessions/one:predict -d "$row")
    done <<<"$rows"
    python3 -c 'import json, sys
pieces, whole = (json.loads(text)["predictions"][0] for text in sys.argv[1:])
sys.exit(any(abs(a - b) > 1e-5 for a, b in zip(pieces, whole, strict=True)))' \
        "$answer" "$(ask :predict -d @tests/data/mnist/digit.json)" || die "pieces give another answer: $answer"
    say "a session's 28 pieces give the answer of one predict"
}

# A version serves everywhere within three seconds; a busy machine may miss that, but not every time.
check_publish() {
    local version from took
    for _ in 1 2 3; do
        sed 's/}$/,"labels":[7]}/' tests/data/mnist/digit.json | ask :train-step -d @- >/dev/null
        version=$(ask :publish -d '{}' | sed -n 's/.*"version":"\([0-9]*\)".*/\1/p')
        from=$(milliseconds)
        wait_until "version $version on all replicas" all_serve_version "$version"
        took=$(($(milliseconds) - from))
        say "version $version of the trainer on all replicas $took ms after publish"
        [ "$took" -ge 3000 ] || return 0
    done
    die "a version should serve on all replicas within 3 s"
}

# A session may have the name of a route; the door listens on this machine alone.
check_door() {
    local address
    ask /sessions -d '{"id":"training"}' >/dev/null
    ask /sessions/training >/dev/null || die "a session called training is not found"
    address=$(podman port "$(podman ps -q --filter label=com.docker.compose.service=haproxy)" 8501)
    [ "$address" = 127.0.0.1:8501 ] || die "the door listens on $address"
}

run() {
    ip link set lo up
    export DOCKER_HOST=unix:///run/podman.sock
    podman system service --time 0 $DOCKER_HOST 2>"$work/service.log" &
    wait_until "podman listens" test -S /run/podman.sock
    quietly compose up -d --no-build "${services[@]}"
    wait_until "three replicas behind HAProxy" door_has 3
    say "HAProxy has found three replicas"
    check_session
    check_door
    check_publish
    wait_until "Prometheus sees them all" count_is 5 'count(up == 1)'
    wait_until "Prometheus counts" count_is 1 'sum(lstmd_train_steps_total{job="lstmd-trainer"})'
    say "Prometheus reads replicas, trainer and HAProxy"
    quietly compose up -d --no-build --scale lstmd=5 "${services[@]}"
    wait_until "five replicas behind HAProxy" door_has 5
    say "HAProxy has found five replicas"
    quietly compose down -v
    [ -z "$(podman ps -aq)" ] || die "containers are left"
}

case ${1:-} in
"")
    prepare docker-compose iptables /usr/lib/podman/aardvark-dns
    with_network build
    without_network run
    rm -rf "$work/source" "$work/stand-in"
    say "passed"
    ;;
build | run)
    enter
    "$1"
    ;;
esac
