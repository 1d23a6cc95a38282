"""Firecrawl's API on loopback, as far as its SDK needs it: it fetches from sites that tests serve.

Told to, it fails in the ways that Firecrawl does.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from octave_mcp.sources import firecrawl
from octave_mcp.sources.firecrawl import client as following
from octave_mcp.sources.web.sitemap_files import entries_of

A_KEY = "fc-0123456789abcdef"
FOR_GOOD = 10_000
JSON = "application/json"

Body = dict[str, Any]


@dataclass
class Fault:
    """How many of the requests to `path` are answered so, from the first on; those of one page's address, if named."""

    path: str
    status: int = 200
    body: str | Body = field(default_factory=lambda: {"success": False, "error": "no"})
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    times: int = FOR_GOOD
    url: str = ""

    def hits(self, path: str, body: Body) -> bool:
        return self.times > 0 and bool(re.fullmatch(self.path, path)) and self.url in str(body.get("url", ""))


@dataclass
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Body


class Got(NamedTuple):
    """What a site answered, and where in the end."""

    url: str
    status: int
    kind: str
    body: bytes


@dataclass
class Job:
    urls: list[str]
    options: Body
    looks: int = 0
    starts: int = 0
    status: str = "scraping"
    documents: list[Body] = field(default_factory=list[Body])


class Double(ThreadingHTTPServer):
    """`lost` are paths of pages that a job never gives, and `late` of those that it gives to who reads it once more.

    `parts` is how many pages come in one answer.

    A job has one page more each time it is looked at, and with `stuck` no more than the first. `moved` says where a
    page is in the end. `gate` holds back the answers to new jobs while it is closed. `reached` names where hosts are
    that only this server can reach.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.jobs: dict[str, Job] = {}
        self.cancelled: list[str] = []
        self.fetched: Counter[str] = Counter()
        self.lost: set[str] = set()
        self.late: set[str] = set()
        self.moved: dict[str, str] = {}
        self.reached: dict[str, str] = {}
        self.parts = 2
        self.stuck = False
        self.ends = "completed"
        self.gate, self.looked = threading.Event(), threading.Event()
        self.gate.set()
        self.on_job: Callable[[], object] = lambda: None
        self.on_look: Callable[[Job], object] = lambda _: None
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def fails(self, path: str, status: int = 200, **how: Any) -> None:  # noqa: ANN401 - fields of Fault
        self.faults.append(Fault(path, status, **how))

    def count(self, method: str, path: str) -> int:
        return sum(one.method == method and bool(re.fullmatch(path, one.path)) for one in self.asked)

    def close(self) -> None:
        self.gate.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Says nothing: a client may hang up."""

    def map(self, body: Body) -> Body:
        """What the sitemaps name."""
        root = body["url"]
        named = re.findall(r"(?im)^sitemap:\s*(\S+)", self.fetch(urljoin(root, "/robots.txt")).body.decode())
        waiting = [urljoin(root, one) for one in (*named, "/sitemap.xml", "/sitemap_index.xml")]
        found: dict[str, Body] = {}
        for url in waiting:
            pages, sitemaps = entries_of(self.fetch(url).body)
            waiting += [one for one in sitemaps if one not in waiting]
            found |= {page.url: {"url": page.url, "title": "", "description": ""} for page in pages}
        return {"success": True, "links": list(found.values())}

    def document(self, url: str) -> Body:
        """A page as a successful scrape gives it, whatever its site answered."""
        self.fetched[urlsplit(url).path] += 1
        got = self.fetch(url)
        metadata = {
            "sourceURL": url, "url": self.moved.get(urlsplit(url).path, got.url), "statusCode": got.status,
            "contentType": got.kind, "creditsUsed": 1,
        }  # fmt: skip
        return {"rawHtml": got.body.decode("utf-8", "replace"), "metadata": metadata}

    def fetch(self, url: str) -> Got:
        parts = urlsplit(url)
        real = self.reached.get(parts.netloc, f"{parts.scheme}://{parts.netloc}")
        request = urllib.request.Request(urljoin(real, parts._replace(scheme="", netloc="").geturl()))  # noqa: S310
        try:
            answer = urllib.request.urlopen(request)  # noqa: S310 - sites on loopback
        except urllib.error.HTTPError as failed:
            answer = failed
        with answer:
            at = answer.url.replace(real, f"{parts.scheme}://{parts.netloc}", 1)
            return Got(at, answer.status or 0, answer.headers.get_content_type(), answer.read())

    def start(self, body: Body) -> Body:
        with self.lock:
            name = f"job-{len(self.jobs) + 1}"
            options = {key: value for key, value in body.items() if key not in {"urls", "origin"}}
            self.jobs[name] = Job(body["urls"], options)
        self.on_job()
        self.gate.wait()
        return {"success": True, "id": name, "url": f"{self.url}/v2/batch/scrape/{name}", "invalidURLs": []}

    def look(self, name: str, skip: int) -> Body:
        job = self.jobs[name]
        given = [url for url in job.urls if urlsplit(url).path not in self.lost]
        job.looks += 1
        job.starts += skip == 0
        self.on_look(job)
        if skip == 0 or not self.stuck:
            job.documents += [self.document(url) for url in given[len(job.documents) :][: 2 if skip else 1]]
        if len(job.documents) == len(given) and job.status == "scraping":
            job.status = self.ends
        self.looked.set()
        some = job.documents[skip : skip + self.parts]
        more = skip + len(some) < len(job.documents) or job.status == "scraping"
        return {
            "success": True,
            "status": job.status,
            "completed": len(job.urls) if job.status == "completed" else len(job.documents),
            "total": len(job.urls),
            "creditsUsed": len(job.documents),
            "next": f"https://api.firecrawl.dev/v2/batch/scrape/{name}?skip={skip + len(some)}" if more else None,
            "data": [one for one in some if job.starts > 1 or self.path(one) not in self.late],
        }

    @staticmethod
    def path(document: Body) -> str:
        asked: str = document["metadata"]["sourceURL"]
        return urlsplit(asked).path

    def cancel(self, name: str) -> Body:
        self.jobs[name].status = "cancelled"
        self.cancelled.append(name)
        return {"success": True, "status": "cancelled"}


class _Answer(BaseHTTPRequestHandler):
    @property
    def double(self) -> Double:
        return cast("Double", self.server)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        skip = int(parse_qs(parts.query).get("skip", ["0"])[0])
        self._answer("GET", {}, lambda _: self.double.look(parts.path.rpartition("/")[2], skip))

    def do_DELETE(self) -> None:
        self._answer("DELETE", {}, lambda _: self.double.cancel(self.path.rpartition("/")[2]))

    def do_POST(self) -> None:
        body: Body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        ways: dict[str, Callable[[Body], Body]] = {
            "/v2/map": self.double.map,
            "/v2/scrape": lambda body: {"success": True, "data": self.double.document(body["url"])},
            "/v2/batch/scrape": self.double.start,
        }
        self._answer("POST", body, ways[self.path])

    def _answer(self, method: str, body: Body, answer: Callable[[Body], Body]) -> None:
        path = urlsplit(self.path).path
        with self.double.lock:
            self.double.asked.append(Asked(method, path, dict(self.headers), body))
            fault = next((one for one in self.double.faults if one.hits(f"{method} {path}", body)), None)
            if fault:
                fault.times -= 1
        if fault and fault.status == 0:
            self.close_connection = True
            return
        answered = fault or Fault(path, body=answer(body))
        status, said = answered.status, answered.body
        text = said if isinstance(said, str) else json.dumps(said)
        self.send_response(status)
        for name, value in {
            "Content-Type": JSON,
            "Content-Length": str(len(text.encode())),
            **answered.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's own
        """Says nothing."""


@contextmanager
def set_up(monkeypatch: pytest.MonkeyPatch) -> Generator[Double]:
    """A double that the settings name, and that may be as slow as the machine."""
    monkeypatch.setattr(following, "FIRST_POLL_SECONDS", 0.001)
    monkeypatch.setattr(following, "MAX_POLL_SECONDS", 0.01)
    monkeypatch.setattr(firecrawl, "ROBOTS_SECONDS", 3600.0)
    for name in ("CALL_SECONDS", "JOB_SECONDS", "CANCEL_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(following, name, 3600.0)
    answering = Double()
    monkeypatch.setenv("FIRECRAWL_API_KEY", A_KEY)
    monkeypatch.setenv("FIRECRAWL_API_URL", answering.url)
    yield answering
    answering.close()
