#!/usr/bin/env bash
# bench.sh: times the kernel and the daemon on this machine, over loopback only.
# SPDX-License-Identifier: Apache-2.0
#
# BENCH_SECONDS=2: length of each wrk run, of which there are BENCH_ROUNDS=3 of each kind.
# BENCH_PEERS=DIR: a folder with ort_kernel.js and ort_server.js and their node_modules: the same is
# then measured of onnxruntime alone and behind fastify, in turn with ours, with that folder's
# digit.json if there is one. Machines are noisy: compare within one run.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${BENCH_SECONDS:-2}
rounds=${BENCH_ROUNDS:-3}
peers=${BENCH_PEERS:-}
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT

us_per_sample() { sed -n 's/.*"us_per_sample":\([0-9.]*\).*/\1/p'; }

echo "== kernel: microseconds per sample, best of several rounds"
printf '%-10s %-8s %10s %14s %8s\n' threads batch lstmd onnxruntime ratio
for pair in "1 1" "1 16" "1 64" "1 256" "2 64"; do
    read -r threads batch <<<"$pair"
    ours=$(build/lstmd bench --threads "$threads" --batch "$batch" | us_per_sample)
    theirs=- ratio=-
    if [ -n "$peers" ]; then
        theirs=$(node "$peers/ort_kernel.js" "$threads" "$batch" | us_per_sample)
        again=$(build/lstmd bench --threads "$threads" --batch "$batch" | us_per_sample)
        ours=$(awk -v a="$ours" -v b="$again" 'BEGIN { print a < b ? a : b }')
        ratio=$(awk -v a="$theirs" -v b="$ours" 'BEGIN { printf "%.2f", a / b }')
    fi
    printf '%-10s %-8s %10s %14s %8s\n' "$threads" "$batch" "$ours" "$theirs" "$ratio"
done

# start NAME COMMAND...: runs a server in the background until its log says that it listens.
start() {
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 200); do
        grep -qE 'serving|listening' "$work/$name.log" && return 0
        read -r -t 0.05 <> <(:) || true
    done
    cat "$work/$name.log"
    return 1
}

# load URL CONNECTIONS BODY TYPE: one wrk run; prints "requests/s p50 p99" (milliseconds).
load() {
    BODY=$3 CT=$4 wrk -t1 -c"$2" -d"${seconds}s" --latency -s tests/bench/post.lua "$1" |
        awk '
            function ms(x) { return x ~ /us$/ ? x / 1000 : x ~ /ms$/ ? x + 0 : x * 1000 }
            $1 == "50%" { p50 = ms($2) }
            $1 == "99%" { p99 = ms($2) }
            /Requests\/sec/ { rate = $2 }
            /Non-2xx/ { bad = $NF }
            END { printf "%.0f %.2f %.2f %s\n", rate, p50, p99, bad ? "errors:" bad : "" }'
}

json=tests/data/mnist/digit.json
[ -z "$peers" ] || [ ! -e "$peers/digit.json" ] || json=$peers/digit.json
octets=tests/data/mnist/digit.bin
start lstmd build/lstmd serve --port 0 --log-level warn
url=$(sed -n 's/.* on \(http.*\)/\1/p' "$work/lstmd.log")/v1/models/mnist:predict
if [ -n "$peers" ]; then
    PORT=9191 BATCH=32 start peer node "$peers/ort_server.js"
    peer_url=http://127.0.0.1:9191/v1/models/mnist:predict
fi

echo
# medians FILE: of each column of numbers.
medians() {
    awk '
        { for (i = 1; i <= 3; i++) value[i, NR] = $i; if ($4 != "") bad = $4 }
        function median(i,    j, k, x) {
            for (j = 2; j <= NR; j++) {
                x = value[i, j]
                for (k = j - 1; k > 0 && value[i, k] > x; k--) value[i, k + 1] = value[i, k]
                value[i, k + 1] = x
            }
            return value[i, int((NR + 1) / 2)]
        }
        END { print median(1), median(2), median(3), bad }' "$1"
}

echo "== HTTP: wrk -t1, medians of $rounds runs of $seconds s each, in turn"
printf '%-8s %-6s %-8s %8s %8s %8s %10s %10s\n' \
    server body clients req/s p50/ms p99/ms req/s-ratio p50-ratio
for clients in 1 64 256; do
    for body in json uint8; do
        case $body in
        json) query= file=$json type=application/json ;;
        uint8) query='?dtype=uint8' file=$octets type=application/octet-stream ;;
        esac
        rm -f "$work/ours" "$work/theirs"
        for _ in $(seq "$rounds"); do
            load "$url$query" $clients $file $type >>"$work/ours"
            [ -z "$peers" ] || load "$peer_url" $clients $file $type >>"$work/theirs"
        done
        read -r rate p50 p99 bad <<<"$(medians "$work/ours")"
        printf '%-8s %-6s %-8s %8s %8s %8s %s\n' lstmd $body $clients "$rate" "$p50" "$p99" "$bad"
        [ -n "$peers" ] || continue
        medians "$work/theirs" | awk -v body=$body -v clients=$clients -v rate="$rate" -v p50="$p50" '{
            printf "%-8s %-6s %-8s %8s %8s %8s %10.2f %10.2f %s\n", "peer", body, clients, $1, $2, $3,
                rate / $1, p50 / $2, $4 }'
    done
done

echo
echo "== where the time of a request goes (Server-Timing of 200 requests, JSON, 64 clients busy)"
load "$url" 64 $json application/json >/dev/null &
busy=$!
for _ in $(seq 200); do
    curl -s -o /dev/null -D - -H 'Content-Type: application/json' --data-binary @$json "$url" |
        tr -d '\r' | sed -n 's/^Server-Timing: //p'
done | awk -F'[=;, ]+' '
    { for (i = 1; i < NF; i++) if ($(i + 1) == "dur") sum[$i] += $(i + 2) }
    END {
        rest = sum["total"] - sum["decode"] - sum["queue"] - sum["compute"] - sum["encode"]
        n = split("decode queue compute encode", part, " ")
        for (k = 1; k <= n; k++)
            printf "%-10s %8.3f ms %5.1f %%\n", part[k], sum[part[k]] / NR, 100 * sum[part[k]] / sum["total"]
        printf "%-10s %8.3f ms %5.1f %%\n", "http", rest / NR, 100 * rest / sum["total"]
    }'
wait $busy
metrics=${url%/v1/*}/metrics
echo
curl -s "$metrics" | awk '/^lstmd_batch_size_sum/ { s += $NF } /^lstmd_batch_size_count/ { n += $NF }
    END { if (n > 0) printf "mean batch over all of this: %.1f\n", s / n }'
