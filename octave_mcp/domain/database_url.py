"""Normalizes OCTAVE_DATABASE_URL, so that the store, the engine and the locks interpret the URL in the same way.

Users copy URLs from other tools, so common spellings are accepted. If a spelling is not accepted, an error shows the
correct form. The error quotes only the scheme of the URL, because the rest can contain a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

from octave_mcp.errors import SetupError

VARIABLE = "OCTAVE_DATABASE_URL"
POSTGRES_FORM = "postgresql://HOST/DATABASE with USER:PASSWORD@ before HOST"
SQLITE_FORM = "sqlite:////absolute/path/octave.db"
HIGHEST_PORT = 65_535
# Timeout for connecting to a database server, unless the URL has a `connect_timeout`. DBOS uses the same timeout.
CONNECTING_SECONDS = 10

SCHEME = re.compile(
    r"(?P<scheme>(?:jdbc:)?(?P<dialect>[a-z][a-z0-9.-]*)(?:\+(?P<driver>[a-z0-9_]*))?)://", re.IGNORECASE
)
# Maps each supported SQL dialect to the only driver that octave-mcp uses for it.
DRIVERS = {"postgresql": "psycopg", "postgres": "psycopg", "sqlite": "pysqlite"}
HOST = r"(?:\[[0-9a-f:.%]+\]|[\w.%-]*)(?::[^/?@,]*)?"
OPTION = r"[\w.-]+=[^&]*"
# Users often forget to escape '@', '/', '?' and '#' in a password. The pattern for `password` therefore accepts
# these characters. Its quantifier is lazy: the first '@' that is followed by a valid host and database ends the match.
POSTGRES = re.compile(
    r"(?:(?P<user>[^:/]*?)(?::(?P<password>.*?))?@)?"
    rf"(?P<hosts>{HOST}(?:,{HOST})*)"
    r"(?:/(?P<database>[^/@?]*))?"
    rf"(?:\?(?P<options>{OPTION}(?:&{OPTION})*)?)?",
    re.IGNORECASE | re.DOTALL,
)
SQLITE = re.compile(r"/(?P<file>[^?]+)(?P<options>\?.*)?", re.DOTALL)


def canonical(given: str) -> str:
    """Return the URL in the form that SQLAlchemy and DBOS accept.

    Raises:
        SetupError: If the database or driver is not supported, or the URL is incomplete.
    """
    given = given.strip()
    found = SCHEME.match(given)
    if not found:
        quoted = "; remove the quotation marks" if given[:1] in {"'", '"'} else ""
        raise _refused(f"the URL does not start with postgresql:// or sqlite:///{quoted}")
    dialect, driver, rest = found["dialect"].lower(), found["driver"], given[found.end() :]
    if dialect not in DRIVERS or found["scheme"].lower().startswith("jdbc:"):
        raise _refused(f"'{found['scheme']}://' is not supported")
    if driver is not None and driver.lower() != DRIVERS[dialect]:
        form = SQLITE_FORM if dialect == "sqlite" else POSTGRES_FORM
        raise _refused(f"'{found['scheme']}://' names a driver that octave-mcp does not use", form)
    return _sqlite(rest) if dialect == "sqlite" else _postgres(rest)


def of_file(file: Path) -> str:
    """Return the URL of a SQLite file, with special characters in its path escaped."""
    return f"sqlite:///{re.sub('[%?#]', lambda letter: quote(letter[0]), str(file))}"


def file_of(url: str) -> Path | None:
    """Return the file of a canonical SQLite URL; None if the URL is for a database server."""
    scheme, _, rest = url.partition(":///")
    return Path(unquote(rest.partition("?")[0])) if scheme == "sqlite" else None


def is_scheme(given: str) -> bool:
    """Whether the URL is only a scheme ('sqlite:///').

    A URL that is only a scheme is not masked, because it contains no secret and masking it would garble error messages.
    """
    found = SCHEME.match(given.strip())
    return found is not None and not given.strip()[found.end() :].strip("/")


def _sqlite(rest: str) -> str:
    found = SQLITE.fullmatch(rest)
    if not found:
        raise _refused("the URL has no file after sqlite:///", SQLITE_FORM)
    file = unquote(found["file"])
    if file == ":memory:" or file.startswith("file:"):
        raise _refused("in-memory databases and file: URLs are not supported", SQLITE_FORM)
    path = Path(file).expanduser() if file.startswith("~/") else Path(file)
    return of_file(path.absolute()) + (found["options"] or "")


def _postgres(rest: str) -> str:
    found = POSTGRES.fullmatch(rest)
    if not found:
        raise _refused("the URL cannot be parsed (in a password, write @ as %40, / as %2F and % as %25)", POSTGRES_FORM)
    options = parse_qsl(found["options"] or "", keep_blank_values=True)
    database = unquote(found["database"] or "") or dict(options).get("dbname", "")
    if not database:
        raise _refused("the URL does not name a database", POSTGRES_FORM)
    place, hosts = _place(found["hosts"])
    user = "".join(_login(found["user"], found["password"]))
    rest = urlencode([*hosts, *(option for option in options if option[0] != "dbname")], quote_via=quote)
    return f"postgresql+psycopg://{user}{place}/{quote(database, safe='')}" + (f"?{rest}" if rest else "")


def _login(user: str | None, password: str | None) -> Iterator[str]:
    if user is not None:
        yield quote(unquote(user), safe="")
        if password is not None:
            yield f":{quote(unquote(password), safe='')}"
        yield "@"


def _place(hosts: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the host part of the URL and the `host` options.

    A single host stays in the URL and needs no `host` option. SQLAlchemy accepts several hosts, or a socket directory,
    only as options.
    """
    for host in hosts.split(","):
        port = re.search(r":([^\]]+)$", host)
        if port and not (port[1].isdecimal() and 0 < int(port[1]) <= HIGHEST_PORT):
            raise _refused(f"the port is not a number from 1 to {HIGHEST_PORT}", POSTGRES_FORM)
    if "," in hosts or "%2f" in hosts.lower():
        return "", [("host", unquote(host).rstrip(":")) for host in hosts.split(",")]
    return hosts.rstrip(":"), []


def _refused(why: str, form: str = f"{POSTGRES_FORM}, or {SQLITE_FORM} for a file") -> SetupError:
    return SetupError(f"{VARIABLE}: {why}; write {form}")
