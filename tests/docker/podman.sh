# podman.sh: podman without a registry, in namespaces that end with the script that sources this.
# SPDX-License-Identifier: Apache-2.0
#
# For scripts in the root of the project, which set `about`, what their lines begin with. The base
# image is made from Debian's mirror; build/containers keeps it and the layers; CONTAINERS=DIR puts
# them elsewhere. What is committed is built, not what lies about.
# shellcheck shell=bash disable=SC2154 # about is the sourcing script's
work=${CONTAINERS:-$PWD/build/containers}
export CONTAINERS_STORAGE_CONF=$work/storage.conf CONTAINERS_CONF=$work/containers.conf

say() { echo "test-docker: $about: $*"; }
skip() { say "not tried: $*" && exit 0; }
die() { echo "test-docker: $about: $*" >&2 && exit 1; }
# quietly COMMAND...: without its output, unless it fails.
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log" && die "failed: $*"; }; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# The image debian:bookworm-slim as Debian's own packages make it, from this machine's mirror.
make_base() {
    [ ! -s "$work/base.tar" ] || return 0
    local sources=/etc/apt/sources.list.d/debian.sources
    [ -e $sources ] || sources=/etc/apt/sources.list
    quietly mmdebstrap --variant=minbase --format=tar \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        bookworm "$work/base.tar.part" $sources
    mv "$work/base.tar.part" "$work/base.tar"
}

configure() {
    cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "overlay"
graphroot = "$work/storage"
runroot = "$work/run"
END
    cat >"$CONTAINERS_CONF" <<END
[containers]
cgroups = "disabled"
cgroupns = "host"
default_ulimits = []
[network]
network_backend = "netavark"
network_config_dir = "$work/networks"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
tmp_dir = "$work/run/libpod"
END
}

# prepare TOOL...: says why where podman cannot run, or makes all that it needs and a clean clone.
prepare() {
    [ "$(id -u)" = 0 ] || skip "only root can give podman a namespace here"
    for tool in podman crun mmdebstrap ip "$@"; do
        command -v "$tool" >/dev/null || skip "$tool is not installed (make deps-docker)"
    done
    unshare -m -n -p -f --mount-proc --propagation private mount -t tmpfs tmpfs /run 2>/dev/null ||
        skip "this machine gives no namespaces"
    mkdir -p "$work"
    make_base
    configure
    rm -rf "$work/source"
    git -c advice.detachedHead=false clone -q --no-local . "$work/source"
}

# with_network PHASE, without_network PHASE: this script again in namespaces of its own; with the
# machine's network, for packages, or with one that is only its own, for servers.
with_network() { unshare -m -p -f --mount-proc --kill-child --propagation private "$0" "$1"; }
without_network() { unshare -m -n -p -f --mount-proc --kill-child --propagation private "$0" "$1"; }

# In a namespace: crun refuses the hybrid cgroup tree, and podman believes it just booted.
enter() {
    umount /sys/fs/cgroup/unified 2>/dev/null || true
    mount -t tmpfs tmpfs /run
    mkdir -p /run/lock "$work/run"
    mount -t tmpfs tmpfs "$work/run"
    podman rm -af >/dev/null 2>&1 || true
}

# build_image NAME OPTIONS... FOLDER: a Dockerfile's image.
build_image() {
    local base=docker.io/library/debian:bookworm-slim
    podman image exists $base || quietly podman import -q "$work/base.tar" $base
    quietly podman build --network host --pull=never --format docker -t "$@"
}
# build_lstmd NAME OPTIONS...: docker/Dockerfile's.
build_lstmd() {
    build_image "$@" --build-arg REVISION="$(git rev-parse HEAD)" \
        -f "$work/source/docker/Dockerfile" "$work/source"
}
