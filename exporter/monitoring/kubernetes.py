"""The manifests: exporter, service, scraping, rules and dashboards, put together by kustomize without any templating."""

from __future__ import annotations

from typing import Any

from exporter.monitoring import scrape
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.hurry import divided
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alert_rule
from exporter.monitoring.recordings import all_recording_groups
from exporter.monitoring.yamltext import HEADER, dump

_NAME = "booking-sync-exporter"
_LABELS = {"app.kubernetes.io/name": _NAME}  # what selectors ask for
_ABOUT = {"app.kubernetes.io/component": "exporter", "app.kubernetes.io/part-of": "booking-sync"}
_MONITORING = "monitoring.coreos.com/v1"
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_READ_BY_OWNER = 0o400  # 256 in the manifest; with fsGroup the kubelet adds the group
_STATE = "/var/lib/booking-sync-exporter"
_EXAMPLE_CONFIG = f"""\
state_file: {_STATE}/state.json
targets:
  - name: salon-wix
    platform: wix
    site_id: 00000000-0000-0000-0000-000000000000
    api_key: {{file: /run/secrets/booking-sync/wix_api_key}}
    collectors:
      connections: {{}}
      bookings: {{}}
"""


def manifests(options: Options, version: str) -> dict[str, str]:
    """Return every manifest by file name; ``version`` is the tag of the image."""
    return {
        "kustomization.yaml": _kustomization(options),
        "config.yaml": _example_config(options),
        **_exporter(options, version),
        "networkpolicy.yaml": _network_policy(options),
        "service.yaml": _service(options),
        "servicemonitor.yaml": _service_monitor(options),
        "prometheusrule.yaml": _rules(options),
    }


def dashboards_kustomization(options: Options) -> str:
    """Return the kustomization beside the dashboards: one ConfigMap for each, found by Grafana's side car."""
    return (
        HEADER
        + "# Kustomize reads no files above its directory, so the ConfigMaps are made here and used by config/kubernetes.\n"
        + dump(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "generatorOptions": {
                    "disableNameSuffixHash": True,
                    "labels": {"grafana_dashboard": "1", **_labels(options)},
                    "annotations": {"grafana_folder": options.folder},
                },
                "configMapGenerator": [
                    {"name": f"booking-sync-{name}-dashboard", "files": [f"{name}.json"]}
                    for name in ("fleet", "target", "internals")
                ],
            }
        )
    )


def _labels(options: Options) -> dict[str, str]:
    return {**_LABELS, **_ABOUT, **options.manifest_labels}


def _manifest(options: Options, api: str, kind: str, spec: dict[str, Any], comment: str = "") -> str:
    metadata = {"name": _NAME, "labels": _labels(options)}
    return HEADER + comment + dump({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec})


def _kustomization(options: Options) -> str:
    return (
        HEADER
        + "# kubectl apply -k .   Set namespace, image and labels (kube-prometheus-stack selects `release`) in an overlay,\n"
        + "# replace config.yaml by your targets, and create the secret booking-sync-exporter with their credentials.\n"
        + "# The image is the one that you build and push: an overlay names it (`images: [{name, newName, digest}]`).\n"
        + dump(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "namespace": options.namespace,
                "resources": [
                    "config.yaml",
                    *(("volume.yaml", "deployment.yaml") if options.shards == 1 else ("statefulset.yaml",)),
                    "networkpolicy.yaml",
                    "service.yaml",
                    "servicemonitor.yaml",
                    "prometheusrule.yaml",
                    "../../dashboards",
                ],
            }
        )
    )


def _example_config(options: Options) -> str:
    return HEADER + dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": _NAME, "labels": _labels(options)},
            "data": {"exporter.yml": _EXAMPLE_CONFIG},
        }
    )


def _exporter(options: Options, version: str) -> dict[str, str]:
    """Return who polls: one Pod with its volume, or one for each shard, which Kubernetes numbers."""
    if options.shards == 1:
        return {"volume.yaml": _volume(options), "deployment.yaml": _deployment(options, version)}
    return {"statefulset.yaml": _stateful_set(options, version)}


def _volume(options: Options) -> str:
    spec = _CLAIM
    return _manifest(
        options,
        "v1",
        "PersistentVolumeClaim",
        spec,
        "# For state_file and the token files of Bitrix24 applications, which are renewed every hour: a pod that begins\n"
        "# with an old one has lost the access, so an emptyDir would not do. A few megabytes are used.\n",
    )


def _network_policy(options: Options) -> str:
    # Probes come from the node, which policies let through, and so does `kubectl port-forward`.
    prometheus = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}}
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    spec = {
        "podSelector": {"matchLabels": _LABELS},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [prometheus], "ports": [{"protocol": "TCP", "port": "http-metrics"}]}],
        "egress": [{"ports": dns}, {"ports": [{"protocol": "TCP", "port": 443}]}],
    }
    return _manifest(
        options,
        "networking.k8s.io/v1",
        "NetworkPolicy",
        spec,
        "# In: Prometheus, in any namespace. Out: names and https. Add the port of your proxy or own portal.\n",
    )


def _container(options: Options, version: str) -> dict[str, Any]:
    return {
        "name": "exporter",
        "image": options.image or f"{_NAME}:{version}",
        "args": ["--config.file=/etc/booking-sync-exporter/exporter.yml", "--config.watch", "--web.listen-address=:10888"],
        "ports": [{"name": "http-metrics", "containerPort": 10888}],
        "startupProbe": {"httpGet": {"path": "/-/healthy", "port": "http-metrics"}, "periodSeconds": 2, "failureThreshold": 30},
        "livenessProbe": {"httpGet": {"path": "/-/healthy", "port": "http-metrics"}, "periodSeconds": 20},
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": "http-metrics"}, "periodSeconds": 10},
        "resources": {"requests": {"cpu": "100m", "memory": "192Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # Folders: a file that is mounted alone (subPath) never changes.
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/booking-sync-exporter", "readOnly": True},
            {"name": "secrets", "mountPath": "/run/secrets/booking-sync", "readOnly": True},
            {"name": "state", "mountPath": _STATE},
        ],
    }


def _pod(container: dict[str, Any]) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,  # left out, it is root's group
            "fsGroup": 65532,  # who may read the secrets, which belong to root, and write the volume
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": 15,  # the stop takes at most 8
        "containers": [container],
        "volumes": [
            {"name": "config", "configMap": {"name": _NAME}},
            {"name": "secrets", "secret": {"secretName": _NAME, "optional": True, "defaultMode": _READ_BY_OWNER}},
        ],
    }


def _deployment(options: Options, version: str) -> str:
    pod = _pod(_container(options, version))
    pod["volumes"].append({"name": "state", "persistentVolumeClaim": {"claimName": _NAME}})
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": pod},
    }
    return _manifest(
        options,
        "apps/v1",
        "Deployment",
        spec,
        "# One replica and no overlap: a second one would spend the platforms' budgets twice.\n",
    )


def _stateful_set(options: Options, version: str) -> str:
    container = _container(options, version)
    container["args"].append(f"--shard=$(SHARD)/{options.shards}")
    index = {"fieldRef": {"fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"}}
    spec = {
        "replicas": options.shards,
        "serviceName": _NAME,
        "podManagementPolicy": "Parallel",  # no shard waits for another one's first polls
        "selector": {"matchLabels": _LABELS},
        "template": {
            "metadata": {"labels": _LABELS},
            "spec": _pod({**container, "env": [{"name": "SHARD", "valueFrom": index}]}),
        },
        "volumeClaimTemplates": [{"metadata": {"name": "state"}, "spec": _CLAIM}],
    }
    return _manifest(
        options,
        "apps/v1",
        "StatefulSet",
        spec,
        "# One Pod for each shard: its number is the Pod's, by a label that Kubernetes sets since 1.28. The state of a shard,\n"
        "# and token files of Bitrix24 applications, which are renewed every hour, lie on a volume of its own.\n",
    )


def _service(options: Options) -> str:
    # A target that is not ready is scraped all the same: it says why.
    port = {"name": "http-metrics", "port": 10888, "targetPort": "http-metrics"}
    return _manifest(options, "v1", "Service", {"publishNotReadyAddresses": True, "selector": _LABELS, "ports": [port]})


def _service_monitor(options: Options) -> str:
    endpoint = {
        "port": "http-metrics",
        "path": "/metrics",
        "interval": divided(options.scrape_interval, options.hurry),
        "scrapeTimeout": scrape.TIMEOUT if options.hurry == 1 else divided(options.scrape_interval, options.hurry),
        "honorLabels": False,
        # The rules ask for this job, whatever the service is called.
        "relabelings": [{"action": "replace", "targetLabel": "job", "replacement": options.jobs[0]}],
    }
    size = scrape.body_limit(options.targets)
    limits = {"labelValueLengthLimit": scrape.LABEL_VALUE_BYTES, **({"bodySizeLimit": size} if size else {})}
    spec = {"selector": {"matchLabels": _LABELS}, **limits, "endpoints": [endpoint]}
    return _manifest(options, _MONITORING, "ServiceMonitor", spec)


def _rules(options: Options) -> str:
    recordings = [
        {
            "name": group.name,
            "interval": group.interval,
            "rules": [{"record": rule.record, "expr": rule.expr} for rule in group.rules],
        }
        for group in all_recording_groups(options)
    ]
    alerts = [
        {
            "name": group.name,
            "interval": group.interval,
            "rules": [alert_rule(alert, options) for alert in group.alerts],
        }
        for group in alert_groups(options)
    ]
    return _manifest(options, _MONITORING, "PrometheusRule", {"groups": [*recordings, *alerts]})
