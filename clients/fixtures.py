"""Run our HTTP server with the additional tools, resources and prompts that the conformance suite calls by name.

    python clients/fixtures.py --port 8001

Everything else, such as the middleware, the error masking and the access control, is the product's own.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import Annotated, Any

from fastmcp import Context, FastMCP
from fastmcp.prompts import Message, PromptResult
from fastmcp.tools import FunctionTool, ToolResult
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    ClientCapabilities,
    CompletionArgument,
    CompletionContext,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    MissingRequiredClientCapabilityErrorData,
    PromptReference,
    ResourceTemplateReference,
    SamplingCapability,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

from octave_mcp.surfaces import http
from octave_mcp.surfaces.mcp import prompts
from octave_mcp.surfaces.mcp import server as mcp

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="


def image() -> ImageContent:
    return ImageContent(type="image", data=PNG, mime_type="image/png")


def embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def content(*blocks: ContentBlock) -> ToolResult:
    return ToolResult(content=list(blocks))


def test_simple_text() -> ToolResult:
    """Return text."""
    return content(TextContent(type="text", text="This is a simple text response for testing."))


def test_image_content() -> ToolResult:
    """Return an image."""
    return content(image())


def test_audio_content() -> ToolResult:
    """Return audio."""
    return content(AudioContent(type="audio", data=WAV, mime_type="audio/wav"))


def test_embedded_resource() -> ToolResult:
    """Return an embedded resource."""
    return content(embedded("test://embedded-resource", "This is an embedded resource content."))


def test_multiple_content_types() -> ToolResult:
    """Return text, an image and a resource."""
    text = TextContent(type="text", text="Multiple content types test:")
    resource = embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
    return content(text, image(), resource)


def test_error_handling() -> ToolResult:
    """Fail with an error."""
    raise RuntimeError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(context: Context) -> str:
    """Report progress three times."""
    for done in (0, 50, 100):
        await context.report_progress(done, 100)
        await asyncio.sleep(0.05)
    return "done"


async def test_streaming_elicitation(context: Context) -> str:
    """Stream progress. The conformance suite requires this name, but our server does not support elicitation."""
    return await test_tool_with_progress(context)


def test_missing_capability() -> ToolResult:
    """Fail because the client has not declared the sampling capability."""
    missing = MissingRequiredClientCapabilityErrorData(
        required_capabilities=ClientCapabilities(sampling=SamplingCapability())
    )
    raise MCPError(
        MISSING_REQUIRED_CLIENT_CAPABILITY,
        "the client does not support sampling",
        missing.model_dump(by_alias=True, exclude_none=True),
    )


def test_custom_header(
    region: Annotated[str, Field(description="A region", json_schema_extra={"x-mcp-header": "Region"})],
) -> str:
    """Return an argument that the client also sends in an HTTP header."""
    return region


def static_text() -> str:
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    return b"\x89PNG\r\n\x1a\n"


def template(id: str) -> dict[str, Any]:  # noqa: A002 - the suite's name
    return {"id": id, "templateTest": True, "data": f"Data for ID: {id}"}


def test_simple_prompt() -> str:
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(
    arg1: Annotated[str, "The first argument"], arg2: Annotated[str, "The second argument"]
) -> str:
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(
    resourceUri: Annotated[str, "The URI of the resource"],  # noqa: N803 - the suite's name
) -> PromptResult:
    resource = embedded(resourceUri, "Embedded resource content for testing.")
    return PromptResult([Message(resource), Message("Please process the embedded resource above.")])


def test_prompt_with_image() -> PromptResult:
    return PromptResult([Message(image()), Message("Please analyze the image above.")])


def complete(
    ref: PromptReference | ResourceTemplateReference,  # noqa: ARG001 - the completions are always the same
    argument: CompletionArgument,
    context: CompletionContext | None = None,  # noqa: ARG001 - ditto
) -> list[str]:
    return [value for value in ("test", "testing") if value.startswith(argument.value)]


TOOLS = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_progress,
    test_streaming_elicitation,
    test_missing_capability,
    test_custom_header,
)
PROMPTS: dict[Callable[..., Any], tuple[str, str]] = {
    test_simple_prompt: ("Simple", "Return text."),
    test_prompt_with_arguments: ("Arguments", "Return the arguments."),
    test_prompt_with_embedded_resource: ("Resource", "Return an embedded resource."),
    test_prompt_with_image: ("Image", "Return an image."),
}
RESOURCES = {
    "test://static-text": (static_text, "text/plain"),
    "test://static-binary": (static_binary, "image/png"),
    "test://template/{id}/data": (template, "application/json"),
}


def make(*args: Any, **kwargs: Any) -> FastMCP[Any]:  # noqa: ANN401 - those of the product's `make`
    server = original_make(*args, **kwargs)
    for function in TOOLS:
        server.add_tool(FunctionTool.from_function(function))
    for uri, (function, mime_type) in RESOURCES.items():
        server.resource(uri, mime_type=mime_type, description="A resource of the conformance suite")(function)
    server.completion(complete)
    return server


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    # The HTTP surface looks up `mcp.make` when it starts, so replacing the function adds the tools and leaves the rest
    # of the server unchanged.
    mcp.make = make
    # The product refuses prompts that are not in its table.
    prompts.PROMPTS.update(PROMPTS)
    return http.serve(port=parser.parse_args().port)


original_make = mcp.make

if __name__ == "__main__":
    sys.exit(main())
