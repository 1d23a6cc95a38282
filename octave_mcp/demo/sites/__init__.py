"""Loads the two invented sites. Each site is a folder with `site.json`, which describes the company, and HTML files.

An HTML file contains the content of the page's `<main>` element. The first line of the file is a comment with a JSON
object: the title, the description and, for an article, the date of publication and the author.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, Template

HERE = Path(__file__).parent

Role = Literal["vendor", "prospect"]

TYPES = {".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Document:
    """The body and the media type of a response."""

    body: bytes
    media_type: str


@dataclass(frozen=True)
class Fragment:
    path: str
    meta: dict[str, str]
    body: str


@dataclass(frozen=True)
class Site:
    """A site. `about` contains the data from `site.json`."""

    about: dict[str, Any]
    fragments: tuple[Fragment, ...]
    assets: tuple[Path, ...]

    def documents(self, origin: str) -> dict[str, Document]:
        """Return all documents by path. Their absolute links start with `origin`, such as 'http://127.0.0.1:41234'."""
        return {
            "/robots.txt": Document(self._robots(origin).encode(), "text/plain"),
            "/sitemap.xml": Document(self._sitemap(origin).encode(), "application/xml"),
            **{f"/assets/{file.name}": Document(file.read_bytes(), TYPES[file.suffix]) for file in self.assets},
            **{fragment.path: self._page(fragment, origin) for fragment in self.fragments},
        }

    def missing(self, origin: str) -> Document:
        body = "<article><h1>Page not found</h1><p>There is nothing at this address.</p></article>"
        return self._page(Fragment("/404", {"title": "Page not found", "description": ""}, body), origin)

    def _page(self, fragment: Fragment, origin: str) -> Document:
        html = self._layout.render(site=self.about, page=fragment, origin=origin)
        return Document(html.encode(), "text/html")

    @cached_property
    def _layout(self) -> Template:
        return Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True).get_template("layout.html")

    def _robots(self, origin: str) -> str:
        return f"User-agent: *\nAllow: /\nDisallow: /internal/\nDisallow: /search\n\nSitemap: {origin}/sitemap.xml\n"

    def _sitemap(self, origin: str) -> str:
        urls = "\n".join(
            f"<url><loc>{origin}{fragment.path}</loc>"
            + (f"<lastmod>{day}</lastmod>" if (day := fragment.meta.get("published")) else "")
            + "</url>"
            for fragment in self.fragments
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}\n</urlset>\n'
        )


def about(role: Role) -> dict[str, Any]:
    """Return what `site.json` says about the company, without reading its pages."""
    return json.loads((HERE / role / "site.json").read_text("utf-8"))


def load(role: Role) -> Site:
    root = HERE / role
    return Site(
        about=about(role),
        fragments=tuple(_fragment(file, root) for file in sorted(root.rglob("*.html"))),
        assets=(*sorted((HERE / "assets").iterdir()), *sorted(root.glob("assets/*"))),
    )


def _fragment(file: Path, root: Path) -> Fragment:
    first, body = file.read_text("utf-8").split("\n", maxsplit=1)
    path = "/" + file.relative_to(root).with_suffix("").as_posix().removesuffix("index")
    meta = json.loads(first.removeprefix("<!--").removesuffix("-->"))
    return Fragment(path, meta, body)
