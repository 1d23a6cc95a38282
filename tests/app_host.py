"""A small MCP Apps client: a web page that shows the playbook view in a sandboxed frame and answers its requests."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from browsers import Opened
from playwright.async_api import Browser, Frame, Locator, Page, ViewportSize
from pydantic import BaseModel

from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunStatus
from octave_mcp.surfaces.mcp.apps import page as view
from octave_mcp.tools.overviews import overview
from octave_mcp.tools.paging import dumped
from octave_mcp.tools.parts import parts_of
from octave_mcp.tools.reports import SectionReport

Json = dict[str, Any]
CallTool = Callable[[str, Json], Awaitable[Json]]

# The view waits at most this long between two looks at a run.
LONGEST_PAUSE_MS = 20_000
RUN_ID = "run_0123456789abcdef0123456789abcdef"
ARGUMENTS = {"vendor_domain": "lumenboard.example", "prospect_domain": "https://www.kestrel-freight.example/"}
# What a client must allow at least: inline scripts and styles, and nothing from the network.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
ALL: Json = {"serverTools": {}, "openLinks": {}}
HOST = """<!DOCTYPE html>
<meta charset="utf-8">
<style>body { margin: 0 } iframe { display: block; border: 0; width: 100%; height: 1px }</style>
<iframe sandbox="allow-scripts"></iframe>
<textarea></textarea>
<script>
const frame = document.querySelector("iframe");
const received = [];
let isInitialized;
const initialized = new Promise((done) => { isInitialized = done; });
const post = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
const answers = {
  "ui/initialize": () => ({
    protocolVersion: "2026-01-26",
    hostInfo: { name: "test", version: "1" },
    hostCapabilities: capabilities,
    hostContext: context,
  }),
  "ui/open-link": () => ({ isError: refusesLinks }),
  "tools/call": (params) => callTool(params),
};
addEventListener("message", async ({ source, data }) => {
  if (source !== frame.contentWindow) return;
  received.push(data);
  if (data.method === "ui/notifications/initialized") isInitialized();
  if (data.method === "ui/notifications/size-changed") frame.style.height = `${data.params.height}px`;
  if (data.id === undefined || !data.method) return;
  try {
    post({ id: data.id, result: await answers[data.method](data.params) });
  } catch (failed) {
    post({ id: data.id, error: { code: -32603, message: failed.message } });
  }
});
let capabilities, context, refusesLinks;
const show = (html, can, about, refuses) => {
  [capabilities, context, refusesLinks] = [can, about, refuses];
  frame.srcdoc = html;
  return initialized;
};
</script>
"""


def result_of(report: BaseModel) -> Json:
    """Return the result of a tool call, as our server sends it."""
    content = report.model_dump(mode="json")
    return {"content": [{"type": "text", "text": json.dumps(content)}], "structuredContent": content}


def refusal(text: str) -> Json:
    return {"content": [{"type": "text", "text": text}], "isError": True}


def in_state(status: RunStatus, **fields: Any) -> SectionReport:  # noqa: ANN401 - the fields of a report
    return SectionReport(run_id=RUN_ID, session_id="sess_0", status=status, **fields)


def final(playbook: Playbook) -> SectionReport:
    """Return the report on the completed run that wrote the playbook."""
    return in_state("completed", version=1, versions=1, overview=overview(playbook))


def part(playbook: Playbook, section: str) -> SectionReport:
    return in_state(
        "completed", version=1, versions=1, section={section: dumped(parts_of(playbook, section, None)[section])}
    )


class View:
    """The view in its client. `calls` lists the tool calls that the view has made."""

    def __init__(self, opened: Opened, calls: list[tuple[str, Json]]) -> None:
        self.opened, self.calls = opened, calls

    @property
    def page(self) -> Page:
        return self.opened.page

    @property
    def frame(self) -> Frame:
        return self.page.frames[1]

    async def notify(self, method: str, params: Json) -> None:
        await self.page.evaluate(
            "([method, params]) => post({ method, params })", [f"ui/notifications/{method}", params]
        )

    async def called(self, arguments: Json, result: Json) -> None:
        """Tell the view that its tool was called with these arguments and returned this result."""
        await self.notify("tool-input", {"arguments": arguments})
        await self.notify("tool-result", result)

    async def received(self, method: str) -> list[Json]:
        """Wait for a message with this method, and return the parameters of all such messages."""
        await self.page.wait_for_function(
            "(method) => received.some((message) => message.method === method)", arg=method
        )
        messages: list[Json] = await self.page.evaluate("received")
        return [message["params"] for message in messages if message.get("method") == method]

    async def text(self) -> str:
        return await self.frame.locator("main").inner_text()

    async def shows(self, text: str) -> None:
        """Wait until the view shows the text. While waiting, let the time pass quickly."""
        await self._appears(self.frame.get_by_text(text))

    async def shows_playbook(self) -> None:
        await self._appears(self.frame.get_by_role("tab"))

    async def _appears(self, found: Locator) -> None:
        while not await found.first.is_visible():
            # While a call is pending, its timeout must not pass.
            if not await self.frame.evaluate("bridge.pending.size"):
                await self.page.clock.fast_forward(LONGEST_PAUSE_MS)

    async def pasted(self) -> str:
        """Return the text on the clipboard."""
        area = self.page.locator("textarea")
        await area.fill("")
        await area.focus()
        await self.page.keyboard.press("ControlOrMeta+V")
        return await area.input_value()


@asynccontextmanager
async def showing(
    browser: Browser,
    call_tool: CallTool,
    *,
    can: Json = ALL,
    context: Json | None = None,
    refuses_links: bool = False,
    size: ViewportSize | None = None,
) -> AsyncGenerator[View]:
    """Show the view in a client with the capabilities `can` and the host context `context`."""
    pages = await browser.new_context(reduced_motion="reduce", viewport=size, offline=True)
    await pages.clock.install()
    view_shown = View(Opened(await pages.new_page()), [])

    async def call(params: Json) -> Json:
        view_shown.calls.append((params["name"], params["arguments"]))
        return await call_tool(params["name"], params["arguments"])

    await view_shown.page.expose_function("callTool", call)  # pyright: ignore[reportUnknownMemberType] - Playwright's type
    await view_shown.page.set_content(HOST)
    html = view().replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">')
    await view_shown.page.evaluate("(given) => show(...given)", [html, can, context or {}, refuses_links])
    yield view_shown
    await pages.close()
