#!/usr/bin/env bash
# haproxy.sh: docker/haproxy.cfg before two daemons of one worker, beside one daemon of two.
# SPDX-License-Identifier: Apache-2.0
#
# Requests of 1, 8 and 32 digits, as JSON and as bytes, on two cores of this machine: first the
# client, HAProxy and the daemons share both; then the daemons have one for themselves, HAProxy and
# the client the other, as if the door were another machine. Both ways are tried in turn, several
# times, and the best of each counts. BENCH_SECONDS=3: length of each wrk run. BENCH_ROUNDS=3.
# BENCH_CLIENTS=64. Loopback only.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${BENCH_SECONDS:-3} rounds=${BENCH_ROUNDS:-3} clients=${BENCH_CLIENTS:-64}
model=v1/models/mnist
work=$(mktemp -d)
pids=()
stop() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait
    pids=()
}
trap 'stop; rm -rf "$work"' EXIT

# wait_until COMMAND...: polls it as long as what was started last lives.
wait_until() {
    until "$@"; do
        kill -0 "${pids[-1]}"
        read -r -t 0.05 <> <(:) || true
    done
}

# start CORES NAME OPTIONS...: a daemon; its address is in $work/NAME. Its queue holds all that the
# clients can have in flight, so that nothing is refused.
start() {
    local cores=$1 name=$2
    shift 2
    taskset -c "$cores" build/lstmd serve --port 0 --log-level error --max-queue $((clients * 32)) \
        "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
    wait_until grep -q serving "$work/$name.log"
    sed -n 's,.* on http://,,p' "$work/$name.log" >"$work/$name"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_door CORES: HAProxy before both replicas; sets door, its address, and proxy, its process.
start_door() {
    door=127.0.0.1:$(free_port)
    PYTHONDONTWRITEBYTECODE=1 python3 tests/docker/render_haproxy.py \
        "$(<"$work/replica1")" "$(<"$work/replica2")" >"$work/haproxy.cfg"
    LSTMD_LISTEN=$door LSTMD_FIGURES=127.0.0.1:$(free_port) LSTMD_TRAINER=$(<"$work/replica1") \
        LSTMD_INNER=lstmd-bench-$$ \
        taskset -c "$1" haproxy -db -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
    proxy=$!
    pids+=("$proxy")
    wait_until curl -fs -o "$work/answer" "http://$door/$model"
}

# proxy_ticks: the CPU that HAProxy has taken, in the kernel and outside, in clock ticks.
proxy_ticks() { awk '{ print $14 + $15 }' "/proc/$proxy/stat"; }

# rate CORES ADDRESS FORM DIGITS: answers a second, how many there were, and how many were errors.
rate() {
    local type=application/json query=
    [ "$3" = JSON ] || type=application/octet-stream query='?dtype=uint8'
    BODY=$work/$4.$3 CT=$type taskset -c "$1" \
        wrk -t1 -c"$clients" -d"${seconds}s" -s tests/bench/post.lua "http://$2/$model:predict$query" |
        awk '/ requests in / { n = $1 } /Requests\/sec/ { rate = $2 } /Non-2xx/ { bad = $NF }
            END { printf "%.0f %d %d\n", rate, n, bad }'
}

# row CORES FORM DIGITS: a line of the table.
row() {
    local cores=$1 form=$2 digits=$3 n count bad from
    local alone=0 through=0 errors=0 ticks=0 requests=0
    for _ in $(seq "$rounds"); do
        read -r n count bad <<<"$(rate "$cores" "$(<"$work/alone")" "$form" "$digits")"
        [ "$n" -le "$alone" ] || alone=$n
        errors=$((errors + bad)) from=$(proxy_ticks)
        read -r n count bad <<<"$(rate "$cores" "$door" "$form" "$digits")"
        [ "$n" -le "$through" ] || through=$n
        errors=$((errors + bad)) ticks=$((ticks + $(proxy_ticks) - from)) requests=$((requests + count))
    done
    printf '%-6s %6d %12d %14d %6d %% %14d us %8d\n' "$form" "$digits" "$alone" "$through" \
        $((100 * through / alone)) $((ticks * 1000000 / $(getconf CLK_TCK) / requests)) "$errors"
}

# table DAEMONS OTHERS: with the daemons on these cores, HAProxy and the client on those.
table() {
    start "$1" alone --workers 2 --io-threads 2
    start "$1" replica1 --workers 1 --io-threads 1
    start "$1" replica2 --workers 1 --io-threads 1
    start_door "$2"
    echo "form   digits   one daemon  two by HAProxy    kept  HAProxy/request   errors"
    for form in JSON bytes; do
        for digits in 1 8 32; do
            row "$2" $form $digits
        done
    done
    stop
}

for digits in 1 8 32; do
    python3 - "$digits" "$work/$digits" <<'END'
import json, pathlib, sys

count, path = int(sys.argv[1]), sys.argv[2]
digit = pathlib.Path("tests/data/mnist/digit.json").read_text(encoding="utf-8")
instances = json.loads(digit)["instances"] * count
pathlib.Path(path + ".JSON").write_text(json.dumps({"instances": instances}, separators=(",", ":")))
pathlib.Path(path + ".bytes").write_bytes(pathlib.Path("tests/data/mnist/digit.bin").read_bytes() * count)
END
done

echo "requests/s, best of $rounds, $clients connections; daemons, HAProxy and client share cores 0 and 1:"
table 0,1 0,1
echo
echo "daemons on core 0; HAProxy and client on core 1:"
table 0 1
