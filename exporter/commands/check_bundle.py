"""``monitoring check``: asks a running Prometheus, Alertmanager and Grafana, and prints a line for each thing looked at."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

import httpx
from pydantic_core import PydanticCustomError

from exporter.errors import ConfigError, ConfigProblem
from exporter.fields.credentials import plain_ascii
from exporter.fields.files import read_named_file
from exporter.fields.routes import CaFile, certificates_in
from exporter.monitoring import Options, files
from exporter.monitoring.check import Check, CheckState, ServerClient, Timeouts, check_bundle
from exporter.platforms.trust import host_trust, trust_with
from exporter.support.net import is_confidential
from exporter.support.redaction import sanitized
from exporter.support.secret import Secret, pasted

T = TypeVar("T")

_SECRET_BYTES: Final = 64 * 1024
_MAX_LINE: Final = 600

FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {"Prometheus": "--prometheus-url", "Alertmanager": "--alertmanager-url", "Grafana": "--grafana-url"}
)
"""By which flag the address of each server is given."""


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """Where the servers are, by name and only those that are asked, and the files that say who asks."""

    addresses: Mapping[str, str]
    user: str
    password_file: Path | None = None
    grafana_token_file: Path | None = None
    ca_file: Path | None = None


async def check_running(
    options: Options, access: ServerAccess, output: str, say: Callable[[str], None], *, timeouts: Timeouts | None = None
) -> int:
    """Ask, print, and return the exit code: 0 when nothing is missing, else 1.

    Raises :class:`~exporter.errors.ConfigError` for addresses and files that cannot be used.
    """
    bases, auths, trust = _read(access)
    async with contextlib.AsyncExitStack() as stack:
        servers: dict[str, ServerClient] = {}
        for kind, base in bases.items():
            # A proxy of the environment is for the platforms. Redirects are not followed.
            client = httpx.AsyncClient(auth=auths.get(kind), verify=trust, trust_env=False, timeout=None)  # noqa: S113  of Patience
            servers[kind] = ServerClient(kind, await stack.enter_async_context(client), base, timeouts or Timeouts())
        found = await check_bundle(
            options,
            files(options),
            prometheus=servers.get("Prometheus"),
            alertmanager=servers.get("Alertmanager"),
            grafana=servers.get("Grafana"),
        )
    for line in _as_json(found) if output == "json" else _as_lines(found):
        say(line)
    return int(any(check.state is CheckState.MISSING for check in found))


def _as_json(found: Sequence[Check]) -> Iterator[str]:
    yield json.dumps([asdict(check) for check in found], ensure_ascii=False, indent=2)


def _as_lines(found: Sequence[Check]) -> Iterator[str]:
    for check in found:
        fix = f" (fix: {check.fix})" if check.fix else ""
        yield sanitized(f"{check.state.value:<8} {check.server} {check.name}: {check.seen}{fix}", _MAX_LINE)
    counts = Counter(check.state for check in found)
    yield ", ".join(f"{counts[state]} {state.value}" for state in CheckState)


class _Bearer(httpx.Auth):
    def __init__(self, token: Secret) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # a generator is one
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


def _read(access: ServerAccess) -> tuple[dict[str, httpx.URL], dict[str, httpx.Auth], ssl.SSLContext]:
    problems: list[ConfigProblem] = []
    if not access.addresses:
        problems.append(ConfigProblem("", "no server is named", f"give {', '.join(FLAGS.values())}"))
    password = _tried("--password-file", lambda: _secret(access.password_file), problems)
    token = _tried("--grafana-token-file", lambda: _secret(access.grafana_token_file), problems)
    ca_file = _tried("--ca-file", lambda: access.ca_file and CaFile(access.ca_file, certificates_in(access.ca_file)), problems)
    bases: dict[str, httpx.URL] = {}
    auths: dict[str, httpx.Auth] = {}
    for kind, address in access.addresses.items():
        secret = token if kind == "Grafana" else password
        base = _base(address)
        if base is None:
            problems.append(
                ConfigProblem(
                    FLAGS[kind], "is not the address of a server", "write https://HOST:PORT, without user, password and query"
                )
            )
        elif secret and not _may_have_secrets(base):
            problems.append(
                ConfigProblem(
                    FLAGS[kind],
                    "a credential is sent over https:// only, or within this machine or network of containers",
                    "write https://",
                )
            )
        else:
            bases[kind] = base
            if secret:
                auths[kind] = _Bearer(secret) if kind == "Grafana" else httpx.BasicAuth(access.user, secret.reveal())
    if problems:
        raise ConfigError(problems)
    return bases, auths, trust_with(ca_file) if ca_file else host_trust()


def _tried(flag: str, read: Callable[[], T], problems: list[ConfigProblem]) -> T | None:
    try:
        return read()
    except PydanticCustomError as error:
        context = error.context or {}
        problems.append(ConfigProblem(flag, str(context["message"]), str(context["fix"])))
        return None


def _secret(path: Path | None) -> Secret | None:
    if path is None:
        return None
    fixes = {"absent": "create it, or correct the path", "wanted": "name a regular file"}
    content = read_named_file(path, str(path), _SECRET_BYTES, **fixes, holds="a credential")
    return Secret(pasted(plain_ascii(content.decode("utf-8-sig", errors="replace").strip())))


def _base(address: str) -> httpx.URL | None:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return None
    usable = url.scheme in {"http", "https"} and url.host and not (url.userinfo or url.query or url.fragment)
    return url if usable else None


def _may_have_secrets(base: httpx.URL) -> bool:
    # A name without a dot is a container or a Service beside us, and the servers of the bundle send each other the same
    # password there; no name server of the world knows it.
    return is_confidential(base.scheme, base.host) or (base.scheme == "http" and "." not in base.host and ":" not in base.host)
