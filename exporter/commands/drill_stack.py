"""What a drill asks of a running Prometheus and Alertmanager: the rules, what fires, what is kept back and who hears of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from exporter.errors import BookingSyncError, ConfigError, ConfigProblem
from exporter.fields.durations import parse_duration
from exporter.monitoring.check import integrations, parsed_alertmanager_config
from exporter.platforms.trust import host_trust
from exporter.support.http_client import AnswerTooLongError, ExposedPasswordError, InvalidUrlError, read_body, url_and_auth
from exporter.support.net import join_address
from exporter.support.redaction import sanitized
from exporter.support.remote_write import HEADERS, PATH, Labels, Samples, request

_MAX_BYTES: Final = 64 * 2**20
_MAX_TEXT: Final = 200
_TIMEOUT: Final = httpx.Timeout(20.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class Alerting:
    """An alert of Prometheus: ``firing``, or pending."""

    name: str
    labels: Mapping[str, str]
    firing: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """An alert as Alertmanager has it: who is to hear of it, and what keeps it back."""

    name: str
    labels: Mapping[str, str]
    receivers: Sequence[str]
    inhibited_by: Sequence[str] = ()
    silenced_by: Sequence[str] = ()
    muted_by: Sequence[str] = ()

    @property
    def kept_back(self) -> str:
        """Return why nobody is told, "" where somebody is."""
        if self.inhibited_by:
            return f"inhibited by {', '.join(self.inhibited_by)}"
        if self.silenced_by:
            return f"silenced by {', '.join(self.silenced_by)}"
        return f"muted by {', '.join(self.muted_by)}" if self.muted_by else ""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver of Alertmanager: the kinds of its addresses, and the longest wait that a route to it asks for."""

    name: str
    kinds: Sequence[str] = ()
    group_wait: float = 0.0


class StackError(BookingSyncError):
    """Prometheus or Alertmanager cannot be asked, or answers what neither of them says."""


class ServiceClient:
    """One of the two, asked over HTTP; its address is shown without what stands before the @."""

    def __init__(self, name: str, flag: str, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        base, auth = _parsed(flag, url)
        self.name = name
        self._flag = flag
        self.where = join_address(base.host, base.port or (443 if base.scheme == "https" else 80))
        # A proxy of the environment is for the platforms.
        self._client = httpx.AsyncClient(
            base_url=base, auth=auth, timeout=_TIMEOUT, verify=host_trust(), trust_env=False, transport=transport
        )

    async def json(self, path: str, **parameters: str) -> Any:  # noqa: ANN401  as JSON is
        """Return what it answers. Raises :class:`StackError`."""
        status, text = await self.ask("GET", path, params=parameters)
        if status != httpx.codes.OK:
            fix = f"; is it {self.name}? Else correct {self._flag}" if status == httpx.codes.NOT_FOUND else ""
            raise StackError(f"{self.name} at {self.where} answers {path} with {status}: {_shown(text)}{fix}")
        try:
            return json.loads(text)
        except ValueError:
            raise StackError(f"{self.where} answers {path} with no JSON: is it {self.name}?") from None

    async def ask(self, method: str, path: str, **arguments: Any) -> tuple[int, bytes]:  # noqa: ANN401  httpx' own
        """Return status and body of any answer. Raises :class:`StackError` when there is none."""
        try:
            async with self._client.stream(method, path, **arguments) as answer:
                return answer.status_code, await read_body(answer, _MAX_BYTES)
        except AnswerTooLongError:
            raise StackError(f"{self.name} at {self.where} answers more than {_MAX_BYTES // 2**20} MiB") from None
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise StackError(
                f"no answer of {self.name} at {self.where}: {sanitized(why, _MAX_TEXT)}; start it, or correct {self._flag}"
            ) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class Stack:
    """A Prometheus and the Alertmanager behind it."""

    def __init__(self, prometheus: ServiceClient, alertmanager: ServiceClient) -> None:
        self.prometheus = prometheus
        self.alertmanager = alertmanager

    async def rules(self) -> dict[tuple[str, str], float]:
        """Return the ``for`` of each alert that is loaded, in seconds, by name and severity."""
        data = await self._prometheus("/api/v1/rules", type="alert")
        return {
            (str(rule["name"]), str(rule.get("labels", {}).get("severity", ""))): float(rule["duration"])
            for group in data["groups"]
            for rule in group["rules"]
        }

    async def alerting(self) -> list[Alerting]:
        """Return what fires or is pending."""
        data = await self._prometheus("/api/v1/alerts")
        return [Alerting(alert["labels"]["alertname"], alert["labels"], alert["state"] == "firing") for alert in data["alerts"]]

    async def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and values of an instant vector.

        The values have the unit of the expression.
        """
        data = await self._prometheus("/api/v1/query", query=expression)
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    async def scraped(self) -> list[tuple[str, str, str]]:
        """Return job, address and last error of everything that Prometheus scrapes."""
        data = await self._prometheus("/api/v1/targets", state="active")
        return [
            (
                one["labels"].get("job", ""),
                sanitized(one["scrapeUrl"], _MAX_TEXT),
                sanitized(one.get("lastError", ""), _MAX_TEXT),
            )
            for one in data["activeTargets"]
        ]

    async def alertmanagers(self) -> list[str]:
        """Return whom Prometheus sends its alerts to."""
        data = await self._prometheus("/api/v1/alertmanagers")
        return [sanitized(str(one["url"]), _MAX_TEXT) for one in data["activeAlertmanagers"]]

    async def write(self, series: Sequence[tuple[Labels, Samples]]) -> str:
        """Write samples into Prometheus; return why it did not take them, "" if it did."""
        status, text = await self.prometheus.ask("POST", PATH, content=request(series), headers=HEADERS)
        return "" if status in {httpx.codes.OK, httpx.codes.NO_CONTENT} else f"{status}: {_shown(text)}"

    async def arrived(self) -> list[Arrived]:
        """Return what Alertmanager has, whether it tells somebody or not."""
        rows = await self.alertmanager.json("/api/v2/alerts")
        names = {row["fingerprint"]: row["labels"]["alertname"] for row in rows}
        return [
            Arrived(
                row["labels"]["alertname"],
                row["labels"],
                tuple(receiver["name"] for receiver in row["receivers"]),
                tuple(dict.fromkeys(names.get(one, one) for one in row["status"].get("inhibitedBy") or ())),
                tuple(row["status"].get("silencedBy") or ()),
                tuple(row["status"].get("mutedBy") or ()),
            )
            for row in rows
        ]

    async def receivers(self) -> dict[str, Receiver]:
        """Return the receivers that Alertmanager's routes name.

        Raises :class:`StackError` when its configuration cannot be read.
        """
        status = await self.alertmanager.json("/api/v2/status")
        waits: dict[str, float] = {}
        try:
            config = parsed_alertmanager_config(status["config"]["original"]) or {}
            for name, wait in _waits(config["route"]):
                waits[name] = max(waits.get(name, 0.0), wait)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise StackError(f"{self.alertmanager.where} shows no configuration: is it Alertmanager?") from None
        return {name: Receiver(name, tuple(integrations(config, name)), wait) for name, wait in waits.items()}

    async def undelivered(self) -> float:
        """Return how often Alertmanager could not deliver since it began; it tries again for as long as a group waits.

        Raises :class:`StackError` where nobody counts: that is not the same as no failure.
        """
        status, text = await self.alertmanager.ask("GET", "/metrics")
        lines = text.decode(errors="replace").splitlines() if status == httpx.codes.OK else []
        counted = [line for line in lines if line.startswith("alertmanager_notification_requests_failed_total")]
        if not counted:
            where = self.alertmanager.where
            raise StackError(f"Alertmanager at {where} does not say at /metrics what it could not deliver ({status})")
        return sum(float(line.rsplit(" ", 1)[1]) for line in counted)

    async def close(self) -> None:
        """Close the connections."""
        await self.prometheus.close()
        await self.alertmanager.close()

    async def _prometheus(self, path: str, **parameters: str) -> Any:  # noqa: ANN401  as JSON is
        answer = await self.prometheus.json(path, **parameters)
        try:
            return answer["data"]
        except (KeyError, TypeError):
            raise StackError(f"{self.prometheus.where} answers {path} as no Prometheus does: is it one?") from None


def _waits(route: Mapping[str, Any], receiver: str = "", wait: str = "0s") -> Iterator[tuple[str, float]]:
    receiver, wait = route.get("receiver", receiver), route.get("group_wait", wait)
    yield receiver, parse_duration(wait)
    for child in route.get("routes") or ():
        yield from _waits(child, receiver, wait)


def _parsed(flag: str, url: str) -> tuple[httpx.URL, httpx.BasicAuth | None]:
    try:
        return url_and_auth(url)
    except InvalidUrlError:
        problem = ConfigProblem(flag, "is no http(s) address", "write for example http://127.0.0.1:9090")
    except ExposedPasswordError:
        problem = ConfigProblem(flag, "sends a password over http://", "take https://, or an address of this machine")
    raise ConfigError([problem])


def _shown(text: bytes) -> str:
    return sanitized(" ".join(text[:_MAX_TEXT].decode(errors="replace").split()), _MAX_TEXT)
