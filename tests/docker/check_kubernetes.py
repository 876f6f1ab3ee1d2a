"""check_kubernetes.py [FOLDER]: docker/kubernetes holds together and is what Kubernetes understands.

SPDX-License-Identifier: Apache-2.0

Its parts are assembled by kubectl if it is there, else read as they are. What they say of each other,
of lstmd's options and of security is looked at here. FOLDER has node_modules of package.json: then
the TypeScript compiler, which knows the interfaces of Kubernetes, complains of keys that do not
exist, and Kubernetes' schemas of values.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from documents import serve_variables

BASE = "docker/kubernetes"
WORKLOADS = ("Deployment", "StatefulSet", "Job")
Document = dict[str, Any]


def assembled() -> tuple[list[Document], str]:
    """All documents, and by what they were put together."""
    if shutil.which("kubectl"):
        text = subprocess.run(["kubectl", "kustomize", BASE], check=True, capture_output=True, text=True)
        return list(yaml.safe_load_all(text.stdout)), "kubectl kustomize"
    documents = []
    with open(os.path.join(BASE, "kustomization.yaml"), encoding="utf-8") as file:
        resources = yaml.safe_load(file)["resources"]
    for name in resources:
        with open(os.path.join(BASE, name), encoding="utf-8") as file:
            documents += yaml.safe_load_all(file)
    return documents, "its files as they are, as kubectl is not installed"


def contains(labels: dict[str, str], selector: dict[str, Any]) -> bool:
    """Whether a selector of either form takes these labels."""
    plain = selector.get("matchLabels", {} if "matchExpressions" in selector else selector)
    return plain.items() <= labels.items() and all(
        labels.get(rule["key"]) in rule["values"] for rule in selector.get("matchExpressions", []))


def container_complaints(kind: str, container: Document) -> Iterator[str]:
    """What is wrong with a container by itself."""
    security = container.get("securityContext", {})
    if (not security.get("readOnlyRootFilesystem") or security.get("allowPrivilegeEscalation") is not False
            or security.get("capabilities") != {"drop": ["ALL"]}):
        yield "is not locked up"
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
        yield "does not say what it takes"
    if kind != "Job" and not {"readinessProbe", "livenessProbe"} <= set(container):
        yield "has no probes"
    values = {variable["name"]: variable.get("value") for variable in container.get("env", [])}
    if values.get("LSTMD_TRAINING") == "off" and values.get("LSTMD_STATE_DIR") != "":
        yield "does not train, so the image's LSTMD_STATE_DIR must be emptied"
    known = serve_variables()
    for variable in container.get("env", []):
        if variable["name"].startswith("LSTMD_") and variable["name"] not in known:
            yield f"sets {variable['name']}, which is no option"


def named(documents: list[Document], kind: str) -> dict[str, Document]:
    """The documents of a kind, by name."""
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def pod_complaints(documents: list[Document], workload: Document) -> Iterator[str]:
    """What is wrong with the pods of a workload: their security, their volumes, whom they ask."""
    kind, spec = workload["kind"], workload["spec"]
    pod = spec["template"]["spec"]
    security = pod.get("securityContext", {})
    if not security.get("runAsNonRoot") or security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "may run as root or without seccomp"
    volumes = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
    for volume in pod.get("volumes", []):
        volumes.add(volume["name"])
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim is not None and claim not in named(documents, "PersistentVolumeClaim"):
            yield f"no claim {claim}"
    for container in pod["containers"]:
        for complaint in container_complaints(kind, container):
            yield f"{container['name']} {complaint}"
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{container['name']} mounts {mount['name']}, which is no volume"
        for variable in container.get("env", []):
            host = variable["value"].partition("redis://")[2].partition(":")[0]
            if host and host not in named(documents, "Service"):
                yield f"no service {host}"


def workload_complaints(documents: list[Document]) -> Iterator[str]:
    """What is wrong with what runs pods."""
    for workload in (d for d in documents if d["kind"] in WORKLOADS):
        kind, spec = workload["kind"], workload["spec"]
        where = f"{kind} {workload['metadata']['name']}"
        if kind != "Job" and not contains(spec["template"]["metadata"]["labels"], spec["selector"]):
            yield f"{where}: does not select its own pods"
        if kind == "StatefulSet" and spec["serviceName"] not in named(documents, "Service"):
            yield f"{where}: no service {spec['serviceName']}"
        for complaint in pod_complaints(documents, workload):
            yield f"{where}: {complaint}"


def reference_complaints(documents: list[Document]) -> Iterator[str]:
    """What is wrong with what refers to pods and services."""
    pods = [d["spec"]["template"] for d in documents if d["kind"] in WORKLOADS]
    services = named(documents, "Service")
    for name, service in services.items():
        chosen = [pod for pod in pods if contains(pod["metadata"]["labels"], service["spec"]["selector"])]
        ports = {port["name"] for pod in chosen for c in pod["spec"]["containers"] for port in c.get("ports", [])}
        if not chosen or not {port["targetPort"] for port in service["spec"]["ports"]} <= ports:
            yield f"Service {name}: no pod has what it offers"
    for kind, field in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        for name, document in named(documents, kind).items():
            if not any(contains(pod["metadata"]["labels"], document["spec"][field]) for pod in pods):
                yield f"{kind} {name}: selects no pod"
    for name, monitor in named(documents, "ServiceMonitor").items():
        if not any(contains(s["metadata"]["labels"], monitor["spec"]["selector"]) for s in services.values()):
            yield f"ServiceMonitor {name}: selects no service"
    for name, scaler in named(documents, "HorizontalPodAutoscaler").items():
        target = scaler["spec"]["scaleTargetRef"]
        scaled = named(documents, target["kind"]).get(target["name"])
        if scaled is None:
            yield f"HorizontalPodAutoscaler {name}: no {target['kind']} {target['name']}"
        elif "replicas" in scaled["spec"]:
            yield f"{target['kind']} {target['name']}: its number of replicas is the autoscaler's"


def check_types(documents: list[Document], folder: str) -> bool:
    """Lets the TypeScript compiler judge the documents' keys, and the schemas their values."""
    lines = []
    for number, document in enumerate(documents):
        version, kind = document["apiVersion"], document["kind"]
        body = {key: value for key, value in document.items() if key not in ("apiVersion", "kind")}
        package = "kubernetes-models"
        if version.startswith("monitoring.coreos.com/"):
            package = "@kubernetes-models/prometheus-operator"
        lines.append(f'import {{ {kind} as Kind{number} }} from "{package}/{version}/{kind}";\n'
                     f"new Kind{number}({json.dumps(body, indent=1)}).validate();")
    with open(os.path.join(folder, "documents.mts"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    compiled = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "--strict", "--skipLibCheck", "--noEmitOnError",
         "--target", "es2022", "--module", "nodenext", "documents.mts"], cwd=folder, check=False)
    return compiled.returncode == 0 and subprocess.run(
        ["node", "documents.mjs"], cwd=folder, check=False).returncode == 0


def main() -> int:
    documents, how = assembled()
    bad = [*workload_complaints(documents), *reference_complaints(documents)]
    for complaint in bad:
        print(f"{BASE}: {complaint}", file=sys.stderr)
    folder = sys.argv[1] if len(sys.argv) > 1 else ""
    types = "not by Kubernetes' schemas: make deps-docker installs them"
    if os.path.isdir(os.path.join(folder, "node_modules", "kubernetes-models")) and shutil.which("node"):
        if not check_types(documents, folder):
            bad.append("schemas")
        types = "by Kubernetes' interfaces and schemas"
    print(f"test-docker: kubernetes: {len(documents)} documents, read by {how}; judged {types}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
