"""The served document as something that judges frames."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


@dataclass
class Spoken:
    """What a document says is spoken. Members that it does not name count as wrong: the server's own are all told."""

    document: Json

    def check_down(self, text: str, channel: str = "follow") -> str:
        """The type of a frame that comes down; raises ValidationError for one that is not promised."""
        frame = json.loads(text)
        name = next(name for name in self.messages("send", channel) if self._message(name)["name"] == frame["type"])
        self._judges(strict=True)[name].validate(frame)
        return str(frame["type"])

    def may_be_sent(self, text: str, channel: str = "follow") -> bool:
        """Whether a text frame is one that the document lets a client send."""
        try:
            frame = json.loads(text)
        except ValueError:
            return False
        names = [name for name in self.messages("receive", channel) if name != "audio"]
        return any(self._judges(strict=False)[name].is_valid(frame) for name in names)

    def messages(self, action: str, channel: str) -> list[str]:
        """Names of those that the server sends or receives on a channel."""
        operations = [one for one in self.document["operations"].values() if one["action"] == action]
        references = [one["$ref"] for operation in operations for one in operation["messages"]]
        return [ref.rpartition("/")[2] for ref in references if ref.startswith(f"#/channels/{channel}/")]

    def _message(self, name: str) -> Json:
        return dict(self.document["components"]["messages"][name])

    def _judges(self, *, strict: bool) -> dict[str, jsonschema_rs.Validator]:
        return self._strict if strict else self._lenient

    @cached_property
    def _strict(self) -> dict[str, jsonschema_rs.Validator]:
        return self._compiled(strict=True)

    @cached_property
    def _lenient(self) -> dict[str, jsonschema_rs.Validator]:
        return self._compiled(strict=False)

    def _compiled(self, *, strict: bool) -> dict[str, jsonschema_rs.Validator]:
        components = closed(self.document["components"]) if strict else self.document["components"]
        return {
            name: jsonschema_rs.validator_for(
                {**message["payload"], "$schema": DIALECT, "components": components}, validate_formats=True
            )
            for name, message in components["messages"].items()
        }


def closed(part: Any) -> Any:
    """A copy in which no object has members that are not named."""
    if isinstance(part, list):
        return [closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    copy = {key: closed(value) for key, value in part.items()}
    if part.get("type") == "object" and "properties" in part and "additionalProperties" not in part:
        copy["additionalProperties"] = False
    return copy
