"""Helpers that use the web pages as a browser does: signing in, reading forms, and parsing the HTML."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Finished
from starlette.routing import Route

from octave_mcp.settings import load
from octave_mcp.surfaces import http
from octave_mcp.surfaces.web.lazy import PAGES

TOKEN = "a-token-of-this-server"  # noqa: S105 - of a server in a test
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
# What requests must not change. The other tables hold heartbeats, caches and the state of the engine.
TABLES = ("runs", "sessions", "versions", "shares", "sign_ins", "events", "questions", "pages", "secrets")
LINKS = frozenset({"href", "src", "action", "formaction", "srcset", "data", "poster", "xlink:href"})


@dataclass(frozen=True)
class Names:
    """The names in the paths of the pages. By default they name nothing that is stored."""

    run_id: str = "run_00000000000000000000000000000000"
    session_id: str = "sess_00000000000000000000000000000000"
    share_id: str = "share_00000000000000000000000000000000"
    secret: str = "no-secret"  # noqa: S105 - of no link
    name: str = "app.css"
    suffix: str = "json"

    def path(self, template: str) -> str:
        return template.format_map(vars(self))


class Shown(HTMLParser):
    """The parsed HTML of a response. `elements` lists the elements with their attributes, and `text` their texts."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__(convert_charrefs=True)
        assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(answer.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    @property
    def structure(self) -> list[tuple[str, tuple[str, ...]]]:
        """The elements with the names of their attributes."""
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    @property
    def urls(self) -> list[str]:
        return [value for _, attributes in self.elements for name, value in attributes.items() if name in LINKS]

    def fields(self, action: str) -> dict[str, str]:
        """Return the hidden fields of the form with this action."""
        forms: dict[str, dict[str, str]] = {}
        current: dict[str, str] = {}
        for tag, attributes in self.elements:
            if tag == "form":
                current = forms.setdefault(attributes["action"], {})
            elif tag == "input" and attributes.get("type") == "hidden":
                current[attributes["name"]] = attributes["value"]
        return forms[action]


def page_routes(method: str) -> list[str]:
    """Return the templates of the page routes that serve the method."""
    return [template for template, handlers in PAGES.items() if method in handlers]


def api_routes() -> list[tuple[str, str]]:
    """Return the method and the template of every route that is not a page."""
    routes = [route for route in http.make(load()).routes if isinstance(route, Route)]
    pages = {*PAGES, "/playbooks/{run_id}/events"}
    listed = [
        (method, route.path)
        for route in routes
        if route.path not in pages
        for method in sorted((route.methods or {"POST", "GET", "DELETE"}) - {"HEAD"})
    ]
    assert ("POST", "/runs") in listed
    return listed


def filled(template: str) -> str:
    return re.sub(r"{\w+}", "some", template)


async def signed_in(client: httpx2.AsyncClient, token: str = TOKEN) -> dict[str, str]:
    """Sign in, and return the header with the cookie. The client itself forgets the cookie."""
    answer = await client.post("/sign-in", data={"token": token})
    assert answer.status_code == 303, answer.text
    client.cookies.clear()
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


async def form_token(client: httpx2.AsyncClient, headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the field that proves that a form comes from a page of this browser."""
    page = Shown(await client.get("/", headers=headers))
    return {"form_token": page.fields("/new")["form_token"]}


def rows(home: Path) -> dict[str, list[Any]]:
    """Return everything that is stored, except for what changes without a request."""
    with closing(sqlite3.connect(home / "octave.db")) as database:
        return {table: database.execute(f"select * from {table}").fetchall() for table in TABLES}  # noqa: S608


def execute(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / "octave.db")) as database, database:
        database.execute(statement, values)


@dataclass(frozen=True)
class Stored:
    """A completed run in a database that the test can change. It has no files."""

    home: Path
    run_id: str
    session_id: str

    @property
    def names(self) -> Names:
        return Names(run_id=self.run_id, session_id=self.session_id)

    @property
    def at(self) -> str:
        return f"/playbooks/{self.run_id}"


def copied(finished: Finished, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    shutil.copytree(finished.home, folder)
    monkeypatch.setenv("OCTAVE_HOME", str(folder))
    # The copy still names the folder of the original's files, which an edit of the copy would overwrite.
    execute(folder, "delete from notes where key = ?", f"folder of {finished.run_id}")
    yield Stored(folder, finished.run_id, finished.session_id)
