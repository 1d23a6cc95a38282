"""The MCP App: a web page that clients with MCP Apps support show for the tools that report on a run.

A client without MCP Apps support ignores the page, and gets the same results as before.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastmcp import FastMCP
from fastmcp.apps import AppConfig, ResourceCSP, ResourcePermissions

URI = "ui://octave/run.html"
TOOLS_WITH_VIEW = frozenset({"generate_playbook", "get_run"})

# The page loads nothing, so it needs no domains. It asks for the clipboard to copy e-mails, and falls back to a
# selection if the client refuses.
CONFIG = AppConfig(
    csp=ResourceCSP(connect_domains=[], resource_domains=[], frame_domains=[], base_uri_domains=[]),
    permissions=ResourcePermissions(clipboard_write={}),
    prefers_border=True,
)
# The page has one placeholder for each of these files.
PARTS = ("run.css", "bridge.js", "run.js")


def meta_of(tool: str) -> dict[str, Any] | None:
    """Return the metadata of a tool's entry in the list: for a tool with a view, the URI of the page."""
    return {"ui": {"resourceUri": URI}} if tool in TOOLS_WITH_VIEW else None


def page() -> str:
    """Return the page as one file, with its style and its scripts."""
    folder = files("octave_mcp.surfaces.mcp") / "view"
    text = (folder / "run.html").read_text("utf-8")
    for part in PARTS:
        text = text.replace(f"/* {part} */", _short((folder / part).read_text("utf-8")))
    return text


def _short(text: str) -> str:
    """Leave out the indentation, the empty lines and the comments that have lines of their own."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def add(mcp: FastMCP[Any]) -> None:
    """Register the page. Its files are only read when a client reads the resource."""
    describe = mcp.resource(
        URI,
        name="run.html",
        title="Playbook view",
        description="Shows the progress of a run and its playbook, in clients with MCP Apps support",
        app=CONFIG,
    )
    describe(page)
