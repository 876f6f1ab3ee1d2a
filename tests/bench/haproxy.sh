#!/usr/bin/env bash
# haproxy.sh: docker/haproxy.cfg before two daemons of one worker, beside one daemon of two.
# SPDX-License-Identifier: Apache-2.0
#
# All on this machine, in turn, several times: the best of each counts. BENCH_SECONDS=5: length of
# each wrk run. BENCH_ROUNDS=3. BENCH_CLIENTS=64. Loopback only.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${BENCH_SECONDS:-5} rounds=${BENCH_ROUNDS:-3} clients=${BENCH_CLIENTS:-64}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

# start NAME OPTIONS...: a daemon; its address is in $work/NAME.
start() {
    local name=$1
    shift
    build/lstmd serve --port 0 --log-level error "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
    until grep -q serving "$work/$name.log"; do
        kill -0 "${pids[-1]}"
        read -r -t 0.05 <> <(:) || true
    done
    sed -n 's,.* on http://,,p' "$work/$name.log" >"$work/$name"
}

# rate ADDRESS: 200s a second of JSON predicts.
rate() {
    BODY=tests/data/mnist/digit.json CT=application/json \
        wrk -t1 -c"$clients" -d"${seconds}s" --latency -s tests/bench/post.lua "http://$1/v1/models/mnist:predict" |
        awk '/Requests\/sec/ { rate = $2 } $1 == "99%" { p99 = $2 } /Non-2xx/ { bad = $NF }
            END { printf "%.0f %s %d\n", rate, p99, bad }'
}

start alone --workers 2 --io-threads 2
start replica1 --workers 1 --io-threads 1
start replica2 --workers 1 --io-threads 1
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
door=127.0.0.1:$(free_port)
figures=127.0.0.1:$(free_port)
PYTHONDONTWRITEBYTECODE=1 python3 tests/docker/render_haproxy.py "$(<"$work/replica1")" "$(<"$work/replica2")" >"$work/haproxy.cfg"
LSTMD_LISTEN=$door LSTMD_FIGURES=$figures LSTMD_TRAINER=$(<"$work/replica1") \
    haproxy -db -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
pids+=($!)
until curl -fs -o "$work/answer" "http://$door/v1/models"; do
    kill -0 "${pids[-1]}"
    read -r -t 0.05 <> <(:) || true
done

best_alone=0 best_door=0
for _ in $(seq "$rounds"); do
    read -r n p99 bad <<<"$(rate "$(<"$work/alone")")"
    echo "one daemon, two workers:            $n requests/s, p99 $p99, errors $bad"
    [ "$n" -le "$best_alone" ] || best_alone=$n
    read -r n p99 bad <<<"$(rate "$door")"
    echo "HAProxy, two daemons of one worker: $n requests/s, p99 $p99, errors $bad"
    [ "$n" -le "$best_door" ] || best_door=$n
done
echo "through HAProxy: $((100 * best_door / best_alone)) % of one daemon ($best_door of $best_alone)"
