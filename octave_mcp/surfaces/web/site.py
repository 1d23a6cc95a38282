"""What all pages share: calls of the tools, forms, and the rendering of templates."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from octave_mcp.app import App
from octave_mcp.errors import InputError, OctaveError, ReusedRequest
from octave_mcp.settings import Settings
from octave_mcp.surfaces.exposure import safe_tokens
from octave_mcp.surfaces.rest.access import is_from_elsewhere
from octave_mcp.surfaces.rest.arguments import Arguments, ToolFunction, read_any_arguments
from octave_mcp.surfaces.serving import Server
from octave_mcp.surfaces.web import cookies
from octave_mcp.surfaces.web.costs import Costs
from octave_mcp.surfaces.web.rendering import html, rendered
from octave_mcp.tools import FUNCTIONS
from octave_mcp.tools.calls import WEB
from octave_mcp.tools.registry import Call, ignore_event

# The name of the hidden field that proves that a form comes from one of our pages.
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
OUTDATED_FORM = "This form belongs to an earlier sign-in. Check your entries, and send them again."
ALREADY_SENT = "This form was already sent with other entries. To send these entries too, send it again."
OUTDATED_PAGE = "this page belongs to an earlier sign-in; go back, reload the page, and try again"


class Form(NamedTuple):
    """The fields of a form that a browser has sent. `is_ours`: whether the form comes from one of our pages."""

    fields: dict[str, str]
    is_ours: bool

    def given(self, *names: str) -> dict[str, str]:
        """Return the fields with these names that are not empty."""
        return {name: value for name in names if (value := self.fields.get(name))}


class Site:
    def __init__(self, server: Server) -> None:
        self._server = server
        # Built on first use, because building the validators of all tools takes longer than a page.
        self._functions: dict[str, ToolFunction] = {}
        self.costs = Costs()

    @property
    def settings(self) -> Settings:
        return self._server.settings

    async def app(self) -> App:
        return await self._server.app()

    async def _make_call(self) -> Call:
        return Call((await self.app()).runs, ignore_event, 0, WEB)

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the tool's own
        """Call a tool with arguments that a person has entered, and return its result.

        Raises:
            OctaveError: The tool's own errors.
        """
        if name not in self._functions:
            self._functions[name] = ToolFunction(FUNCTIONS[name], self._make_call)
        return await self._functions[name](Arguments(dict(arguments), is_text=True))

    async def read_form(self, request: Request) -> Form:
        """Return the fields of the form in the request's body.

        Raises:
            InputError, WrongType, TooLarge: If the body is not a form, or is too large.
        """
        # The tools say which entry cannot be stored, and the page then shows it beside the entry.
        arguments = await read_any_arguments(request)
        if not arguments.is_text:
            raise InputError("send a form; programs call the API, which /docs describes")
        # Browsers send line breaks as CR LF; the texts of playbooks have LF.
        given = ((name, str(value)) for name, value in arguments.values.items() if name not in request.path_params)
        fields = {name: value.replace("\r\n", "\n") for name, value in given}
        sent, own = fields.pop(FORM_TOKEN, ""), await self.form_token(request)
        return Form(fields, hmac.compare_digest(sent.encode(), own.encode()))

    async def read_action(self, request: Request) -> Form:
        """Return the fields of a form in which a person enters nothing, so that there is nothing to keep.

        Raises:
            InputError: If the form does not come from one of our pages, and for the reasons of `read_form`.
        """
        form = await self.read_form(request)
        if not form.is_ours:
            raise InputError(OUTDATED_PAGE)
        return form

    async def form_token(self, request: Request) -> str:
        """Return the token for the forms of this browser. Pages of other origins cannot read it."""
        key = await (await self.app()).runs.sign_ins.form_key()
        return hmac.new(key, cookies.sign_in_of(request.scope).encode(), sha256).hexdigest()

    async def personas(self, run_id: str) -> dict[str, str]:
        """Return the job titles of the playbook's buyer personas, by the ids that paths of its parts contain.

        If the playbook cannot be read, return nothing: the pages around it then show the ids.
        """
        try:
            playbook = await (await self.app()).runs.finished(run_id)
        except OctaveError:
            return {}
        return {persona.id: persona.title for persona in playbook.priority_personas}

    async def is_signed_in(self, secret: str, scope: Scope) -> bool:
        tokens = [token.get_secret_value() for token in self.tokens(scope)]
        return await (await self.app()).runs.sign_ins.is_valid(secret, tokens)

    def tokens(self, scope: Scope) -> tuple[SecretStr, ...]:
        """Return the tokens that this request can use."""
        return safe_tokens(self.settings.tokens) if is_from_elsewhere(scope) else self.settings.tokens

    async def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - the template's
        """Return a page of this server, with its navigation."""
        frame = {
            "path": request.url.path,
            "token": (FORM_TOKEN, await self.form_token(request)),
            "is_signed_in": bool(cookies.sign_in_of(request.scope)),
        }
        return html(rendered(template, **frame, **values), status)


def faults_of(refused: OctaveError, fields: Collection[str]) -> dict[str, str]:
    """Return what is wrong, by the name of the field beside which the page shows it; '' stands for the whole form.

    `fields` are the names of the fields on the page.
    """
    named: Mapping[str, str] = refused.faults if isinstance(refused, InputError) else {}
    faults = {name: WEB.with_local_names(text) for name, text in named.items() if name in fields}
    others = "; ".join(text for name, text in named.items() if name not in fields)
    if isinstance(refused, ReusedRequest):
        others = ALREADY_SENT
    elif not named:
        others = str(refused)
    return faults | ({"": WEB.with_local_names(others)} if others else {})


def redirect(path: str) -> Response:
    """Return a redirect after a form, so that reloading the next page does not send the form again."""
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})
