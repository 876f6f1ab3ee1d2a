#!/bin/sh
# fuzz_coverage.sh FOLDER: lines of each parser that the committed corpus of its fuzzer reaches. The
# fuzzers in FOLDER are those of `make fuzz-cover`. Exit status 1 if a parser is below 95 %, but for
# those with a reason in the table. SPDX-License-Identifier: Apache-2.0
set -eu
folder=$1
profdata=$(command -v llvm-profdata || ls /usr/bin/llvm-profdata-* | tail -n 1)
cov=$(command -v llvm-cov || ls /usr/bin/llvm-cov-* | tail -n 1)
failed=0

# Lines found and reached of a file, as `found reached`.
count_lines() {
    "$cov" export "$folder/fuzz_$1" -instr-profile="$folder/$1.profdata" -format=lcov "$2" 2>/dev/null |
        awk -F: '/^LF:/ { found += $2 } /^LH:/ { reached += $2 } END { print found + 0, reached + 0 }'
}

printf '%-18s %-34s %6s %8s %6s\n' fuzzer file lines reached '%'
# <fuzzer> <least %> <file>...: more is not reached for the reason behind the '#', which is never an
# input: memory that runs out, files that cannot be read, functions that write.
while IFS='#' read -r row reason; do
    set -- $row
    [ $# -ge 3 ] || continue
    fuzzer=$1
    least=$2
    shift 2
    LLVM_PROFILE_FILE="$folder/$fuzzer.profraw" "$folder/fuzz_$fuzzer" -runs=0 \
        "tests/fuzz/corpus/$fuzzer" >/dev/null 2>&1
    "$profdata" merge -o "$folder/$fuzzer.profdata" "$folder/$fuzzer.profraw"
    for file; do
        set -- $(count_lines "$fuzzer" "$file")
        percent=$(awk "BEGIN { printf \"%.1f\", $1 ? 100 * $2 / $1 : 0 }")
        printf '%-18s %-34s %6d %8d %6s%s\n' "$fuzzer" "$file" "$1" "$2" "$percent" \
            "${reason:+  $reason}"
        if [ "$(awk "BEGIN { print ($percent < $least) }")" = 1 ]; then
            echo "fuzz_coverage: $file: $percent % is less than $least %" >&2
            failed=1
        fi
    done
done <<END
checkpoint 90 core/checkpoint.c
config_file 90 server/config_file.c server/option_value.c
keras_h5 90 core/import/hdf5.c core/import/hdf5_attribute.c core/import/hdf5_chunks.c core/import/hdf5_dataset.c core/import/hdf5_object.c core/import/hdf5_type.c core/import/reader_keras_h5.c
keras_zip 90 core/import/zip.c core/import/reader_keras.c core/import/keras_config.c core/import/keras_layers.c core/import/keras_weights.c
keys 90 server/keys.c
model_json 95 core/spec_read.c core/spec_layout.c core/fields.c
model_policy 95 server/model_policy.c
number_scan 95 server/number_scan.c
onnx 90 core/import/onnx_graph.c core/import/onnx_node.c core/import/onnx_tensor.c core/import/onnx_read.c core/import/onnx_rnn.c core/import/onnx_dense.c core/import/protobuf.c
pickle 90 core/import/pickle.c core/import/pickle_machine.c
png 90 server/png.c
predict_body 95 server/predict_decode.c server/predict_array.c server/predict_shape.c server/state_options.c
request_fields 95 server/admit.c server/http_fields.c server/state_options.c
router 95 server/router.c
safetensors 95 core/safetensors.c
saved_model 90 core/import/reader_saved_model.c
session_file 90 server/session_file.c
tensor_scan 95 server/tensor_scan.c server/scan_error.c
tf_checkpoint 90 core/import/tf_bundle.c core/import/tf_table.c
torch 90 core/import/reader_torch.c core/import/torch_object.c core/import/reader_torch_legacy.c
END
exit $failed
