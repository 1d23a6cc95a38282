"""What a request gives, read strictly: from the path, the address, a form or JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

from pydantic import ConfigDict, TypeAdapter, ValidationError, validate_call
from pydantic_core import from_json
from starlette.requests import Request

from octave_mcp.errors import InputError, WrongType
from octave_mcp.tools.registry import WITH_BODY, Call, Tool, arguments_complaint, is_absent, refuse_unstorable

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MAX_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Given:
    """Arguments by name. Addresses and forms have text for everything; JSON has types, and is held to them."""

    values: dict[str, Any]
    is_text: bool

    def take_flag(self, name: str) -> bool:
        """The flag of this name, which is then no longer among the values; false if it was not given.

        Raises:
            InputError: it is neither true nor false.
        """
        given = self.values.pop(name, None)
        try:
            return not is_absent(given) and TypeAdapter(bool).validate_python(given, strict=not self.is_text)
        except ValidationError:
            raise InputError(f"{name}: give true or false") from None


async def given(request: Request) -> Given:
    """The arguments of a request.

    Raises:
        InputError: they cannot be read, or one is given twice.
        WrongType: the body is neither JSON nor a form.
        TooLarge: the body is beyond the limit.
    """
    query = request.scope["query_string"].decode("latin-1")
    if request.method in WITH_BODY:
        if query:
            raise InputError("give arguments in the body, not in the address")
        found, is_text = await _body(request)
    else:
        found, is_text = _pairs(query), True
    path = request.path_params
    if twice := path.keys() & found.keys():
        raise InputError(f"{', '.join(sorted(twice))}: given in the path already; leave it out elsewhere")
    values = path | found
    refuse_unstorable(values)
    return Given(values, is_text)


async def _body(request: Request) -> tuple[dict[str, Any], bool]:
    body = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return {}, True
    if media_type == FORM:
        return _pairs(body.decode("latin-1")), True
    if media_type == JSON:
        return _object(body), False
    raise WrongType(f"the body is to be {JSON} or {FORM}, and its Content-Type is to say so")


def _pairs(text: str) -> dict[str, Any]:
    """The fields of a form or of an address."""
    try:
        text.encode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeError:
        raise InputError("the arguments are not UTF-8, percent-encoded as forms are") from None
    except ValueError:
        raise InputError(f"more than {MAX_FIELDS} arguments are given") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InputError("an argument is given twice; give each once")
    return found


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = from_json(body, allow_inf_nan=False)
    except ValueError as wrong:
        raise InputError(f"the body is not JSON: {wrong}") from None
    if not isinstance(found, dict):
        raise InputError("the body is to be a JSON object, the arguments by their names")
    return cast("dict[str, Any]", found)


class Function:
    """A tool as HTTP calls it: with arguments that are yet to be checked."""

    def __init__(self, tool: Tool, called: Callable[[], Awaitable[Call]]) -> None:
        self.tool = tool
        self.bound = tool.bind(called, lambda failed: failed)
        self._objects = tool.objects
        self._of_text = validate_call(self.bound)
        self._of_json = validate_call(config=ConfigDict(strict=True))(self.bound)

    async def __call__(self, given: Given) -> Any:  # noqa: ANN401 - the tool's own
        """What the tool returns.

        Raises:
            InputError: the arguments do not fit it.
        """
        values = self._with_objects(given.values) if given.is_text else given.values
        if "wait_seconds" in self.tool.arguments and is_absent(values.get("wait_seconds")):
            values = values | {"wait_seconds": 0}
        try:
            return await (self._of_text if given.is_text else self._of_json)(**values)
        except ValidationError as wrong:
            if wrong.title != self.tool.name:
                raise
            raise InputError(arguments_complaint(wrong, self.tool)) from None

    def _with_objects(self, values: dict[str, Any]) -> dict[str, Any]:
        """A form gives an object field by field: 'sender_name' is the name of the sender."""
        found = dict(values)
        for argument, fields in self._objects.items():
            parts = {name: found.pop(f"{argument}_{name}") for name in fields if f"{argument}_{name}" in found}
            if parts and argument in found:
                raise InputError(f"{argument}: given twice, as a whole and field by field; give it once")
            found |= {argument: parts} if parts else {}
        return found
