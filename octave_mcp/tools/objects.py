"""Accept arguments that are objects, even if clients send them as JSON text."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError, from_json

from octave_mcp.domain.value import Value


def object_of(form: type[Value]) -> BeforeValidator:
    """Return a validator that accepts an object, an object as JSON text, or null for an empty object.

    Errors repeat neither values nor the names of unknown fields, because both can contain secrets.
    """

    def to_object(value: object) -> object:
        parsed = _from_json(value) if isinstance(value, str) else value
        if value is None or isinstance(value, form):
            return value
        fields = ", ".join(form.model_fields)
        if not isinstance(parsed, dict):
            raise PydanticCustomError("no_object", "must be an object with any of {fields}", {"fields": fields})
        members = cast("dict[str, Any]", parsed)
        if members.keys() - form.model_fields.keys():
            raise PydanticCustomError("unknown_field", "unknown field; the fields are {fields}", {"fields": fields})
        return {name: member for name, member in members.items() if member is not None}

    return BeforeValidator(to_object)


def _from_json(text: str) -> object:
    try:
        return from_json(text)
    except ValueError:
        return text
