"""One operation, as the tables of this room tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import BaseModel

from web_edge.openapi.refusals import Refusal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deprecation:
    """An operation that will go (RFC 9745, RFC 8594).

    Attributes:
        since: from this day on nobody should begin to use it.
        sunset: from this day on it may be gone; None while that is open.
        link: where it is said what to use instead.

    Raises ValueError: it would go before it is deprecated.
    """

    since: date
    sunset: date | None
    link: str

    def __post_init__(self) -> None:
        if self.sunset is not None and self.sunset < self.since:
            raise ValueError(f"sunset {self.sunset} lies before {self.since}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        name: its operationId.
        answers: by status: the shape of a JSON answer, or the media types of another, or None for an empty one.
        problems: reasons of the problems it may answer with, besides those of every operation.
        parameters: OpenAPI parameter objects, besides those in the path.
        body: an OpenAPI request body, if it takes one.
        headers: by status: names of headers that the answer has, with what they say.
        makes: whether an answer of 202 names a transcription that other operations take.
        security: what it takes instead of what the gate asks for.
        deprecated: since when one should no longer use it.
    """

    name: str
    answers: dict[int, type[BaseModel] | tuple[str, ...] | None]
    problems: tuple[Refusal, ...] = ()
    parameters: tuple[Json, ...] = ()
    body: Json | None = None
    headers: dict[int, dict[str, str]] | None = None
    makes: bool = False
    security: tuple[Json, ...] | None = None
    deprecated: Deprecation | None = None


def query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def header(name: str, description: str, schema: Json | None = None) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": schema or {"type": "string"},
        "description": description,
    }


def json_body(properties: Json, required: tuple[str, ...], *examples: Json) -> Json:
    """A request body: one JSON object of these members and no others; it may be left out where none is required."""
    schema: Json = {"type": "object", "additionalProperties": False, "properties": properties, "examples": [*examples]}
    if required:
        schema["required"] = list(required)
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


LOCATION: Final[dict[str, str]] = {"Location": "where what was made can be had"}
