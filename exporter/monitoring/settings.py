"""``monitoring.yml``: what only the monitoring bundle needs, so that it is configured and never edited.

Every key may be left out; an empty file gives the bundle as it is shipped. Every problem is reported at once, with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema

from exporter.config import field_problems, problems_of_file, read_text
from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.durations import format_duration
from exporter.fields.kinds import Duration, FieldProblem, LabelValue, Reading, between, field_error, named, seen, shown, text_of
from exporter.fields.links import Address, UidPrefix
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.alerts.needed import NEEDED
from exporter.monitoring.delivery import PORT, Delivery, FixedBy, MailServer, OfficeHours, Receivers, Route, secret_file
from exporter.monitoring.extra import Extra
from exporter.monitoring.matchers import Matcher
from exporter.monitoring.options import (
    Options,
    job_problem,
    slo_problem,
)
from exporter.monitoring.password import FOLDER
from exporter.monitoring.receivers import receivers
from exporter.monitoring.unreached import OF_THE_BUNDLE, Taking, takings, unreached
from exporter.platforms.settings import Strict, default
from exporter.support.close_matches import respelled
from exporter.support.yaml_source import read_yaml, show_path
from exporter.texts import LANGUAGES

OURS: Final = frozenset(
    {
        *("__name__", "alertname", "alertstate", "severity", "fixed_by", "forgets", "job", "instance", "namespace", "pod"),
        *("container", "endpoint", "service", "target", "platform", "site", "connection", "calendar_type", "provider"),
        *("collector", "reason", "status", "credential", "besides", "extent", "shard", "shards", "window", "symptom", "slo"),
        *("long", "short", "slow", "late", "le", "operation", "budget", "kind", "direction", "version", "replica", "drill"),
        *("what", "rule_group", "pair"),
    }
)
"""Labels that mean something to the bundle: one of another meaning would break what leans on them."""

MIN_SCRAPE_SECONDS: Final = 10.0
MAX_SCRAPE_SECONDS: Final = 60.0
MAX_SHARDS: Final = 1000
"""The boards look back three minutes, so that one failed scrape changes nothing."""


def _job(value: object) -> str:
    name = seen(text_of(value, "booking-sync-exporter"))
    if trouble := job_problem(name):
        raise field_error(*trouble)
    return name


def _slo(value: float) -> float:
    if trouble := slo_problem(value):
        raise field_error(*trouble)
    return value


def _label(value: object) -> str:
    text = text_of(value, "cluster")
    if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", text) or text.startswith("__"):
        raise field_error(
            f"{shown(text)} is not the name of a label", "use letters, digits and _, and no digit or __ at the beginning"
        )
    if text in OURS:
        raise field_error(f"the label {text} has a meaning in this bundle", "use another name")
    return text


def _alert_label(value: object) -> str:
    if value == "cluster":
        raise field_error("the label cluster tells installations apart", "set it as an external label of Prometheus")
    return _label(value)


def _alert_label_value(value: str) -> str:
    if "{{" in value or not value:
        raise field_error("is empty or a template", "write the value itself")
    return value


def _alert_name(value: object) -> str:
    name = text_of(value, "BookingSyncScrapeGrew", any_text=False)
    if name in NEEDED:
        raise field_error(f"{name} cannot be switched off: {NEEDED[name]}", "route it to somebody who wants it")
    names = {alert.name for group in alert_groups(Options()) for alert in group.alerts}
    if name not in names:
        near = get_close_matches(name, names, n=1, cutoff=0.6)
        raise field_error("is not the name of an alert", f"did you mean {near[0]}?" if near else "see docs/runbooks/README.md")
    return name


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise field_error("has an entry twice", "write each entry once")
    return names


_LANGUAGES_NAMES: Final = {"english": "en", "german": "de", "deutsch": "de", "russian": "ru"}


def _language(value: object) -> str:
    language = text_of(value, "en", any_text=False)
    if language not in LANGUAGES:
        meant = _LANGUAGES_NAMES.get(language.lower()) or respelled(language, LANGUAGES)
        fix = f"write {meant}" if meant in LANGUAGES else f"write one of {', '.join(LANGUAGES)}"
        raise field_error(f"{shown(language)} is not one of the languages", fix)
    return language


def _interval(seconds: float) -> None:
    if not MIN_SCRAPE_SECONDS <= seconds <= MAX_SCRAPE_SECONDS or seconds % 1:
        raise field_error("must be between 10s and 60s, in whole seconds", "write 30s; rules and boards are made for that")


def _password_file(value: object) -> str:
    if value == "":
        return ""  # a choice: Debian's servers ask for no password
    path = secret_file(value)
    if "$" in path or "}" in path:
        raise field_error("holds $ or }, by which Grafana would read another file", "rename the file or its folder")
    return path


PasswordFile = Annotated[
    str,
    PlainValidator(_password_file),
    WithJsonSchema({"type": "string", "pattern": "^$|^[^{}$]*/[^/{}$]+$", "examples": [f"{FOLDER}/password", ""]}),
]
Job = Annotated[str, PlainValidator(_job), WithJsonSchema({"type": "string", "pattern": r"^[^\"'\\{}$|*+?^()\[\]\n]+$"})]
Choice = Literal["cluster", "namespace"]
ClusterLabel = Annotated[str, PlainValidator(_label), WithJsonSchema({"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"})]
AlertLabel = Annotated[
    str, PlainValidator(_alert_label), WithJsonSchema({"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"})
]
AlertName = Annotated[str, PlainValidator(_alert_name), WithJsonSchema({"type": "string", "pattern": "^BookingSync"})]
Language = Annotated[str, PlainValidator(_language), WithJsonSchema({"type": "string", "enum": list(LANGUAGES)})]
AlertLabelValue = Annotated[LabelValue, AfterValidator(_alert_label_value)]
_K8S: Final = "[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
ManifestLabel = Annotated[
    str, *named(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_K8S}", "a label of Kubernetes", "release")
]
ManifestValue = Annotated[str, *named(_K8S, "a value of a label of Kubernetes", "kube-prometheus-stack")]
Namespace = Annotated[str, *named("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "a namespace", "monitoring")]
Image = Annotated[
    str,
    *named(r"[a-z0-9][\w.:/-]{0,254}(?:@sha256:[0-9a-f]{64})?", "the name of an image", "registry.example.org/exporter:1.0"),
]
HostPort = Annotated[
    str, *named(rf"(?:[\w.\-]+|\[[0-9A-Fa-f:.]+\]):{PORT}", "HOST:PORT with a port from 1 to 65535", "exporter:10888")
]
Title = Annotated[
    str,
    *named(
        r"[^\s/\\](?:[^/\\\x00-\x1f\x7f]{0,97}[^\s/\\\x00-\x1f\x7f])?",
        "the name of a folder: one line without / and \\",
        "Booking sync",
    ),
]


class Addresses(Strict):
    """Addresses of servers. The first three are the bases of links in messages; without one there is no link."""

    board: Address | None = Field(
        default=None, description="Address at which people open the status board; it serves the runbooks, too."
    )
    grafana: Address | None = Field(default=None, description="Address at which people open Grafana.")
    runbooks: Address | None = Field(
        default=None, description="Address of the runbooks, if you publish the files of docs/runbooks yourself."
    )
    prometheus: Address = Field(
        default="http://prometheus:9090", description="Address of Prometheus for Grafana and for Prometheus itself."
    )
    alertmanager: Address = Field(
        default="http://alertmanager:9093", description="Address of Alertmanager for Prometheus and Grafana."
    )

    def given(self) -> dict[str, str]:
        """Return those that the file says, by key: a default is where compose.yaml has a server, not where a check runs."""
        return {name: str(getattr(self, name)) for name in self.model_fields_set if getattr(self, name)}


class Alerts(Strict):
    """Which alerts the bundle has. Thresholds and severities are in `verdicts:` of the exporter's own file."""

    disabled: Annotated[frozenset[AlertName], Field(strict=False)] = Field(
        default=frozenset(), description="Names of alerts to leave out. Alerts that they would have inhibited are sent."
    )


class Grafana(Strict):
    """The dashboards in Grafana."""

    uid_prefix: UidPrefix = Field(
        default="booking-sync", description="Prefix of the three uids, for a second bundle in one Grafana; links use it, too."
    )
    folder: Title = Field(default="Booking sync", description="Folder of the dashboards.")
    variables: Annotated[tuple[Choice, ...], Field(strict=False), AfterValidator(_each_once)] = Field(
        default=(), description="Additional variables of the dashboards, for a data source with several clusters or namespaces."
    )


class Settings(Strict):
    """Settings of the monitoring bundle: who is notified, and how the servers name things. All keys are optional."""

    model_config = ConfigDict(title="booking-sync-exporter monitoring bundle")

    jobs: Annotated[tuple[Job, ...], Field(strict=False, min_length=1), AfterValidator(_each_once)] = Field(
        default=("booking-sync-exporter",), description="Prometheus jobs that scrape exporters, by name."
    )
    exporters: dict[Job, Annotated[tuple[HostPort, ...], Field(strict=False, min_length=1), AfterValidator(_each_once)]] = (
        Field(
            default={},
            description="Addresses of the exporters of each job, for the example prometheus.yml: `{job: [host:port]}`.",
        )
    )
    scrape_interval: Annotated[Duration, between(MIN_SCRAPE_SECONDS, MAX_SCRAPE_SECONDS, _interval)] = default(
        "30s", "Time between two scrapes of an exporter."
    )
    slo: Annotated[float, AfterValidator(_slo)] = Field(
        default=0.99, description="Share of live connections that have to be free of errors over 30 days."
    )
    targets: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=0, description="Maximum number of targets of one exporter; limits the size of a scrape. 0: no limit."
    )
    language: Language = Field(default="en", description="Language of alerts and messages.")
    addresses: Addresses = Field(default=Addresses(), description="Addresses of the servers and the board.")
    password_file: PasswordFile = Field(
        default=f"{FOLDER}/password",
        description='File with the password of Prometheus and Alertmanager, where each server finds it; `""` for none.',
    )
    cluster_label: ClusterLabel = Field(
        default="cluster", description="External label of your Prometheus that tells clusters apart."
    )
    rule_labels: dict[AlertLabel, AlertLabelValue] = Field(
        default={}, description="Labels that every alert gets, for routes of your own."
    )
    alerts: Alerts = Field(default=Alerts(), description="Which alerts the bundle has.")
    mail: MailServer | None = Field(default=None, description="Mail server; required if a receiver uses mail.")
    receivers: Receivers = Field(default=Receivers(), description="Who is notified, and how.")
    routes: Annotated[tuple[Route, ...], Field(strict=False)] = Field(
        default=(), description="Other receivers, by site or by who has to act."
    )
    office_hours: OfficeHours | None = Field(default=None, description="Send tickets only at these times.")
    extra: Extra = Field(default=Extra(), description="Receivers and routes in Alertmanager's own format.")
    grafana: Grafana = Field(default=Grafana(), description="Names in Grafana.")
    namespace: Namespace = Field(default="monitoring", description="Namespace of the manifests.")
    image: Image | None = Field(default=None, description="Image of the manifests; the one of this version if left out.")
    shards: int = Field(
        default=1,
        ge=1,
        le=MAX_SHARDS,
        description="Number of Pods in the manifests; the targets are divided among them (`--shard`). More than one become a "
        "StatefulSet.",
    )
    manifest_labels: dict[ManifestLabel, ManifestValue] = Field(
        default={}, description="Labels that every manifest gets; kube-prometheus-stack selects by `release`."
    )

    @property
    def delivery(self) -> Delivery:
        """Who is told, and how."""
        return Delivery(
            mail=self.mail, receivers=self.receivers, routes=self.routes, office_hours=self.office_hours, extra=self.extra
        )

    def options(self) -> Options:
        """Return what the renderers take."""
        where = self.addresses
        return Options(
            jobs=self.jobs,
            slo=self.slo,
            grafana_url=where.grafana or "",
            runbook_url=where.runbooks or "",
            targets=self.targets,
            board_url=where.board or "",
            language=self.language,
            exporters=MappingProxyType(self.exporters),
            scrape_interval=format_duration(self.scrape_interval),
            prometheus_url=where.prometheus,
            alertmanager_url=where.alertmanager,
            password_file=self.password_file,
            cluster_label=self.cluster_label,
            rule_labels=MappingProxyType(self.rule_labels),
            off=self.alerts.disabled,
            uid_prefix=self.grafana.uid_prefix,
            folder=self.grafana.folder,
            variables=self.grafana.variables,
            namespace=self.namespace,
            image=self.image or "",
            shards=self.shards,
            manifest_labels=MappingProxyType(self.manifest_labels),
            delivery=self.delivery,
        )


def _cross_problems(settings: Settings) -> Iterator[FieldProblem]:
    for job in settings.exporters.keys() - set(settings.jobs):
        yield FieldProblem(("exporters", job), "is not one of the jobs", "name it in jobs, too")
    if settings.cluster_label in settings.rule_labels:
        path = ("rule_labels", settings.cluster_label)
        yield FieldProblem(path, "is the cluster_label", "set it as an external label of Prometheus")
    ours = [str(one["name"]) for _, one in receivers(settings.delivery.model_copy(update={"extra": Extra()}))]
    for problem in settings.extra.problems(ours, ["office-hours"] if settings.office_hours else []):
        yield problem._replace(path=("extra", *problem.path))
    yield from _unreached(settings.delivery)
    written = settings.receivers.model_fields_set
    for place, way in settings.delivery.ways():
        if way.mail and settings.mail is None and (place[0] == "routes" or place[1] in written):
            yield FieldProblem(
                (*place, "mail"), "there is no server that takes mail", "add mail: {smarthost: HOST:PORT, from: ADDRESS}"
            )
            break


def _unreached(delivery: Delivery) -> Iterator[FieldProblem]:
    """Yield routes that get no alert, because others before them take it."""
    domains = {"fixed_by": get_args(FixedBy), "severity": ("critical", "warning")}
    before = takings(delivery.extra.routes, ("extra", "routes"))
    for number, route in enumerate(delivery.routes):
        words = {"fixed_by": route.fixed_by, "site": route.site, "severity": route.severity}
        fitting = {Matcher(label, "=", value) for label, value in words.items() if value}
        taking = Taking(("routes", number), OF_THE_BUNDLE | fitting)
        if problem := unreached(before, taking, domains):
            yield problem
        before.append(taking)


def load_settings(path: Path) -> Settings:
    """Read and validate the file ``path``. Raises :class:`~exporter.errors.ConfigError` with every problem at once."""
    source = read_yaml(read_text(path, "--monitoring.file"))
    problems = list(source.problems)
    settings = None
    written: Any = {} if source.value is None else source.value
    try:
        settings = Settings.model_validate(written, context=Reading(path.absolute().parent, {}, file=path.absolute()))
    except ValidationError as error:
        problems += field_problems(error, source, Settings)
    if isinstance(written, dict) and isinstance(written.get("targets"), list):
        fix = "name it with --config.file, and here the file for the bundle"
        problems = [ConfigProblem("", "is the configuration of the exporter", fix)]
    if settings is not None:
        problems += [
            ConfigProblem(show_path(at), what, fix, line=source.line(at)) for at, what, fix in _cross_problems(settings)
        ]
    if problems or settings is None:
        raise ConfigError(problems_of_file(problems, path))
    return settings
