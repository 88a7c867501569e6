"""The reference as one page of plain HTML: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, Final

from wire.errors import FACES, PROBLEM_TYPE_BASE

STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8888; padding: .5rem 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
th { min-width: 11rem; max-width: 20rem; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; }
"""
Json = dict[str, Any]


def reference_page(document: Json, sockets: Json) -> str:
    """Both documents for people: what REST offers, and what goes over the WebSockets."""
    return "".join(_page(document, sockets))


def _page(document: Json, sockets: Json) -> Iterator[str]:
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}: reference")
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs/style.css">'
    yield f"<h1>{title}</h1><p>{escape(info['description'])}</p>"
    yield '<p><a href="/openapi.json">/openapi.json</a> · <a href="/asyncapi.json">/asyncapi.json</a></p><nav><ul>'
    operations = [
        (path, method, told) for path, methods in document["paths"].items() for method, told in methods.items()
    ]
    for path, method, told in operations:
        yield f'<li><a href="#{escape(told["operationId"])}">{method.upper()} {escape(path)}</a></li>'
    for name, channel in sockets["channels"].items():
        yield f'<li><a href="#socket-{escape(name)}">WebSocket {escape(channel["address"])}</a></li>'
    yield '<li><a href="#problems">Problems</a></li><li><a href="#shapes">Shapes</a></li></ul></nav>'
    for path, method, told in operations:
        yield from _operation(path, method, told)
    for name in sockets["channels"]:
        yield from _socket(name, sockets)
    yield from _schemes(document)
    yield from _problems()
    yield '<h2 id="shapes">Shapes</h2>'
    schemas = {**document["components"]["schemas"], **sockets["components"]["schemas"]}
    for name, schema in schemas.items():
        yield f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>'
        yield f"<p>{escape(schema.get('description', ''))}</p>"
        yield from _table(
            [(key, _kind(value), value.get("description", "")) for key, value in schema.get("properties", {}).items()]
        )
        yield "</section>"
    yield "</html>"


def _operation(path: str, method: str, told: Json) -> Iterator[str]:
    yield f'<section id="{escape(told["operationId"])}">'
    yield f'<h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>'
    yield f"<p>{escape(told['summary'])}</p><p>{escape(told.get('description', ''))}</p>"
    if told.get("security"):
        yield f"<p>Show: {escape(' or '.join(map(_shown, told['security'])))}.</p>"
    if told.get("deprecated"):
        yield f"<p>Deprecated: {escape(told['externalDocs']['url'])} says what to use instead.</p>"
    yield from _table(
        [
            (f"{one['name']} ({one['in']})", _kind(one["schema"]), one.get("description", ""))
            for one in told["parameters"]
        ]
    )
    for media_type, content in told.get("requestBody", {}).get("content", {}).items():
        members = content["schema"].get("properties", {})
        yield f"<h3>Body: {escape(media_type)}</h3>"
        yield from _table([(name, _kind(schema), schema.get("description", "")) for name, schema in members.items()])
    yield "<h3>Answers</h3>"
    yield from _table(
        [
            (
                status,
                ", ".join(f"{kind} {_kind(body['schema'])}" for kind, body in answer.get("content", {}).items()),
                answer["description"] + _reasons(answer),
            )
            for status, answer in told["responses"].items()
        ]
    )
    yield "</section>"


def _socket(name: str, sockets: Json) -> Iterator[str]:
    channel = sockets["channels"][name]
    yield f'<section id="socket-{escape(name)}">'
    yield f'<h2><span class="method">WebSocket</span> <code>{escape(channel["address"])}</code></h2>'
    yield f"<p>{escape(channel['title'])}</p><p>{escape(channel['description'])}</p>"
    for action, heading in (("receive", "Send"), ("send", "Receive")):
        yield f"<h3>{heading}</h3>"
        told = [one for one in sockets["operations"].values() if one["action"] == action]
        spoken = [
            one["$ref"].rpartition("/")[2] for own in told for one in own["messages"] if f"/{name}/" in one["$ref"]
        ]
        messages = [sockets["components"]["messages"][one] for one in spoken]
        yield from _table([(one["name"], _members(one["payload"]), _said(one)) for one in messages])
    yield "</section>"


def _said(message: Json) -> str:
    return f"{message['title']}. {message['summary']}" if "summary" in message else str(message["title"])


def _members(payload: Json) -> str:
    required = payload.get("required", ())
    return ", ".join(name if name in required else f"{name}?" for name in payload.get("properties", ()))


def _shown(requirement: Json) -> str:
    """One way to say who calls, with the role or scope that it needs."""
    named = (f"{name} ({', '.join(rights)})" if rights else name for name, rights in requirement.items())
    return " with ".join(named) or "nothing but what is in the body"


def _reasons(answer: Json) -> str:
    """Those that a refusal may have."""
    named = [name for body in answer.get("content", {}).values() for name in body.get("examples", {})]
    return f": {', '.join(named)}" if named else ""


def _schemes(document: Json) -> Iterator[str]:
    schemes = document["components"].get("securitySchemes", {})
    if schemes:
        yield '<h2 id="shown">What to show</h2>'
    yield from _table([(name, told["type"], told["description"]) for name, told in schemes.items()])


def _problems() -> Iterator[str]:
    yield f'<h2 id="problems">Problems</h2><p>A problem\'s type is <code>{PROBLEM_TYPE_BASE}</code> and its reason.</p>'
    yield from _table([(reason.value, str(face.http), face.title) for reason, face in FACES.items()])


def _table(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    if rows:
        yield "<table>"
        for name, kind, text in rows:
            yield f"<tr><th><code>{escape(name)}</code></th><td>{escape(kind)}</td><td>{escape(text)}</td></tr>"
        yield "</table>"


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(map(_kind, schema[several]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    kind = schema.get("type", "")
    return " | ".join(kind) if isinstance(kind, list) else str(kind)
