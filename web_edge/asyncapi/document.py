"""The sockets as an AsyncAPI 3.0 document."""

from __future__ import annotations

from typing import Any, Final

from web_edge.accounts.identity import TICKET_PREFIX
from web_edge.asyncapi.messages import EVENT, frames, requests_to_follow, requests_to_play
from web_edge.conversation import NORMAL, POLICY_VIOLATION, SUBPROTOCOL, TRY_AGAIN_LATER
from web_edge.openapi import shapes
from web_edge.openapi.document import schemas_of
from web_edge.versions import VERSION
from wire.json_schema import message_schemas

Json = dict[str, Any]

CLOSE_CODES: Final[dict[int, str]] = {
    NORMAL: "of /ws/live: the session is over and everything was sent; /ws stays open",
    1001: "the client went away",
    1007: "a text frame was not UTF-8",
    1009: "a frame was too large",
    1012: "the server is stopping: connect again and resume",
    POLICY_VIOLATION: "refused; the close reason is a problem's reason: something must change before the next try",
    TRY_AGAIN_LATER: "full, too slow or a neighbour away; the close reason says which: resume in a moment",
}
_BEARER, _TICKET = "accessToken", "ticket"
_DESCRIPTION: Final = (
    "The events of sessions, as they happen. A session is a log with a strictly increasing `sequence`: fold its "
    "events, and after a cut send `resume` with the last sequence you have. Frames are JSON text; `event` in them is "
    "proto3 JSON of genesis.v1.SessionEvent: lowerCamelCase, 64-bit numbers as strings, members at their default left "
    "out. New members and new types of frames may come at any time: pass over what you do not know. What REST offers "
    "is told at /openapi.json."
)


def document_of(*, accounts: bool) -> Json:
    """What is spoken on `/ws` and `/ws/live`, without `servers`: where this one is only a request says."""
    follow, play, down = requests_to_follow(), requests_to_play(), frames()
    problem = {name: schema for name, schema in schemas_of(shapes).items() if name in ("Problem", "Reason")}
    document: Json = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Genesis Music",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "follow": _channel("/ws", "Follow and resume sessions", [*follow, *down]),
            "live": _channel("/ws/live", "A microphone up, its session's events down", [*play, *down]),
        },
        "operations": {
            "takeRequests": _operation("receive", "follow", "Take up and leave off sessions", follow),
            "tellEvents": _operation("send", "follow", "Tell the events of the sessions that are followed", down),
            "takeAudio": _operation("receive", "live", "Take a configuration, then audio, then stop", play),
            "tellLiveEvents": _operation("send", "live", "Tell the session's events", down),
        },
        "components": {
            "messages": {**follow, **play, **down},
            "schemas": {**problem, **message_schemas(EVENT)},
        },
    }
    if accounts:
        document["components"]["securitySchemes"] = _SCHEMES
    return document


def with_server(document: Json, host: str, *, is_tls: bool) -> Json:
    """The document of a server that is reached as `host`."""
    server: Json = {"host": host, "protocol": "wss" if is_tls else "ws", "description": "the one that says this"}
    schemes = document["components"].get("securitySchemes", {})
    if schemes:
        server["security"] = [{"$ref": f"#/components/securitySchemes/{name}"} for name in schemes]
    return {**document, "servers": {"edge": server}}


_SCHEMES: Final[Json] = {
    _TICKET: {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": f"For browsers: offer both subprotocols that POST /api/tickets answers, `{SUBPROTOCOL}` and "
        f"`{TICKET_PREFIX}…`. A ticket opens one socket, within seconds.",
    },
    _BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "For programs: Authorization: Bearer, with an access token or an API key.",
    },
}


def _channel(address: str, title: str, messages: list[str]) -> Json:
    codes = " ".join(f"{code}: {text}." for code, text in CLOSE_CODES.items())
    return {
        "address": address,
        "title": title,
        "description": f"The subprotocol {SUBPROTOCOL} may be offered. How it is closed: {codes}",
        "servers": [{"$ref": "#/servers/edge"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    }


def _operation(action: str, channel: str, summary: str, messages: Json) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }
