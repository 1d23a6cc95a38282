"""Arguments that are objects, as clients send them."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError, from_json

from octave_mcp.domain.value import Value


def object_of(form: type[Value]) -> BeforeValidator:
    """Read an argument of this form. Some clients send an object as JSON text, and null for an empty field.

    Errors repeat neither the value nor the names of unknown fields: either may be a secret.
    """

    def given(value: object) -> object:
        read = _from_text(value) if isinstance(value, str) else value
        if value is None or isinstance(value, form):
            return value
        fields = ", ".join(form.model_fields)
        if not isinstance(read, dict):
            raise PydanticCustomError("no_object", "give an object with any of {fields}", {"fields": fields})
        found = cast("dict[str, Any]", read)
        if found.keys() - form.model_fields.keys():
            raise PydanticCustomError("unknown_field", "unknown field; there are {fields}", {"fields": fields})
        return {name: part for name, part in found.items() if part is not None}

    return BeforeValidator(given)


def _from_text(text: str) -> object:
    try:
        return from_json(text)
    except ValueError:
        return text
