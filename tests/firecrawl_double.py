"""A loopback server that implements the parts of Firecrawl's API that the SDK needs.

The server fetches pages from sites that tests serve. Tests can make the server fail in the same ways as Firecrawl.
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
# Stands for "all requests", because no test sends as many requests as this.
MANY = 10_000
JSON = "application/json"

Body = dict[str, Any]


@dataclass
class Fault:
    """A faulty response, which the server sends to the next `times` requests that match `path` and `url`.

    `path`: a pattern for the method and the path of these requests.

    `url`: a text in the URL of the requested page; if it is empty, the URL does not matter.
    """

    path: str
    status: int = 200
    body: str | Body = field(default_factory=lambda: {"success": False, "error": "no"})
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    times: int = MANY
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
    """The response of a site, with the final URL after redirects."""

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
    """A fake Firecrawl server on a free port.

    Each time a client polls a job, the job scrapes its next pages.
    `lost`: the paths of pages that a job never returns.
    `late`: the paths of pages that are missing until a client requests the results from the start a second time.
    `parts`: the maximum number of pages per response.
    `stuck`: if true, a job only makes progress when a client requests the results from the start.
    `moved`: the final URL of each page that redirects, by its path.
    `gate`: an event; responses to new jobs wait until the event is set.
    `reached`: maps each host that only the fake server can reach to the local origin that serves the host's pages.
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
        return sum(request.method == method and bool(re.fullmatch(path, request.path)) for request in self.asked)

    def close(self) -> None:
        self.gate.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Ignore the errors that occur when a client disconnects."""

    def map(self, body: Body) -> Body:
        root = body["url"]
        named = re.findall(r"(?im)^sitemap:\s*(\S+)", self.fetch(urljoin(root, "/robots.txt")).body.decode())
        queue = [urljoin(root, url) for url in (*named, "/sitemap.xml", "/sitemap_index.xml")]
        links: dict[str, Body] = {}
        for url in queue:
            pages, sitemaps = entries_of(self.fetch(url).body)
            queue += [sitemap for sitemap in sitemaps if sitemap not in queue]
            links |= {page.url: {"url": page.url, "title": "", "description": ""} for page in pages}
        return {"success": True, "links": list(links.values())}

    def document(self, url: str) -> Body:
        """Return a page in the format of a successful scrape, even if the site responded with an error status."""
        self.fetched[urlsplit(url).path] += 1
        response = self.fetch(url)
        metadata = {
            "sourceURL": url, "url": self.moved.get(urlsplit(url).path, response.url), "statusCode": response.status,
            "contentType": response.kind, "creditsUsed": 1,
        }  # fmt: skip
        return {"rawHtml": response.body.decode("utf-8", "replace"), "metadata": metadata}

    def fetch(self, url: str) -> Got:
        parts = urlsplit(url)
        real = self.reached.get(parts.netloc, f"{parts.scheme}://{parts.netloc}")
        request = urllib.request.Request(urljoin(real, parts._replace(scheme="", netloc="").geturl()))  # noqa: S310
        try:
            response = urllib.request.urlopen(request)  # noqa: S310 - sites on loopback
        except urllib.error.HTTPError as failed:
            response = failed
        with response:
            final_url = response.url.replace(real, f"{parts.scheme}://{parts.netloc}", 1)
            return Got(final_url, response.status or 0, response.headers.get_content_type(), response.read())

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
        available = [url for url in job.urls if urlsplit(url).path not in self.lost]
        job.looks += 1
        job.starts += skip == 0
        self.on_look(job)
        if skip == 0 or not self.stuck:
            job.documents += [self.document(url) for url in available[len(job.documents) :][: 2 if skip else 1]]
        if len(job.documents) == len(available) and job.status == "scraping":
            job.status = self.ends
        self.looked.set()
        batch = job.documents[skip : skip + self.parts]
        more = skip + len(batch) < len(job.documents) or job.status == "scraping"
        return {
            "success": True,
            "status": job.status,
            "completed": len(job.urls) if job.status == "completed" else len(job.documents),
            "total": len(job.urls),
            "creditsUsed": len(job.documents),
            "next": f"https://api.firecrawl.dev/v2/batch/scrape/{name}?skip={skip + len(batch)}" if more else None,
            "data": [page for page in batch if job.starts > 1 or self.path(page) not in self.late],
        }

    @staticmethod
    def path(document: Body) -> str:
        url: str = document["metadata"]["sourceURL"]
        return urlsplit(url).path

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
            fault = next((fault for fault in self.double.faults if fault.hits(f"{method} {path}", body)), None)
            if fault:
                fault.times -= 1
        if fault and fault.status == 0:
            self.close_connection = True
            return
        response = fault or Fault(path, body=answer(body))
        text = response.body if isinstance(response.body, str) else json.dumps(response.body)
        self.send_response(response.status)
        for name, value in {
            "Content-Type": JSON,
            "Content-Length": str(len(text.encode())),
            **response.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's own
        """Log nothing."""


@contextmanager
def set_up(monkeypatch: pytest.MonkeyPatch) -> Generator[Double]:
    """Start a fake Firecrawl server, and set its URL in the settings.

    Raise the timeouts, because the machine can be slow.
    """
    monkeypatch.setattr(following, "FIRST_POLL_SECONDS", 0.001)
    monkeypatch.setattr(following, "MAX_POLL_SECONDS", 0.01)
    monkeypatch.setattr(firecrawl, "ROBOTS_SECONDS", 3600.0)
    for name in ("CALL_SECONDS", "JOB_SECONDS", "CANCEL_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(following, name, 3600.0)
    double = Double()
    monkeypatch.setenv("FIRECRAWL_API_KEY", A_KEY)
    monkeypatch.setenv("FIRECRAWL_API_URL", double.url)
    yield double
    double.close()
