"""Who is calling: API keys, apps and their tokens (wix.md 2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from exporter.simulator.platform import Call, Reply, json_reply
from exporter.simulator.wix.connections import guid
from exporter.simulator.wix.errors import application_error, body_object, empty_error, oauth_error
from exporter.simulator.wix.operations import ALL_PERMISSIONS
from exporter.simulator.wix.switches import Switches
from exporter.support.json_text import UNREADABLE

LEGACY_TOKEN_LIFETIME: Final = 300.0


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of one account. ``site_ids`` of ``None`` means every site of the account; ``user_id`` is its maker."""

    value: str
    account_id: str
    user_id: str
    site_ids: frozenset[str] | None = None
    permissions: frozenset[str] = ALL_PERMISSIONS


@dataclass(frozen=True, slots=True)
class Installation:
    """An app on a site: the instance that a token is minted for. ``site_id`` is not ``instance_id`` (wix.md trap 4)."""

    app_id: str
    app_secret: str
    instance_id: str
    site_id: str
    permissions: frozenset[str] = ALL_PERMISSIONS
    refresh_token: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; ``site_id`` is ``None`` when it was minted without a site."""

    installation: Installation
    site_id: str | None
    issued: float
    expires: float


@dataclass(frozen=True, slots=True)
class Caller:
    """An accepted credential, bound to one site."""

    site_id: str
    permissions: frozenset[str]
    user_id: str | None = None


class Credentials:
    """Every key, app and token of this Wix. ``mints`` counts tokens by instance id."""

    def __init__(self, random: Random, switches: Switches, now: Callable[[], float]) -> None:
        self._random = random
        self._switches = switches
        self._now = now
        self._keys: dict[str, ApiKey] = {}
        self._installations: dict[str, Installation] = {}
        self._tokens: dict[str, Token] = {}
        self.mints: Counter[str] = Counter()

    def add_key(
        self,
        account_id: str,
        *,
        value: str | None = None,
        site_ids: frozenset[str] | None = None,
        permissions: frozenset[str] = ALL_PERMISSIONS,
        user_id: str | None = None,
    ) -> ApiKey:
        """Make an API key; field keys start with ``IST.``."""
        value = value or f"IST.{self._random.randbytes(96).hex()}"
        self._keys[value] = ApiKey(value, account_id, user_id or guid(self._random), site_ids, permissions)
        return self._keys[value]

    def revoke_key(self, value: str) -> None:
        """Kill the key."""
        del self._keys[value]

    def install(
        self,
        site_id: str,
        *,
        app_id: str | None = None,
        app_secret: str | None = None,
        instance_id: str | None = None,
        permissions: frozenset[str] = ALL_PERMISSIONS,
    ) -> Installation:
        """Install an app on a site."""
        made = Installation(
            app_id=app_id or guid(self._random),
            app_secret=app_secret or guid(self._random),
            instance_id=instance_id or guid(self._random),
            site_id=site_id,
            permissions=permissions,
            refresh_token=f"OAUTH2.refresh-{self._random.randbytes(24).hex()}",
        )
        self._installations[made.instance_id] = made
        return made

    def uninstall(self, instance_id: str) -> None:
        """Take the app off the site; its tokens die."""
        del self._installations[instance_id]
        self._tokens = {text: token for text, token in self._tokens.items() if token.installation.instance_id != instance_id}

    def expire_tokens(self) -> None:
        """Kill every access token before its time."""
        self._tokens.clear()

    def authorize_account(self, call: Call) -> tuple[str, ApiKey]:
        """Return the account that a call of account level is for, with the key that it came with, or raise the 401 or 403."""
        key = self._key_of(call.headers.get("authorization", "").strip())
        account_id = call.headers.get("wix-account-id", "").strip()
        if account_id and call.headers.get("wix-site-id") and self._switches.reject_both_ids:
            raise application_error(400, "INVALID_ARGUMENT", "Send wix-site-id or wix-account-id, not both")
        if account_id != key.account_id:
            raise empty_error(403)
        return account_id, key

    def authorize(self, call: Call, accounts: Mapping[str, str]) -> Caller:
        """Return who calls, or raise the 401 or 403. ``accounts`` maps site ids to account ids."""
        given = call.headers.get("authorization", "").strip()
        if not given:
            raise empty_error(self._switches.missing_key_status)
        bare = given.removeprefix("Bearer ").strip()
        if bare in self._tokens or bare.startswith("OAUTH2."):
            # Public clients send app tokens with and without the scheme, and both are served (wix.md 2.3).
            return self._authorize_token(call, bare)
        return self._authorize_key(call, given, accounts)

    def _authorize_token(self, call: Call, text: str) -> Caller:
        token = self._tokens.get(text)
        if token is None or token.expires <= self._now():
            raise application_error(401, "UNAUTHENTICATED", "Token is expired or invalid")
        asked = call.headers.get("wix-site-id")
        if token.site_id is None or (asked is not None and asked != token.site_id):
            # The token holds its site; a header that names another one, say the instance id, breaks it (trap 4).
            raise application_error(401, "UNAUTHORIZED", "No Metasite Context in identity")
        return Caller(token.site_id, token.installation.permissions)

    def _key_of(self, value: str) -> ApiKey:
        if not value:
            raise empty_error(self._switches.missing_key_status)
        key = self._keys.get(value)
        if key is None:
            if self._switches.wrong_key_status == 401:  # noqa: PLR2004  HTTP Unauthorized
                raise application_error(401, "UNAUTHENTICATED", "Invalid credentials")
            raise empty_error(403)
        return key

    def _authorize_key(self, call: Call, value: str, accounts: Mapping[str, str]) -> Caller:
        key = self._key_of(value)
        site_id = call.headers.get("wix-site-id", "").strip()
        if site_id and call.headers.get("wix-account-id") and self._switches.reject_both_ids:
            raise application_error(400, "INVALID_ARGUMENT", "Send wix-site-id or wix-account-id, not both")
        reachable = key.site_ids is None or site_id in key.site_ids
        if accounts.get(site_id) != key.account_id or not reachable:
            raise empty_error(403)
        return Caller(site_id, key.permissions, key.user_id)

    def create_access_token(self, call: Call) -> Reply:
        """``POST /oauth2/token``: client credentials only, JSON only, no refresh token (wix.md 2.3)."""
        asked = _fields(call)
        if asked.get("grant_type") != "client_credentials":
            raise oauth_error(400, "unsupported_grant_type", "The grant type is not supported")
        known = [item for item in self._installations.values() if item.app_id == asked.get("client_id")]
        if not any(item.app_secret == asked.get("client_secret") for item in known):
            raise oauth_error(401, "invalid_client", "The client id or the client secret is wrong")
        installation = next((item for item in known if item.instance_id == asked.get("instance_id")), None)
        if installation is None:
            raise oauth_error(400, "invalid_request", "The app is not installed as this instance")
        lifetime = self._switches.token_lifetime
        text = self._mint(installation, lifetime)
        return json_reply({"access_token": text, "token_type": "Bearer", "expires_in": int(lifetime)})

    def refresh_access_token(self, call: Call) -> Reply:
        """``POST /oauth/access``: the legacy flow with tokens of five minutes (wix.md 2.4)."""
        asked = _fields(call)
        if asked.get("grant_type") != "refresh_token":
            raise oauth_error(400, "unsupported_grant_type", "The grant type is not supported")
        for item in self._installations.values():
            if (item.app_id, item.app_secret) == (asked.get("client_id"), asked.get("client_secret")) and (
                item.refresh_token == asked.get("refresh_token")
            ):
                text = self._mint(item, LEGACY_TOKEN_LIFETIME)
                return json_reply({"access_token": text, "refresh_token": item.refresh_token})
        raise oauth_error(401, "invalid_client", "The client or its refresh token is wrong")

    def token_info(self, call: Call) -> Reply:
        """``POST /oauth2/token-info``."""
        token = self._tokens.get(str(_fields(call).get("token", "")))
        if token is None or token.expires <= self._now():
            return json_reply({"active": False})
        installation = token.installation
        return json_reply(
            {
                "active": True,
                "subjectType": "APP",
                "subjectId": installation.app_id,
                "exp": str(int(token.expires)),
                "iat": str(int(token.issued)),
                "clientId": installation.app_id,
                "siteId": token.site_id or "",
                "instanceId": installation.instance_id,
            }
        )

    def _mint(self, installation: Installation, lifetime: float) -> str:
        now = self._now()
        text = f"OAUTH2.{self._random.randbytes(48).hex()}"
        site_id = None if self._switches.tokens_without_site else installation.site_id
        self._tokens[text] = Token(installation, site_id, now, now + lifetime)
        self.mints[installation.instance_id] += 1
        return text


def _fields(call: Call) -> Mapping[str, object]:
    try:
        return body_object(msgspec.json.decode(call.body))
    except UNREADABLE as error:
        raise oauth_error(400, "invalid_request", "The body is not JSON") from error
