"""Read the arguments of a request from its path, query string, form or JSON body. Reject ambiguous arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

from pydantic import ConfigDict, TypeAdapter, ValidationError, validate_call
from pydantic_core import from_json
from starlette.requests import Request

from octave_mcp.errors import InputError, WrongType
from octave_mcp.tools.argument_errors import invalid_arguments
from octave_mcp.tools.registry import WITH_BODY, Call, Tool, is_absent, refuse_unstorable

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
# Maximum number of arguments in a query string or form, many more than any tool has. Without a limit, a hostile form
# could keep the server busy.
MAX_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a request by name.

    If `is_text` is true, the arguments come from a query string or a form. Each value is then a text, and the tool call
    converts it to the right type. If it is false, they come from JSON and must already have the right types.
    """

    values: dict[str, Any]
    is_text: bool

    def pop_flag(self, name: str) -> bool:
        """Remove a boolean argument from the values and return it. If the argument is absent, return False.

        Raises:
            InputError: If the argument is not a boolean.
        """
        value = self.values.pop(name, None)
        try:
            return not is_absent(value) and TypeAdapter(bool).validate_python(value, strict=not self.is_text)
        except ValidationError:
            raise InputError(f"{name}: must be true or false", name) from None


async def read_arguments(request: Request) -> Arguments:
    """Return the arguments of a request.

    Raises:
        InputError: If the arguments cannot be read, or an argument was sent twice.
        WrongType: If the body is neither JSON nor a form.
        TooLarge: If the body is larger than the limit.
    """
    arguments = await read_any_arguments(request)
    refuse_unstorable(arguments.values)
    return arguments


async def read_any_arguments(request: Request) -> Arguments:
    """Return the arguments of a request, also those in the body that a database cannot store. Tools refuse them.

    Raises:
        OctaveError: See `read_arguments`.
    """
    query = request.scope["query_string"].decode("latin-1")
    if request.method in WITH_BODY:
        # Do not ignore a query string silently: the caller would not notice that the arguments in it have no effect.
        if query:
            raise InputError("send the arguments in the body, not in the query string")
        values, is_text = await _body(request)
    else:
        values, is_text = _pairs(query), True
    path = request.path_params
    if twice := path.keys() & values.keys():
        raise InputError(f"{', '.join(sorted(twice))}: already in the path; do not send it a second time")
    refuse_unstorable(path)
    return Arguments(path | values, is_text)


async def _body(request: Request) -> tuple[dict[str, Any], bool]:
    body = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return {}, True
    if media_type == FORM:
        if body.lstrip().startswith((b"{", b"[")):
            raise InputError(
                f"the body is JSON, but its Content-Type is {FORM}; send the header 'Content-Type: {JSON}'"
            )
        # Decoding as Latin-1 never fails. If the body is not ASCII, _pairs raises an error that tells the caller why.
        return _pairs(body.decode("latin-1")), True
    if media_type == JSON:
        return _object(body), False
    raise WrongType(f"the Content-Type of the body must be {JSON} or {FORM}")


def _pairs(text: str) -> dict[str, Any]:
    try:
        text.encode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeError:
        raise InputError("the arguments are not valid; send them as UTF-8, percent-encoded") from None
    except ValueError:
        raise InputError(f"there are more than {MAX_FIELDS} arguments; send fewer") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise InputError("an argument was sent twice; send each argument once")
    return fields


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InputError(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError("the body must be a JSON object with the arguments by name")
    return cast("dict[str, Any]", value)


class ToolFunction:
    """Runs a tool after validating the arguments of a request.

    `also`: arguments of the request that the handler of the route has taken out. Errors list them, too.
    """

    def __init__(self, tool: Tool, make_call: Callable[[], Awaitable[Call]], also: Sequence[str] = ()) -> None:
        self.tool = tool
        self._also = also
        self.bound = tool.bind(make_call, lambda failed: failed)
        self._objects = tool.objects
        self._with_text = validate_call(self.bound)
        self._with_json = validate_call(config=ConfigDict(strict=True))(self.bound)

    async def __call__(self, arguments: Arguments) -> Any:  # noqa: ANN401 - the tool's own
        """Run the tool.

        Raises:
            InputError: If an argument is missing, unknown or invalid.
        """
        values = self._with_objects(arguments.values) if arguments.is_text else arguments.values
        # Over HTTP, a call returns at once by default, and the client polls the run. Over MCP, a call waits by default.
        if "wait_seconds" in self.tool.arguments and is_absent(values.get("wait_seconds")):
            values = values | {"wait_seconds": 0}
        try:
            return await (self._with_text if arguments.is_text else self._with_json)(**values)
        except ValidationError as error:
            # If the title of pydantic's error is the name of the tool, the caller's arguments are invalid. An error
            # with another title comes from the code of the tool, so it is a bug.
            if error.title != self.tool.name:
                raise
            raise invalid_arguments(error, self._names(is_text=arguments.is_text)) from None

    def _names(self, *, is_text: bool) -> list[str]:
        fields = {name: [f"{name}_{field}" for field in of] for name, of in self._objects.items()} if is_text else {}
        return [*(field for name in self.tool.arguments for field in fields.get(name, [name])), *self._also]

    def _with_objects(self, values: dict[str, Any]) -> dict[str, Any]:
        """Build objects from the separate fields of a form, such as `sender` from 'sender_name'."""
        collected = dict(values)
        for argument, fields in self._objects.items():
            parts = {name: collected.pop(f"{argument}_{name}") for name in fields if f"{argument}_{name}" in collected}
            if parts and argument in collected:
                raise InputError(f"{argument}: sent twice, as an object and field by field; send it once")
            collected |= {argument: parts} if parts else {}
        return collected
