"""The routes as an OpenAPI 3.1 document."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute, Route

from exports.formats import FORMATS
from music.errors import Reason
from web_edge.openapi import account_shapes, notation_shapes, shapes
from web_edge.openapi.operation import Operation
from web_edge.openapi.operations import OPERATIONS
from web_edge.openapi.refusals import problem_examples, refusals_of
from web_edge.openapi.security import SCHEMES, security_of
from web_edge.problems import MEDIA_TYPE
from web_edge.versions import DEPRECATION_HEADER, SUNSET_HEADER, VERSION, VERSION_HEADER

_SERVER: Final = 500
_TITLES: Final = {
    200: "Here it is",
    201: "Made",
    202: "Accepted; it is worked on",
    204: "Done",
    206: "A part of it",
    304: "You have it already",
}
_AWAY: Final = "A part of the server is away; try again"
_REFUSALS: Final = {
    401: "Nobody we know: no token, or one that does not count",
    403: "Not allowed to this caller, or to pages of this origin",
    404: "There is nothing here, or nothing that is yours",
    409: "What it is about is in another state",
    422: "What was sent does not make sense; the problem's reason says what of it",
    500: "What it failed with was a fault of ours",
    429: "Too often or too much; Retry-After says when to come again",
}
_TEXT: Final = {"type": "string"}
_HEADERS: Final[Json] = {
    VERSION_HEADER: {
        "required": True,
        "schema": _TEXT,
        "description": "version of the interface, as in `info`; semantic versioning",
    },
    DEPRECATION_HEADER: {
        "schema": {"type": "string", "pattern": "^@[0-9]+$"},
        "description": "RFC 9745: since when (Unix time) nobody should begin to use the operation; `Link` says more",
    },
    SUNSET_HEADER: {"schema": _TEXT, "description": "RFC 8594: from when on the operation may be gone"},
    "Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}, "description": "seconds"},
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}, "description": "always so"},
}
_REFERENCE = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_RAISES = re.compile(r"\n\s*(Raises|Args|Attributes)\b.*", re.DOTALL)
Json = dict[str, Any]


def document_of(routes: Iterable[BaseRoute], *, accounts: bool) -> Json:
    """What the routes offer; sockets are no part of it. Each summary is the first line of a handler's docstring.

    Args:
        routes: all of them.
        accounts: whether the server has accounts, so that the gate asks who calls.
    """
    paths: dict[str, Json] = {}
    for route in routes:
        if isinstance(route, Route):
            path = _PARAMETER.sub(r"{\1}", route.path)
            for method in _methods(route):
                paths.setdefault(path, {})[method.lower()] = _operation(route, method, accounts=accounts)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Genesis Music",
            "version": VERSION,
            "description": "A guitar in, a tab out. Every error is a problem of RFC 9457 with a stable `type`. "
            "New members and operations may come at any time: pass over what you do not know. Operations that will go "
            f"say so for months before, with the headers `{DEPRECATION_HEADER}` and `{SUNSET_HEADER}`. What comes down "
            "the WebSockets is told at /asyncapi.json.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas_of(shapes, notation_shapes, account_shapes),
            "headers": _HEADERS,
            **({"securitySchemes": SCHEMES} if accounts else {}),
        },
    }


def _methods(route: Route) -> list[str]:
    """HEAD goes without saying where there is GET."""
    methods = route.methods or set()
    return sorted(methods - {"HEAD"} if "GET" in methods else methods)


def schemas_of(*rooms: ModuleType) -> Json:
    """The JSON schemas of all shapes in these modules, by name."""
    kinds = {kind for room in rooms for kind in vars(room).values() if isinstance(kind, type)}
    shaped = sorted((kind for kind in kinds if issubclass(kind, shapes.Shape)), key=lambda kind: kind.__name__)
    models = [(kind, "serialization") for kind in shaped if kind is not shapes.Shape]
    _, told = models_json_schema(models, by_alias=True, ref_template=_REFERENCE)  # type: ignore[arg-type]
    return dict(told["$defs"])


def _operation(route: Route, method: str, *, accounts: bool) -> Json:
    known = OPERATIONS.get((method, route.path))
    said = _RAISES.sub("", "\n" + (inspect.getdoc(route.endpoint) or route.name)).strip()
    summary, _, description = said.partition("\n\n")
    told: Json = {"summary": " ".join(summary.split()), "operationId": known.name if known else route.name}
    if description:
        told["description"] = description
    if accounts:
        told["security"] = _security(known, method, route.path)
    parameters = [_path_parameter(name) for name in _PARAMETER.findall(route.path)]
    if known is None:
        return {**told, "parameters": parameters, "responses": {"default": _problem("Any other answer")}}
    told["parameters"] = [*parameters, *known.parameters]
    if known.body is not None:
        told["requestBody"] = known.body
    if known.deprecated is not None:
        told["deprecated"] = True
        told["externalDocs"] = {"url": known.deprecated.link, "description": "what to use instead"}
    refusals = refusals_of(known.problems, method, route.path, accounts=accounts)
    told["responses"] = _answers(known) | {
        str(status): _problem_of(status, reasons) for status, reasons in refusals.items()
    }
    for answer in told["responses"].values():
        names = [VERSION_HEADER, *([DEPRECATION_HEADER, SUNSET_HEADER] if known.deprecated else [])]
        answer["headers"] = {**answer.get("headers", {}), **{name: _header_reference(name) for name in names}}
    return told


def _security(known: Operation | None, method: str, path: str) -> list[Json]:
    if known is not None and known.security is not None:
        return [*known.security]
    return security_of(method, path)


def _path_parameter(name: str) -> Json:
    schema: Json = {"type": "string", "minLength": 1}
    if name == "format":
        schema = {"type": "string", "enum": list(FORMATS)}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _answers(known: Operation) -> Json:
    answers: Json = {}
    for status, shape in known.answers.items():
        answer: Json = {"description": _TITLES[status]}
        if isinstance(shape, tuple):
            answer["content"] = {media_type: {"schema": {}} for media_type in dict.fromkeys(shape)}
        elif shape is not None:
            answer["content"] = {"application/json": {"schema": _reference(shape)}}
        headers = (known.headers or {}).get(status, {})
        if headers:
            answer["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
            }
        if status == 202 and known.makes:
            answer["links"] = {other.name: _link(other) for (_, path), other in OPERATIONS.items() if "{id}" in path}
        answers[str(status)] = answer
    return answers


def _link(other: Operation) -> Json:
    return {"operationId": other.name, "parameters": {"id": "$response.body#/id"}}


def _problem_of(status: int, reasons: list[Reason]) -> Json:
    answer = _problem(_REFUSALS.get(status, "Refused" if status < _SERVER else _AWAY))
    answer["content"][MEDIA_TYPE]["examples"] = problem_examples(status, reasons)
    told_by = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}.get(status)
    return {**answer, "headers": {told_by: _header_reference(told_by)}} if told_by else answer


def _header_reference(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _problem(description: str) -> Json:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": _reference(shapes.Problem)}}}


def _reference(shape: type[BaseModel]) -> Json:
    return {"$ref": _REFERENCE.format(model=shape.__name__)}
