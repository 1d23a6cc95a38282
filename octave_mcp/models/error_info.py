"""Extracts the status, the codes, the text and the names of request parameters from a provider's error.

Servers send errors in many formats. Some errors have status 200, and some contain the error of another server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from pydantic_core import from_json

# Real errors are nested only a few levels deep. Without the limit, a hostile response could exhaust the stack.
MAX_LAYERS = 20

_NESTED_FIELDS = (
    "error",
    "metadata",
    "raw",
    "upstream_error",
    "innererror",
    "detail",
    "details",
    "errors",
    "base_resp",
    "body",
    "message",
    "fault",
    "response",
)
_STATUS_FIELDS = ("code", "status", "status_code", "statuscode", "http_status", "http_code", "httpstatus", "error_code")
_CODE_FIELDS = ("code", "error_code", "errorcode", "status", "type", "__type", "error_type", "reason")
_TEXT_FIELDS = (
    "message", "msg", "detail", "error", "error_description", "error_msg", "errormessage", "status_msg", "title",
    "faultstring", "text", "raw",
)  # fmt: skip
_PARAMETER_FIELDS = ("param", "parameter", "loc", "field")
_ANSWER_FIELDS = ("choices", "output", "content")
_FAILED_STATUSES = {"failed", "cancelled"}
# Values of `finish_reason` or `stop_reason` that mean a failure although the response has status 200.
_FAILED_REASONS = {"error", "abort", "insufficient_system_resource"}

_CODES_BY_STATUS = {
    400: "badrequest badrequesterror invalidrequest invalidrequesterror invalidargument invalidparameter invalidprompt "
    "unsupportedparameter unsupportedvalue unknownparameter contextlengthexceeded validationerror",
    401: "authenticationerror authenticationfailed invalidapikey incorrectapikey invalidkey unauthenticated "
    "unauthorized",
    402: "arrearage billingerror billinghardlimitreached billingnotactive insufficientbalance insufficientcredits "
    "insufficientfunds insufficientquota paymentrequired",
    403: "accessdenied forbidden permissiondenied permissionerror",
    404: "deploymentnotfound modelnotfound nosuchmodel notfound notfounderror",
    413: "requesttoolarge payloadtoolarge",
    429: "ratelimit ratelimited ratelimiterror ratelimitexceeded ratelimitreached resourceexhausted throttled "
    "throttling toomanyrequests",
    500: "apierror internal internalerror internalservererror servererror",
    503: "engineoverloaded modeloverloaded overloaded overloadederror serviceunavailable unavailable",
    504: "deadlineexceeded gatewaytimeout timeout timeouterror timedout",
}
# Maps providers' error codes to statuses. Codes are compared in lower case, without underscores, hyphens, spaces and a
# final "exception".
STATUS_OF = {name: status for status, names in _CODES_BY_STATUS.items() for name in names.split()}

NO_CREDIT = (
    r"credit balance|(?:insufficient|not enough|no|out of) (?:credits?|balance|quota|funds)\b"
    r"|exceeded your current quota"
    r"|(?:balance|credits?|quota|funds) (?:is|are) (?:insufficient|exhausted|too low|used up)"
)
_STATUS_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), status)
    for pattern, status in (
        (r"rate.?limit|too many requests", 429),
        (r"\b(?:invalid|incorrect|missing|no) api.?key|\bunauthori[sz]ed\b|authentication (?:failed|error)", 401),
        (r"\bmodel\b.{0,80}\b(?:not found|does not exist|not exist)|\b(?:no such|unknown) model\b", 404),
        (NO_CREDIT, 402),
        (r"overloaded|service unavailable", 503),
    )
)
_STATUS_NUMBER = re.compile(
    r"^(?:error )?([45]\d\d)\b|\b(?:status(?: code)?|error(?: code)?|http(?:/\d\S{0,9})?)[ :=]+([45]\d\d)\b",
    re.IGNORECASE,
)

# Matches a server-sent event with a JSON object, which can contain an error: 'data: {"error": ...}'.
_EVENT = re.compile(r"^data: ?(\{.*)$", re.MULTILINE)
_MARKUP = re.compile(r"<(style|script)\b.*?(?:</\1>|\Z)|<!--.*?(?:-->|\Z)|<[^<>]*>", re.DOTALL | re.IGNORECASE)
MAX_PAGE_CHARACTERS = 300

# vLLM prints validation errors as Python literals: "{'loc': ('body', 'max_tokens'), ...".
_VLLM_LOCATION = re.compile(r"['\"]loc['\"]: [\[(]([^\])]*)")


class ErrorInfo(NamedTuple):
    """A parsed error.

    `status` is 0 if the error has neither a status nor a known code. `headers` are response headers that the error
    contains, such as those from a server behind a gateway.
    """

    status: int
    codes: frozenset[str]
    words: str
    parameters: tuple[str, ...]
    headers: Mapping[str, str]


def error_info(error: object, status: int = 0) -> ErrorInfo:
    """Parse an error in any format.

    `status` is the HTTP status of the response. Use 0 for an error that came in a response with status 200.
    """
    layers = list(_layers(error))
    words = ": ".join(dict.fromkeys(word for layer in layers for word in _texts_of(layer)))
    return ErrorInfo(
        status=status or _status_of(layers, words),
        codes=frozenset(_normalized(str(layer[name])) for layer in layers for name in _CODE_FIELDS if layer.get(name)),
        words=words,
        parameters=tuple(_parameters(layers, words)),
        headers=next((_headers(values) for layer in layers if (values := layer.get("headers"))), dict[str, str]()),
    )


def error_in(answer: object) -> object:
    """Return the error in a response with status 200, or None if the response is an answer."""
    if isinstance(answer, str):
        return _in_text(answer)
    if isinstance(answer, list):
        return next((item for item in cast("list[object]", answer) if fields(item).get("error")), None)
    return _in_body(fields(answer))


def _in_body(body: Mapping[str, Any]) -> object:
    has_answer = any(body.get(name) for name in _ANSWER_FIELDS)
    if _is_error(error := body.get("error")):
        return body if not has_answer else error
    status = body.get("status")
    failed_status = {"message": f"the status of the answer is {status!r}"} if status in _FAILED_STATUSES else None
    if failed_status and "output" in body:
        return failed_status
    if failed := _in_choices(body.get("choices") or [body]):
        return failed
    if has_answer:
        return None
    return body if error_info(body).words else failed_status


def _in_text(text: str) -> object:
    """Return the error in a text, which can be JSON, server-sent events or an HTML page."""
    if parsed := _as_json(text):
        return error_in(parsed)
    if events := _EVENT.findall(text):
        return next((error for event in events if (error := error_in(_as_json(event)))), None)
    words = " ".join(_MARKUP.sub(" ", text).split())
    return {"message": words[:MAX_PAGE_CHARACTERS]} if words else None


def _in_choices(choices: object) -> object:
    for choice in cast("list[object]", choices) if isinstance(choices, list) else ():
        choice_fields = fields(choice)
        if _is_error(error := choice_fields.get("error")):
            return error
        name = "finish_reason" if "finish_reason" in choice_fields else "stop_reason"
        if (reason := choice_fields.get(name)) in _FAILED_REASONS:
            native_reason = choice_fields.get("native_finish_reason")
            return {
                "message": f"{name} is {reason!r}{f', native_finish_reason {native_reason!r}' if native_reason else ''}"
            }
    return None


def fields(value: object) -> Mapping[str, Any]:
    """Return the fields of a JSON object with their names in lower case, or {} for any other value."""
    if not isinstance(value, Mapping):
        return {}
    return {name.lower(): field for name, field in cast("Mapping[str, Any]", value).items()}


def _is_error(error: object) -> bool:
    """Whether the value describes an error.

    An empty error is no error: some servers send {"error": {"code": 0, "message": ""}} with every answer.
    """
    known = fields(error)
    return any(known.get(name) for name in (*_STATUS_FIELDS, *_CODE_FIELDS, *_TEXT_FIELDS)) if known else bool(error)


def _layers(error: object, depth_left: int = MAX_LAYERS) -> Iterator[Mapping[str, Any]]:
    """Yield the error and the errors nested in it, the outermost error first."""
    if isinstance(error, str):
        if not (parsed := _as_json(error)):
            yield {"message": error}
            return
        error = parsed
    if not depth_left:
        return
    if isinstance(error, list):
        for item in cast("list[object]", error):
            yield from _layers(item, depth_left - 1)
    elif layer := fields(error):
        yield layer
        for name in _NESTED_FIELDS:
            inner = layer.get(name)
            if not isinstance(inner, str) or _as_json(inner):
                yield from _layers(inner, depth_left - 1)


def _as_json(text: str) -> object:
    """Parse the text as a JSON object or list, or return None if it is neither."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return from_json(text)
    except ValueError:
        return None


def _texts_of(layer: Mapping[str, Any]) -> Iterator[str]:
    for name in _TEXT_FIELDS:
        text = layer.get(name)
        if isinstance(text, str) and text.strip() and not _as_json(text):
            yield text.strip()


def _status_of(layers: list[Mapping[str, Any]], words: str) -> int:
    numbers = (_number(layer.get(name)) for layer in layers for name in _STATUS_FIELDS)
    names = (STATUS_OF.get(_normalized(str(layer.get(name)))) for layer in layers for name in _CODE_FIELDS)
    if known := next((status for status in (*numbers, *names) if status), 0):
        return known
    if match := _STATUS_NUMBER.search(words):
        return int(match[1] or match[2])
    return next((status for pattern, status in _STATUS_PATTERNS if pattern.search(words)), 0)


def _number(value: object) -> int | None:
    """Return the value as an HTTP error status, or None if it is not an error status."""
    match = re.fullmatch(r"([45]\d\d)(?:\.0| .*)?", str(value))
    return int(match[1]) if match else None


def _normalized(name: str) -> str:
    return re.sub(r"[_\s-]", "", name).casefold().removesuffix("exception")


def _parameters(layers: list[Mapping[str, Any]], words: str) -> Iterator[str]:
    yield from (_parameter(layer[name]) for layer in layers for name in _PARAMETER_FIELDS if layer.get(name))
    yield from (_parameter(re.findall(r"\w+", location)) for location in _VLLM_LOCATION.findall(words))


def _parameter(value: object) -> str:
    """Return a dotted path: 'messages.0.role' for 'messages[0].role' or ["body", "messages", 0, "role"]."""
    path = ".".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
    return re.sub(r"\[(\w+)\]", r".\1", path).removeprefix("body.")


def _headers(value: object) -> Mapping[str, str]:
    return {name.lower(): str(text) for name, text in fields(value).items()}
