"""The interactive API documentation: Swagger UI, served from an installed package so that it works offline."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from octave_mcp.errors import NotFound

FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>octave-mcp API</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# Serve this script as a separate file, because POLICY forbids inline scripts.
START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true});\n'
# Allow `data:` URLs for images, because Swagger UI embeds images in its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs_routes() -> list[BaseRoute]:
    return [
        Route("/docs", _page),
        Route("/docs/start.js", _start),
        Route("/docs/{name}", _file),
    ]


async def _page(_: Request) -> Response:
    return Response(PAGE, headers={"Content-Security-Policy": POLICY}, media_type="text/html")


async def _start(_: Request) -> Response:
    return Response(START, media_type="text/javascript")


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise NotFound("the documentation has no such file; open /docs")
    return FileResponse(_installed() / name, media_type=FILES[name])


def _installed() -> Path:
    # Do not import `swagger_ui`: only its static files are needed, and the import would also load Jinja.
    spec = find_spec("swagger_ui")
    return Path(cast("str", cast("ModuleSpec", spec).origin)).parent / "static"
