"""kubernetes_facts.py: what each document of docker/kubernetes must say: all documents, and no others.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import re
from typing import Any

from documents import serve_defaults
from facts import MISSING, Table

DRAIN = int(serve_defaults()["LSTMD_DRAIN_SECONDS"])


def labels(component: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "lstmd", "app.kubernetes.io/component": component}


def under(path: str, table: Table) -> Table:
    """The table for what is at a path, as a part of the table of the whole."""
    return {f"{path} {rest}": expected for rest, expected in table.items()}


def service(component: str, port: int, cluster_ip: str = MISSING) -> Table:
    name = "redis" if component == "redis" else "http"
    return {"spec selector": labels(component), f"spec ports {name} port": port,
            f"spec ports {name} targetPort": name, "spec clusterIP": cluster_ip, "spec type": MISSING}


def probes(container: str) -> Table:
    """A server that starts, drains or is hung is seen as that, and one that is only busy is let live."""
    return under(f"containers {container}", {
        "startupProbe httpGet": {"path": "/v2/health/ready", "port": "http"},
        "readinessProbe httpGet": {"path": "/v2/health/ready", "port": "http"},
        "readinessProbe periodSeconds": range(1, 6),
        "livenessProbe httpGet": {"path": "/v2/health/live", "port": "http"},
        "livenessProbe timeoutSeconds": range(2, 31)})


def user(number: int) -> Table:
    return {"securityContext runAsNonRoot": True, "securityContext runAsUser": number,
            "securityContext runAsGroup": number, "automountServiceAccountToken": False, "hostNetwork": MISSING}


REPLICA: Table = {
    **user(65532), **probes("lstmd"),
    "terminationGracePeriodSeconds": range(DRAIN + 10, DRAIN + 61),
    "containers lstmd lifecycle preStop sleep seconds": range(3, 16),
    "containers lstmd env LSTMD_TRAINING value": "off",
    "containers lstmd env LSTMD_STATE_DIR value": "",
    "containers lstmd env LSTMD_SESSION_STORE value": "redis://lstmd-redis:6379",
    "containers lstmd env LSTMD_MODEL_POLL_SECONDS": MISSING,
    "containers lstmd volumeMounts models": {"name": "models", "mountPath": "/models", "readOnly": True},
    "volumes models persistentVolumeClaim": {"claimName": "lstmd-models", "readOnly": True},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                                   "whenUnsatisfiable": "ScheduleAnyway",
                                   "labelSelector": {"matchLabels": labels("replica")}}]}

TRAINER: Table = {
    **user(65532), **probes("lstmd"), "securityContext fsGroup": 65532,
    "terminationGracePeriodSeconds": range(DRAIN + 5, DRAIN + 61),
    "containers lstmd env LSTMD_TRAINING": MISSING,
    "containers lstmd env LSTMD_STATE_DIR": MISSING,
    "containers lstmd volumeMounts models": {"name": "models", "mountPath": "/models"},
    "containers lstmd volumeMounts learned": {"name": "learned", "mountPath": "/var/lib/lstmd"},
    "volumes models persistentVolumeClaim": {"claimName": "lstmd-models"},
    "initContainers first-model args": ["convert", "/models/mnist/1", "--out", "/repository/mnist", "--if-empty"],
    "initContainers first-model volumeMounts": [{"name": "models", "mountPath": "/repository"}]}

PING = {"command": ["redis-cli", "-e", "ping"]}
REDIS: Table = {
    **user(999),
    "containers redis image": re.compile(r"redis:\d[\w.-]*"),
    "containers redis args": ["redis-server", "--save", "", "--appendonly", "no", "--maxmemory", "512mb",
                              "--maxmemory-policy", "noeviction"],
    "containers redis readinessProbe exec": PING, "containers redis livenessProbe exec": PING,
    "containers redis livenessProbe timeoutSeconds": range(2, 31)}


def policy(component: str, clients: list[Any], port: str, egress: Any) -> Table:
    return {"spec podSelector": {"matchLabels": labels(component)}, "spec policyTypes": ["Ingress", "Egress"],
            "spec ingress": [{"from": clients, "ports": [{"port": port, "protocol": "TCP"}]}],
            "spec egress": egress}


CLIENTS = [{"podSelector": {}}, {"namespaceSelector": {"matchLabels": {"lstmd-client": "true"}}}]
TO_REDIS = {"to": [{"podSelector": {"matchLabels": labels("redis")}}],
            "ports": [{"port": "redis", "protocol": "TCP"}]}
TO_DNS = {"to": [{"namespaceSelector": {}}, {"ipBlock": {"cidr": "169.254.20.10/32"}}],
          "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}

DOCUMENTS: dict[str, Table] = {
    "PersistentVolumeClaim lstmd-models": {"spec accessModes": ["ReadWriteMany"]},
    "Service lstmd": service("replica", 8501),
    "Service lstmd-replicas": service("replica", 8501, "None"),
    "Service lstmd-trainer": service("trainer", 8501),
    "Service lstmd-trainer-pods": service("trainer", 8501, "None"),
    "Service lstmd-redis": service("redis", 6379),
    "Deployment lstmd": {
        "spec replicas": MISSING, "spec strategy rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        **under("spec template spec", REPLICA)},
    "StatefulSet lstmd-trainer": {
        "spec replicas": 1, "spec serviceName": "lstmd-trainer-pods", **under("spec template spec", TRAINER)},
    "Deployment lstmd-redis": {
        "spec replicas": 1, "spec strategy": {"type": "Recreate"}, **under("spec template spec", REDIS)},
    "HorizontalPodAutoscaler lstmd": {
        "spec scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "lstmd"},
        "spec minReplicas": 3, "spec maxReplicas": range(6, 31),
        "spec behavior scaleDown stabilizationWindowSeconds": range(60, 3601)},
    "PodDisruptionBudget lstmd": {
        "spec maxUnavailable": 1, "spec minAvailable": MISSING, "spec selector": {"matchLabels": labels("replica")}},
    "NetworkPolicy lstmd": policy("replica", CLIENTS, "http", [TO_REDIS, TO_DNS]),
    "NetworkPolicy lstmd-trainer": policy("trainer", CLIENTS, "http", MISSING),
    "NetworkPolicy lstmd-redis": policy("redis", [{"podSelector": {"matchLabels": labels("replica")}}], "redis", MISSING),
    "ServiceMonitor lstmd": {
        "spec selector": {"matchExpressions": [
            {"key": "app.kubernetes.io/name", "operator": "In", "values": ["lstmd"]},
            {"key": "app.kubernetes.io/component", "operator": "In", "values": ["replica", "trainer"]}]},
        "spec endpoints": [{"port": "http", "path": "/metrics", "interval": "15s"}]},
    "PrometheusRule lstmd": {},
}
