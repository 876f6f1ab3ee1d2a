"""classic_dockerfile.py DOCKERFILE: complains of what the docker CLI without BuildKit cannot build.

SPDX-License-Identifier: Apache-2.0

Such a Dockerfile builds with every docker, with podman and with buildah. It also complains of lines
that would tie the image to one architecture, and of a last stage that is not IMAGE.
"""

import re
import sys

# <instruction>: the flags that the classic builder takes with it.
FLAGS: dict[str, set[str]] = {
    "ARG": set(),
    "CMD": set(),
    "COPY": {"from", "chown"},
    "ENTRYPOINT": set(),
    "ENV": set(),
    "EXPOSE": set(),
    "FROM": set(),
    "HEALTHCHECK": {"interval", "timeout", "start-period", "retries"},
    "LABEL": set(),
    "RUN": set(),
    "STOPSIGNAL": set(),
    "USER": set(),
    "VOLUME": set(),
    "WORKDIR": set(),
}
# What the last stage must say: it runs as nobody, keeps what it learns, and says how it is and ends.
IMAGE = {
    "FROM scratch AS run",
    "USER 65532:65532",
    "ENV LSTMD_HOST=0.0.0.0 LSTMD_PORT=8501 LSTMD_MODELS=/models LSTMD_STATE_DIR=/var/lib/lstmd",
    'VOLUME ["/var/lib/lstmd"]',
    "EXPOSE 8501",
    "STOPSIGNAL SIGTERM",
    "HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3"
    ' CMD ["/usr/local/bin/lstmd", "healthcheck"]',
    'LABEL org.opencontainers.image.title="lstmd"'
    ' org.opencontainers.image.description="An inference server for LSTMs"'
    ' org.opencontainers.image.licenses="Apache-2.0"'
    ' org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}"',
    'ENTRYPOINT ["/usr/local/bin/lstmd"]',
    'CMD ["serve"]',
    "COPY --from=build /image/ /",
    "COPY --from=build --chown=65532:65532 /owned/ /",
}
ARCHITECTURE = re.compile(r"x86[-_]64|amd64|aarch64|arm64|BUILDPLATFORM|TARGETARCH")


def instructions(text: str) -> list[tuple[int, str]]:
    """The instructions, each on one line, with the number of the line that it begins on."""
    found: list[tuple[int, str]] = []
    begun = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        part = line.rstrip().removesuffix("\\").strip()
        if begun is None:
            found.append((number, part))
        else:
            found[-1] = (begun, f"{found[-1][1]} {part}")
        begun = found[-1][0] if line.rstrip().endswith("\\") else None
    return found


def complaints(text: str) -> list[str]:
    """What is wrong with a Dockerfile, a sentence each."""
    bad = []
    if re.search(r"^#\s*(syntax|check)\s*=", text, re.MULTILINE | re.IGNORECASE):
        bad.append("a parser directive asks for BuildKit")
    for number, instruction in instructions(text):
        word, _, rest = instruction.partition(" ")
        if word not in FLAGS:
            bad.append(f"line {number}: {word} is no instruction that is wanted here")
            continue
        for flag in re.findall(r"^((?:--[a-z-]+(?:=\S+)?\s+)*)", rest)[0].split():
            if flag.lstrip("-").partition("=")[0] not in FLAGS[word]:
                bad.append(f"line {number}: the classic builder has no {word} {flag}")
        if re.search(r"<<-?['\"]?[A-Za-z]", rest):
            bad.append(f"line {number}: the classic builder has no here-documents")
        if ARCHITECTURE.search(instruction):
            bad.append(f"line {number}: names an architecture: {instruction}")
    said = [" ".join(instruction.split()) for _, instruction in instructions(text)]
    last = said[max(i for i, instruction in enumerate(said) if instruction.startswith("FROM ")):]
    bad += [f"the last stage does not say {instruction!r}" for instruction in sorted(IMAGE - set(last))]
    bad += [f"the last stage should not say {instruction!r}" for instruction in last
            if instruction not in IMAGE and not instruction.startswith("ARG ")]
    return bad


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        found = complaints(file.read())
    for complaint in found:
        print(f"{sys.argv[1]}: {complaint}", file=sys.stderr)
    sys.exit(1 if found else 0)
