"""check_kubernetes.py [FOLDER]: docker/kubernetes holds together and is what Kubernetes understands.

SPDX-License-Identifier: Apache-2.0

Its parts are assembled by kubectl if it is there, else read as they are. What each must say is in
kubernetes_facts.py; what they say of each other and of lstmd's options is looked at here. FOLDER has node_modules of package.json: then
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

import facts
from documents import serve_defaults, serve_variables
from kubernetes_facts import DOCUMENTS

BASE = "docker/kubernetes"
WORKLOADS = ("Deployment", "StatefulSet")
MIB = 1 << 20
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


def container_complaints(container: Document) -> Iterator[str]:
    """What is wrong with a container by itself."""
    security = container.get("securityContext", {})
    if (not security.get("readOnlyRootFilesystem") or security.get("allowPrivilegeEscalation") is not False
            or security.get("capabilities") != {"drop": ["ALL"]}):
        yield "is not locked up"
    resources = container.get("resources", {})
    if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
        yield "does not say what it takes"
    values = {variable["name"]: variable.get("value") for variable in container.get("env", [])}
    if values.get("LSTMD_TRAINING") == "off" and values.get("LSTMD_STATE_DIR") != "":
        yield "does not train, so the image's LSTMD_STATE_DIR must be emptied"
    known = serve_variables()
    for variable in container.get("env", []):
        if variable["name"].startswith("LSTMD_") and variable["name"] not in known:
            yield f"sets {variable['name']}, which is no option"
    if container["name"] == "lstmd":
        yield from memory_complaints(container)


def memory_complaints(container: Document) -> Iterator[str]:
    """Whether the limit of memory is above what SECURITY.md says requests can take, with a third to spare."""
    values = serve_defaults() | {variable["name"]: variable["value"] for variable in container["env"]}
    connections, body, work = (int(values[f"LSTMD_MAX_{name}"]) for name in ("CONNECTIONS", "BODY_BYTES", "WORK_BYTES"))
    trains = values["LSTMD_TRAINING"] != "off"
    most = connections * ((32 << 10) + 3 * body + work) + trains * int(values["LSTMD_MAX_TRAINING_BYTES"])
    limit = container["resources"]["limits"]["memory"]
    amount = int(limit[:-2]) * {"Mi": MIB, "Gi": 1024 * MIB}[limit[-2:]]
    if most > amount * 2 / 3:
        yield f"requests can take {most // MIB} MiB, and {limit} is the limit"


def named(documents: list[Document], kind: str) -> dict[str, Document]:
    """The documents of a kind, by name."""
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def pod_complaints(documents: list[Document], workload: Document) -> Iterator[str]:
    """What is wrong with the pods of a workload: their security, their volumes, whom they ask."""
    spec = workload["spec"]
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
    for container in pod["containers"] + pod.get("initContainers", []):
        for complaint in container_complaints(container):
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
        if not contains(spec["template"]["metadata"]["labels"], spec["selector"]):
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


def scaler_complaints(documents: list[Document]) -> Iterator[str]:
    """Whether the autoscaler looks at the one thing that grows with the traffic, and leaves room for it."""
    for scaler in named(documents, "HorizontalPodAutoscaler").values():
        resources = {metric["resource"]["name"]: metric["resource"]["target"] for metric in scaler["spec"]["metrics"]}
        target = resources.get("cpu", {})
        if set(resources) != {"cpu"} or target.get("type") != "Utilization" \
                or not 50 <= target.get("averageUtilization", 0) <= 85:
            yield f"HorizontalPodAutoscaler: {resources} should be 50 to 85 % of the CPU"


def alert_complaints(documents: list[Document]) -> Iterator[str]:
    """Whether the alerts are those of docker/alerts.yml, which are tested."""
    with open("docker/alerts.yml", encoding="utf-8") as file:
        expected = [group for group in yaml.safe_load(file)["groups"] if group["name"] == "lstmd"]
    for name, rule in named(documents, "PrometheusRule").items():
        if not expected or rule["spec"]["groups"] != expected:
            yield f"PrometheusRule {name}: its groups are not the group lstmd of docker/alerts.yml"


def fact_complaints(documents: list[Document]) -> Iterator[str]:
    """What the documents do not say of what they must."""
    found = {f"{d['kind']} {d['metadata']['name']}": d for d in documents}
    if set(found) != set(DOCUMENTS):
        yield f"the documents differ from those of kubernetes_facts.py: {sorted(set(found) ^ set(DOCUMENTS))}"
    for name, table in DOCUMENTS.items():
        for complaint in facts.complaints(found.get(name), table):
            yield f"{name}: {complaint}"


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
    bad = [complaint for look in (fact_complaints, workload_complaints, reference_complaints, scaler_complaints,
                                  alert_complaints) for complaint in look(documents)]
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
