"""Tools: create, list and revoke links that let people without access to the server read a playbook."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.domain.shares import Share
from octave_mcp.domain.value import Value
from octave_mcp.errors import NotFinished
from octave_mcp.tools.playbooks import RunId, VersionNumber
from octave_mcp.tools.registry import Call, tool

# The path of a shared playbook, without the secret.
SHARED = "/s/"


class SharedPlaybook(Share):
    """A new link: the server's address, followed by `path`. No later response contains `path`."""

    path: str


class ShareList(Value):
    """The links to a playbook, newest first, including expired and revoked links. Their paths are not included."""

    shares: tuple[Share, ...]


@tool("POST", "/runs/{run_id}/shares", title="Share a playbook", in_tool_list=False, errors=(NotFinished,))
async def share_playbook(
    run_id: RunId,
    version: VersionNumber = None,
    days: Annotated[int, Field(ge=1, le=365, description="Days until the link expires")] = 30,
    *,
    call: Call,
) -> SharedPlaybook:
    """Create a link to one version of a playbook. Anyone with the link can read that version, and nothing else."""
    share, secret = await call.runs.shares.create(run_id, version, days)
    return SharedPlaybook(**dict(share), path=f"{SHARED}{secret}")


@tool("GET", "/runs/{run_id}/shares", title="List the links of a playbook", read_only=True, in_tool_list=False)
async def list_shares(run_id: RunId, *, call: Call) -> ShareList:
    """List the links to a playbook, newest first, including expired and revoked links, without their paths."""
    return ShareList(shares=tuple(await call.runs.shares.listed(run_id)))


@tool("DELETE", "/shares/{share_id}", title="Revoke a link", idempotent=True, destructive=True, in_tool_list=False)
async def revoke_share(
    share_id: Annotated[str, Field(max_length=64, description="From share_playbook or list_shares")], *, call: Call
) -> Share:
    """Revoke a link. It stops working immediately."""
    return await call.runs.shares.revoke(share_id)
