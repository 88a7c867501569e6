"""The routes as an OpenAPI 3.1 document."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute, Route

from exports.formats import FORMATS
from web_edge.openapi import shapes
from web_edge.openapi.operations import OPERATIONS, Operation
from web_edge.problems import MEDIA_TYPE

API_VERSION: Final = "1"
_EVERYWHERE: Final = (401, 403, 429, 503)
_TITLES: Final = {
    200: "Here it is",
    201: "Made",
    202: "Accepted; it is worked on",
    204: "Done",
    206: "A part of it",
    304: "You have it already",
}
_REFERENCE = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_RAISES = re.compile(r"\n\s*(Raises|Args|Attributes)\b.*", re.DOTALL)
Json = dict[str, Any]


def document_of(routes: Iterable[BaseRoute]) -> Json:
    """What the routes offer; sockets are no part of it. Each summary is the first line of a handler's docstring."""
    paths: dict[str, Json] = {}
    for route in routes:
        if isinstance(route, Route):
            path = _PARAMETER.sub(r"{\1}", route.path)
            for method in sorted((route.methods or set()) - {"HEAD"}):
                paths.setdefault(path, {})[method.lower()] = _operation(route, method)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Genesis Music",
            "version": version("genesis-music"),
            "description": "A guitar in, a tab out. Every error is a problem of RFC 9457 with a stable `type`. "
            "New members and operations may come at any time: pass over what you do not know.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": _schemas()},
    }


def _schemas() -> Json:
    kinds = [kind for kind in vars(shapes).values() if isinstance(kind, type) and issubclass(kind, shapes.Shape)]
    models = [(kind, "serialization") for kind in kinds if kind is not shapes.Shape]
    _, told = models_json_schema(models, by_alias=True, ref_template=_REFERENCE)  # type: ignore[arg-type]
    schemas: Json = told["$defs"]
    # What has a default is left out where there is nothing to say.
    required = schemas["Problem"]["required"]
    schemas["Problem"]["required"] = [name for name in required if name != "about"]
    return schemas


def _operation(route: Route, method: str) -> Json:
    known = OPERATIONS.get((method, route.path))
    said = _RAISES.sub("", "\n" + (inspect.getdoc(route.endpoint) or route.name)).strip()
    summary, _, description = said.partition("\n\n")
    told: Json = {"summary": " ".join(summary.split()), "operationId": known.name if known else route.name}
    if description:
        told["description"] = description
    parameters = [_path_parameter(name) for name in _PARAMETER.findall(route.path)]
    if known is None:
        return {**told, "parameters": parameters, "responses": {"default": _problem("Any other answer")}}
    told["parameters"] = [*parameters, *known.parameters]
    if known.body is not None:
        told["requestBody"] = known.body
    told["responses"] = _answers(known) | {
        str(status): _problem("Refused" if status < 500 else "A part of the server is away; try again")
        for status in sorted({*known.problems, *_EVERYWHERE})
    }
    return told


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


def _problem(description: str) -> Json:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": _reference(shapes.Problem)}}}


def _reference(shape: type[BaseModel]) -> Json:
    return {"$ref": _REFERENCE.format(model=shape.__name__)}
