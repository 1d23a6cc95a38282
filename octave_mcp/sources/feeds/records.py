"""Reads the records of an XML file, such as the items of a feed, from a server that may be hostile."""

# lxml comes without types.
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from lxml import etree

MAX_EVENTS = 600_000
MAX_RECORDS = 2000
LONGEST_TEXT = 20_000
Record = dict[str, str]


class NotAFeed(ValueError):
    """The answer is not a list that we can read."""


def records(body: bytes, *, roots: frozenset[str], names: frozenset[str]) -> Iterator[Record]:
    """The records of those names in a file with one of those roots: their fields by name, the first of each name.

    Of a damaged file, those before the damage. Namespaces do not matter.

    Raises:
        NotAFeed: it is a file of another kind.
    """
    reader = _Reader(roots, names)
    with suppress(etree.XMLSyntaxError):
        reader.read(_events(body))
    if reader.root not in roots:
        raise NotAFeed("The answer is not a feed")
    yield from reader.found


def _events(body: bytes) -> Iterable[tuple[str, Any]]:
    return etree.iterparse(
        io.BytesIO(body),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        recover=True,
        load_dtd=False,
    )


class _Reader:
    """Frees what is not in a record at once: a file must cost no more memory than its records."""

    def __init__(self, roots: frozenset[str], names: frozenset[str]) -> None:
        self.root = ""
        self.found: list[Record] = []
        self._roots, self._names = roots, names
        self._open = 0
        """Records that have begun and not ended: they may be in each other."""

    def read(self, events: Iterable[tuple[str, Any]]) -> None:
        for count, (event, element) in enumerate(events):
            name = _local(element)
            self.root = self.root or name
            if self.root not in self._roots or count > MAX_EVENTS or len(self.found) >= MAX_RECORDS:
                return
            if event == "start":
                self._open += name in self._names
            else:
                self._end(element, name)

    def _end(self, element: Any, name: str) -> None:  # noqa: ANN401 - lxml comes without types
        if name in self._names:
            self._open -= 1
            self.found.append(_fields(element))
        if not self._open:
            _release(element)


def _fields(element: Any) -> Record:  # noqa: ANN401 - ditto
    fields: Record = {}
    for child in element:
        if name := _local(child):
            fields.setdefault(name, "".join(child.itertext()).strip()[:LONGEST_TEXT])
    return fields


def _release(element: Any) -> None:  # noqa: ANN401 - ditto
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)


def _local(element: Any) -> str:  # noqa: ANN401 - ditto
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
