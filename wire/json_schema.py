"""The contract as JSON schemas: what proto3 JSON of a message looks like, with the comments of `proto/`.

Names are lowerCamelCase, 64-bit numbers are strings, and a member at its default (0, "", false, an empty list) is left
out, so that none is required.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

Json = dict[str, Any]
_COMMENTS: Final = Path(__file__).parent / "gen" / "comments.json"
_REFERENCE: Final = "#/components/schemas/{name}"
_TIMESTAMP: Final = "google.protobuf.Timestamp"

_SIGNED_32: Final[Json] = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
_UNSIGNED_32: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_SCALARS: Final[dict[int, Json]] = {
    FieldDescriptor.TYPE_DOUBLE: {"type": "number"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_INT32: _SIGNED_32,
    FieldDescriptor.TYPE_UINT32: _UNSIGNED_32,
    FieldDescriptor.TYPE_INT64: {"type": "string", "pattern": "^-?[0-9]+$"},
    FieldDescriptor.TYPE_UINT64: {"type": "string", "pattern": "^[0-9]+$"},
}


def message_schemas(root: Descriptor) -> dict[str, Json]:
    """Schemas of a message and of all that it holds, by name; they refer to each other as an API document's do."""
    found: dict[str, Json] = {}
    waiting: list[Descriptor | EnumDescriptor] = [root]
    while waiting:
        kind = waiting.pop()
        if kind.name in found:
            continue
        if isinstance(kind, EnumDescriptor):
            found[kind.name] = _enum(kind)
            continue
        found[kind.name] = _message(kind)
        waiting += [named for field in kind.fields if (named := _named(field)) is not None]
    return dict(sorted(found.items()))


def reference_to(name: str) -> Json:
    return {"$ref": _REFERENCE.format(name=name)}


def comment_on(full_name: str) -> str:
    """What `proto/` says of a message, a field, an enum or one of its values; empty for nothing."""
    return _comments().get(full_name, "")


def _message(message: Descriptor) -> Json:
    told: Json = {"type": "object", "properties": {field.json_name: _field(field) for field in message.fields}}
    return _with_comment(told, message.full_name)


def _field(field: FieldDescriptor) -> Json:
    named = _named(field)
    one = _scalar(field) if named is None else reference_to(named.name)
    told = {"type": "array", "items": one} if field.is_repeated else dict(one)
    return _with_comment(told, field.full_name)


def _scalar(field: FieldDescriptor) -> Json:
    if field.message_type is not None and field.message_type.full_name == _TIMESTAMP:
        return {"type": "string", "format": "date-time"}
    return _SCALARS[field.type]


def _enum(enum: EnumDescriptor) -> Json:
    values = [value.name for value in enum.values]
    said = {value.name: comment_on(f"{enum.full_name}.{value.name}") for value in enum.values}
    lines = [comment_on(enum.full_name), *(f"{name}: {text}" for name, text in said.items() if text)]
    told: Json = {"type": "string", "enum": values}
    text = "\n".join(line for line in lines if line)
    return {**told, "description": text} if text else told


def _named(field: FieldDescriptor) -> Descriptor | EnumDescriptor | None:
    """What has a schema of its own."""
    if field.enum_type is not None:
        return field.enum_type
    message = field.message_type
    return None if message is None or message.full_name == _TIMESTAMP else message


def _with_comment(told: Json, full_name: str) -> Json:
    text = comment_on(full_name)
    return {**told, "description": text} if text else told


@cache
def _comments() -> dict[str, str]:
    return dict(json.loads(_COMMENTS.read_text(encoding="utf-8")))
