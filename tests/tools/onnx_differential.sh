#!/bin/sh
# onnx_differential.sh CASES [FIRST]: random ONNX models through lstmd and through npm's onnxruntime-node,
# which is installed into build/onnxruntime (300 MB) if it is not there. Where it cannot be, or Node is
# missing, the script says so and ends well. SPDX-License-Identifier: Apache-2.0
set -eu
folder=build/onnxruntime
if ! command -v node >/dev/null; then
    echo "onnx_differential: Node is not here; nothing was compared with ONNX Runtime"
    exit 0
fi
if [ ! -d "$folder/node_modules/onnxruntime-node" ]; then
    command -v npm >/dev/null && timeout 300 npm install --silent --no-fund --no-audit --ignore-scripts \
        --prefix "$folder" onnxruntime-node@1.30.0 || {
        rm -rf "$folder"
        echo "onnx_differential: npm's onnxruntime-node cannot be installed here; nothing was compared with it"
        exit 0
    }
fi
OPENBLAS_NUM_THREADS=1 exec node tests/tools/onnx_differential.mjs build/onnx_run "$folder" "$@"
