"""Parameters that models refuse.

This module learns from errors which parameters a model refuses. Later requests then change or leave out the parameter.

For example, a model can refuse an effort level that it does not have, a token limit with the wrong name, or a response
format that it cannot enforce. No list covers all servers, so each refusal is learned from the error that reports it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

from loguru import logger

from octave_mcp.errors import Transient
from octave_mcp.models.error_info import ErrorInfo

# The body of a request.
Request = dict[str, Any]
Change = Callable[[Request], Request]
Path = tuple[str, ...]

REFUSAL_STATUSES = {400, 415, 422}
NOT_FOUND = 404
# Some servers send these statuses if they pass on another server's refusal, or if they cannot build a grammar for a
# schema. Therefore only the error text shows whether a parameter was refused. The status 0 means that the error has no
# status: the connection failed, or the error came with HTTP status 200.
AMBIGUOUS_STATUSES = {0, NOT_FOUND, 500, 501}

# If a number in an error is smaller than this, it is not treated as a token limit, because it may be a position in the
# request.
MIN_TOKENS = 256
# Replacements for the effort "low", the best first. A replacement is used only if the error text contains it in
# quotation marks, as in a list of the allowed efforts.
EFFORTS = ("minimal", "medium", "high", "xhigh", "max", "none")

# Words that are typical of errors about a refused parameter. They only matter if the status is ambiguous.
_REFUSAL_TEXT = re.compile(
    r"support|permitted|unrecogni[sz]ed|unknown|implemented|must be|required for|grammar|schema", re.IGNORECASE
)
# Words of 404 errors about a refused parameter. Other 404 errors usually report that the model is unknown. The list is
# shorter than the list for other statuses, because the text of a 404 error often contains "unknown" or the model's
# name.
_REFUSAL_TEXT_OF_404 = re.compile(r"support|parameter", re.IGNORECASE)
_CONTEXT_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|window|size|limit)|context_length|prompt is too long", re.IGNORECASE
)
_INTEGER = re.compile(r"(?<![\w.-])\d[\d,_]*(?![\w-]|\.\d)")


class Refused(Transient):
    """Raised if a model refused a parameter. The request is retried at once without the parameter."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after_seconds=0)


class Remedy(NamedTuple):
    """A change to the request. `instead` names the replacement for the parameter, or is '' if there is none."""

    parameter: str
    instead: str
    change: Change

    @property
    def words(self) -> str:
        change = f"use {self.instead} instead of {self.parameter}" if self.instead else f"omit {self.parameter}"
        return f"this and all later requests {change}"


class Parameter(NamedTuple):
    """A parameter that a model may refuse.

    `names` are the parameter's names on various servers. `words` is a pattern for other ways in which errors mention
    the parameter. `remedy` returns the change to a request, or None if the request lacks the parameter or cannot do
    without it.
    """

    names: tuple[str, ...]
    words: str
    remedy: Callable[[Request, ErrorInfo], Remedy | None]

    def place_in(self, error: ErrorInfo) -> int | None:
        """Return the offset of the parameter's name in the error's text.

        Return -1 if a field of the error names the parameter, and None if the error does not mention it.
        """
        if any(_is_part(path, name) for path in error.parameters for name in self.names):
            return -1
        patterns = (*map(_name_pattern, self.names), *([self.words] if self.words else []))
        offsets = [match.start() for pattern in patterns if (match := re.search(pattern, error.words, re.IGNORECASE))]
        return min(offsets, default=None)


def _is_part(path: str, name: str) -> bool:
    """Whether the path leads to the parameter, and not to a field of the same name inside a message."""
    root, _, inside = path.partition(".")
    is_about_text = root in {"input", "messages"} and inside
    return path.startswith(name) if is_about_text and name != "cache_control" else f".{name}." in f".{path}."


def _name_pattern(name: str) -> str:
    """Return a pattern that matches the parameter's name, but not the same word in prose.

    For example, the word 'format' must be in quotes or before a colon.
    """
    exact = re.escape(name)
    if re.search(r"[._]|[a-z][A-Z]", name):
        return rf"(?<![\w-]){exact}(?!\w)"
    return (
        rf"['\"`\[(]{exact}['\"`\])]|(?:^|[\s.'\"`]){exact}:"
        rf"|\b(?:parameters?|arguments?|fields?|property|option)s?:? {exact}\b"
        rf"|\b{exact} (?:parameter|argument|field|option|(?:is|are) (?:not|n't|un))"
    )


class Refusals:
    """Parameters that the models at one address refuse, remembered for the lifetime of the process."""

    def __init__(self, address: str, parameters: tuple[Parameter, ...]) -> None:
        self._known = KNOWN.setdefault(address, {})
        self._parameters = parameters

    def adapted(self, model: str, request: Request) -> Request:
        """Return the request without the parameters that the model is known to refuse."""
        for remedy in self._known.get(model, ()):
            request = remedy.change(request)
        return request

    def learn(self, model: str, request: Request, error: ErrorInfo) -> Remedy | None:
        """Return and remember the remedy for the parameter that the error names.

        If the error names no parameter, return None.
        """
        remedy = self._remedy(request, error)
        known = self._known.setdefault(model, [])
        # Another call with the same refusal may already have added the remedy.
        if remedy and all(remedy[:2] != other[:2] for other in known):
            known.append(remedy)
            fields = {"model": model, "parameter": remedy.parameter, "instead": remedy.instead}
            logger.bind(**fields).warning("the model refuses a parameter: {}", remedy.words)
        return remedy

    def _remedy(self, request: Request, error: ErrorInfo) -> Remedy | None:
        refusal_text = _REFUSAL_TEXT_OF_404 if error.status == NOT_FOUND else _REFUSAL_TEXT
        is_refusal = error.status in REFUSAL_STATUSES or (
            error.status in AMBIGUOUS_STATUSES and refusal_text.search(error.words)
        )
        if not is_refusal:
            return None
        places = ((parameter.place_in(error), parameter) for parameter in self._parameters)
        mentioned = sorted(
            ((offset, parameter) for offset, parameter in places if offset is not None), key=lambda mention: mention[0]
        )
        return next((remedy for _, parameter in mentioned if (remedy := parameter.remedy(request, error))), None)


# Known remedies, by the server's address and the model's name.
KNOWN: dict[str, dict[str, list[Remedy]]] = {}


def dropping(*path: str) -> Callable[[Request, ErrorInfo], Remedy | None]:
    """Return a function whose remedy is to omit the parameter at this path from the request."""

    def remedy(request: Request, _: ErrorInfo) -> Remedy | None:
        if value_at(request, *path) is None:
            return None
        return Remedy(".".join(path), "", partial(without, path=path))

    return remedy


def effort(*path: str) -> Callable[[Request, ErrorInfo], Remedy | None]:
    """Return a remedy for a refused effort: use an effort that the error text allows, or omit the parameter."""

    def remedy(request: Request, error: ErrorInfo) -> Remedy | None:
        current = value_at(request, *path)
        if current is None:
            return None
        other = next((name for name in EFFORTS if re.search(rf"['\"`]{name}['\"`]", error.words)), None)
        if other and current not in EFFORTS:
            return Remedy(".".join(path), other, partial(with_value, path=path, value=other))
        return dropping(*(path if len(path) > 1 and len(value_at(request, path[0])) > 1 else path[:1]))(request, error)

    return remedy


def limit(*names: str, is_needed: bool = False) -> Callable[[Request, ErrorInfo], Remedy | None]:
    """Return a remedy for a refused token limit.

    If the error text contains a lower number, lower the limit to this number. If the text mentions a later name in
    `names`, use that name instead. Otherwise, omit the limit.
    """

    def remedy(request: Request, error: ErrorInfo) -> Remedy | None:
        name = next((name for name in names if name in request), None)
        if name is None:
            return None
        highest = None if _CONTEXT_TOO_LONG.search(error.words) else _highest_below(request[name], error.words)
        if highest:
            return Remedy(name, f"at most {highest}", partial(_lowered, name=name, highest=highest))
        other = next(
            (other for other in names[names.index(name) + 1 :] if re.search(rf"\b{other}\b", error.words)), None
        )
        if other and not _CONTEXT_TOO_LONG.search(error.words):
            return Remedy(name, other, partial(_renamed, name=name, other=other))
        return None if is_needed else dropping(name)(request, error)

    return remedy


def _highest_below(asked: int, words: str) -> int | None:
    numbers = [int(re.sub(r"\D", "", found)) for found in _INTEGER.findall(words)]
    return max((number for number in numbers if MIN_TOKENS <= number < asked), default=None)


def _lowered(request: Request, name: str, highest: int) -> Request:
    return {**request, name: min(request[name], highest)} if name in request else request


def _renamed(request: Request, name: str, other: str) -> Request:
    return {(other if key == name else key): value for key, value in request.items()}


def keyword(name: str, *path: str) -> Callable[[Request, ErrorInfo], Remedy | None]:
    """Return a remedy that removes a keyword from the schema at the path.

    This is safe, because the decoder checks the answer anyway.
    """

    def remedy(request: Request, _: ErrorInfo) -> Remedy | None:
        if not _has(value_at(request, *path), name):
            return None
        return Remedy(name, "", partial(_without_keyword, name=name, path=path))

    return remedy


def _without_keyword(request: Request, name: str, path: Path) -> Request:
    return with_value(request, path, _schema_without(value_at(request, *path), name))


def _has(schema: object, name: str) -> bool:
    return schema != _schema_without(schema, name)


def _schema_without(schema: object, name: str, *, is_schema: bool = True) -> Any:  # noqa: ANN401 - any part of a schema
    """Return the schema without the keyword, but keep any property of the same name."""
    if isinstance(schema, list):
        return [_schema_without(part, name) for part in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    parts = cast("dict[str, object]", schema)
    return {
        key: _schema_without(part, name, is_schema=key not in {"properties", "$defs"} or not is_schema)
        for key, part in parts.items()
        if not (is_schema and key == name)
    }


def value_at(request: Mapping[str, Any], *path: str) -> Any:  # noqa: ANN401 - JSON
    for step in path:
        request = request.get(step, {})
    return None if request == {} else request


def with_value(request: Request, path: Path, value: object) -> Request:
    """Return the request with `value` at the path, or unchanged if the path does not exist."""
    if value_at(request, *path) is None:
        return request
    first, *rest = path
    return {**request, first: with_value(request[first], tuple(rest), value) if rest else value}


def without(request: Request, path: Path) -> Request:
    """Return the request without the value at the path, or unchanged if the path does not exist."""
    if value_at(request, *path) is None:
        return request
    first, *rest = path
    if rest:
        return {**request, first: without(request[first], tuple(rest))}
    return {name: value for name, value in request.items() if name != first}


def with_first_part(part: object, request: Request, name: str) -> Request:
    """Return the request with `part` at the start of its first message.

    `name` is the request's field that contains the messages.
    """
    return {**request, name: [{"role": "user", "content": [part, *request[name][0]["content"]]}]}


def schema_prompt(schema: Mapping[str, Any]) -> str:
    """Return prompt text with the schema, for servers that do not enforce schemas."""
    return f"The JSON schema of your answer:\n{json.dumps(schema, separators=(',', ':'))}"


# Matches errors that mention the limit of output tokens without naming the parameter.
TOO_LONG = r"max(?:imum)? (?:output |new |completion )?tokens (?:must|should|is|value)"
# Matches errors that are probably about the response format: "json_schema is not supported", "failed to compile
# grammar".
FORMS = (
    r"json[ _-]?schema|json[ _-]?object|json[ _-]?mode|structured[ _-]?outputs?|response[ _]?schema"
    r"|response[ _]format|output[ _]format|required for format|requested parameters"
    r"|\bgrammar\b|guided[ _]|generation_config|\bschemas?\b"
)
REASONING = r"not support (?:the )?(?:reasoning|thinking|effort)|reasoning(?: effort)? is not (?:supported|available)"
SYSTEM = (
    r"system (?:role|messages?|prompts?|instructions?)|developer (?:role|message|instruction)s?|role[ :=]*['\"`]?system"
    r"|['\"`]system['\"`] role|roles must alternate|only (?:the )?user.{0,30}roles? (?:is|are) supported"
)


def keywords(*path: str) -> Iterator[Parameter]:
    """Yield the keywords that can be left out of the schema at the path."""
    yield Parameter(("additionalProperties", "additional_properties"), "", keyword("additionalProperties", *path))
    yield Parameter(("description",), "", keyword("description", *path))
