"""A simulated public web: one HTTPS server on loopback that answers for all hosts and has its own certificate.

The product resolves names and connects to port 443 as usual. Tests patch the `socket` module: host names resolve to
loopback, and port 443 becomes the port of the server. Tests must list these host names in `OCTAVE_ALLOW_HOSTS`, because
the product otherwise refuses loopback addresses.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from octave_mcp.concurrency.tls import tls_context

HTTPS = 443


class Reply(NamedTuple):
    body: bytes
    kind: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def as_json(value: object) -> Reply:
    return Reply(json.dumps(value).encode())


class PublicWeb(ThreadingHTTPServer):
    """An HTTPS server that answers for all hosts.

    `replies` maps URLs without scheme and query, such as 'api.lever.co/v0/postings/acme', to replies. If a URL is not
    in `replies`, the server responds with status 404. `asked` counts the requests for each URL.
    """

    daemon_threads = True

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.replies: dict[str, Reply] = {}
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the signature of socketserver
        """Ignore the errors that occur when a client disconnects."""


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        web = cast("PublicWeb", self.server)
        name = f"{self.headers['Host']}{self.path.partition('?')[0]}"
        with web.lock:
            web.asked[name] += 1
        reply = web.replies.get(name, Reply(b"not here", "text/plain", 404))
        self.send_response(reply.status)
        for header, value in (("Content-Type", reply.kind), ("Content-Length", str(len(reply.body))), *reply.headers):
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the signature of http.server
        """Log nothing."""


@contextmanager
def public_web(folder: Path, hosts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Generator[PublicWeb]:
    """Serve these hosts with a certificate that the product trusts."""
    web = PublicWeb(_certificate(folder / "public-web.pem", hosts))
    tls_context().load_verify_locations(folder / "public-web.pem")
    _redirect_to_loopback(monkeypatch, hosts, web.server_port)
    try:
        yield web
    finally:
        web.close()


def _redirect_to_loopback(monkeypatch: pytest.MonkeyPatch, hosts: tuple[str, ...], port: int) -> None:
    lookup: Callable[..., Any] = socket.getaddrinfo
    connect: Callable[..., Any] = socket.socket.connect

    def lookup_on_loopback(host: str | bytes | None, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the signature of socket
        return lookup("127.0.0.1" if host in hosts else host, *args, **kwargs)

    def connect_to_server(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - an address of any family
        connect(self, ("127.0.0.1", port) if address == ("127.0.0.1", HTTPS) else address)

    monkeypatch.setattr(socket, "getaddrinfo", lookup_on_loopback)
    monkeypatch.setattr(socket.socket, "connect", connect_to_server)


def _certificate(file: Path, hosts: tuple[str, ...]) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"octave-mcp test {secrets.token_hex(8)}")])
    names = [x509.DNSName(host) for host in hosts]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file
