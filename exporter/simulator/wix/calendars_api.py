"""The external calendar service: connections, providers, imported events, calendars, and its writes (wix.md 3, 4, 5, 9.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from exporter.simulator import canary
from exporter.simulator.platform import JSON, Reply, json_reply
from exporter.simulator.wix.connections import Connection, sync_config
from exporter.simulator.wix.context import CallContext
from exporter.simulator.wix.errors import application_error, body_object, empty_error
from exporter.simulator.wix.operations import READ_ALL_CONNECTIONS
from exporter.simulator.wix.parameters import body, flag, guids


def list_connections(context: CallContext) -> Reply:
    """``GET .../connections``: everything in one answer, no paging (wix.md 3.1, 3.6)."""
    switches = context.switches
    wanted = guids(context.call, "scheduleIds")
    partial = flag(context.call, "partialFailure") is True
    rows = [connection for connection in readable(context) if not wanted or connection.schedule_id in wanted]
    failed = failed_providers(context, rows, partial=partial)
    reachable = [connection for connection in rows if connection.provider_id not in failed]
    encoded = b'{"connections":[' + b",".join(connection.encoded for connection in reachable) + b"]"
    reported = [*failed, *switches.extra_failed_ids] if partial else []
    if reported or switches.failed_ids == "list":
        encoded += b',"failedProviderIds":' + msgspec.json.encode(reported)
    return Reply(200, encoded + b"}", JSON)


def get_connection(context: CallContext) -> Reply:
    """``GET .../connections/{id}``."""
    connection = _connection(context)
    return Reply(200, b'{"connection":' + connection.encoded + b"}", JSON)


def list_providers(context: CallContext) -> Reply:
    """``GET .../providers``."""
    if context.switches.providers_fail:
        raise empty_error(500)
    return json_reply({"providers": [provider.row() for provider in context.site.providers.values()]})


def list_calendars(context: CallContext) -> Reply:
    """``GET .../connections/{id}/calendars``: those of the account, so its token has to work (wix.md 4.1).

    Names and ids of calendars can be e-mail addresses (wix.md 11).
    """
    connection = _connection(context)
    if context.switches.foreign_calendars == "refused" and connection.row.get("userId") != context.caller.user_id:
        raise empty_error(403)
    provider = context.site.providers.get(connection.provider_id)
    if provider is None or provider.imports != "SPECIFIC_CALENDARS":
        raise application_error(428, "NOT_SUPPORTED_BY_PROVIDER", "The provider has one calendar only")
    connections = context.site.connections
    revoked = connection.status == "ERROR" and connection.row.get("errorReason") == "TOKEN_REVOKED"
    if revoked or connection.status == "DISCONNECTED" or connections.is_dead(connection.id):
        raise application_error(428, "CONNECTION_NOT_CONNECTED", "The connection is not connected")
    if connection.provider_id in context.site.down:
        raise empty_error(500)
    rows = [{"id": calendar_id, "name": canary.TITLE} for calendar_id in connections.calendars(connection.id)]
    for row in rows[1:]:  # optional (wix.md 4.1)
        del row["name"]
    return json_reply({"calendars": rows})


def connect_by_oauth(context: CallContext) -> Reply:
    """``POST .../connections:connectByOAuth``: a link for a person, no connection yet."""
    asked = body(context.call)
    provider = context.site.providers.get(str(asked.get("providerId")))
    if provider is None or provider.connect_method != "OAUTH":
        raise application_error(428, "NOT_SUPPORTED_BY_PROVIDER", "The provider does not connect by OAuth")
    return json_reply({"oauthUrl": f"https://calendar-provider.example/consent?provider={provider.id}"})


def connect_by_credentials(context: CallContext) -> Reply:
    """``POST .../connections:connectByCredentials``."""
    asked = body(context.call)
    provider = context.site.providers.get(str(asked.get("providerId")))
    if provider is None or provider.connect_method != "CREDENTIALS":
        raise application_error(428, "NOT_SUPPORTED_BY_PROVIDER", "The provider does not connect by credentials")
    if not asked.get("email") or not asked.get("password"):
        raise application_error(401, "BAD_CREDENTIALS", "The calendar account does not accept these credentials")
    connections = context.site.connections
    return json_reply({"connection": dict(connections[connections.connect(provider, str(asked.get("scheduleId")))].row)})


def update_sync_config(context: CallContext) -> Reply:
    """``PATCH .../sync-config``."""
    connection = _connection(context)
    provider = context.site.providers.get(connection.provider_id)
    if provider is None or not provider.update_sync_config:
        raise application_error(428, "NOT_SUPPORTED_BY_PROVIDER", "The provider's sync configuration is fixed")
    config = body_object(body(context.call).get("syncConfig", sync_config()))
    context.site.connections.amend(connection.id, syncConfig=dict(config))
    return json_reply({"connection": dict(context.site.connections[connection.id].row)})


def disconnect(context: CallContext) -> Reply:
    """``POST .../disconnect``: answers DISCONNECTED with ``enabled`` still true (wix.md trap 11)."""
    connection = _connection(context)
    if connection.status == "DISCONNECTED":
        raise application_error(428, "CONNECTION_ALREADY_DISCONNECTED", "The connection is disconnected already")
    context.site.connections.disconnect(connection.id)
    return json_reply({"connection": {**connection.row, "status": "DISCONNECTED"}})


def readable(context: CallContext) -> Iterator[Connection]:
    """Give what the caller may see: without READ_ALL silently the connections of its own user only (wix.md 2.5)."""
    caller = context.caller
    everything = READ_ALL_CONNECTIONS in caller.permissions
    return (
        connection for connection in context.site.connections if everything or connection.row.get("userId") == caller.user_id
    )


def failed_providers(context: CallContext, rows: Iterable[Connection], *, partial: bool) -> dict[str, None]:
    """Return the providers behind ``rows`` that do not answer, or raise what their failure does to the call."""
    behind = dict.fromkeys(connection.provider_id for connection in rows)
    failed = {provider_id: None for provider_id in behind if provider_id in context.site.down}
    everything = len(failed) == len(behind)
    if failed and (not partial or (everything and context.switches.all_down == "error")):
        raise empty_error(context.switches.strict_failure_status)
    return failed


def _connection(context: CallContext) -> Connection:
    found = context.site.connections.get(context.connection_id)
    if found is None or found not in readable(context):
        raise application_error(404, "CONNECTION_NOT_FOUND", "There is no such connection")
    return found
