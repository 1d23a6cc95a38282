"""Reads records, such as the items of a feed, from XML files, including damaged and malicious ones."""

# lxml has no type annotations.
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from lxml import etree

MAX_EVENTS = 600_000
MAX_RECORDS = 2000
MAX_TEXT_CHARACTERS = 20_000
Record = dict[str, str]


class NotAFeed(ValueError):
    """The response is not a list in a supported format."""


def records(body: bytes, *, roots: frozenset[str], names: frozenset[str]) -> Iterator[Record]:
    """Yield the fields of each element whose name is in `names`. The root element must be one of `roots`.

    If a field occurs twice in a record, its first value is used. Namespaces are ignored. If a file is damaged, the
    records before the damage are used.

    Raises:
        NotAFeed: If the file has a different root element.
    """
    reader = _Reader(roots, names)
    with suppress(etree.XMLSyntaxError):
        reader.read(_events(body))
    if reader.root not in roots:
        raise NotAFeed("The response is not a feed")
    yield from reader.completed


def _events(body: bytes) -> Iterable[tuple[str, Any]]:
    return etree.iterparse(
        io.BytesIO(body),
        events=("start", "end"),
        # Entities and external DTDs are turned off, because they allow file access and exponential expansion.
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        recover=True,
        load_dtd=False,
    )


class _Reader:
    """Collects records.

    Elements outside records are freed immediately, so a large file needs no more memory than its records.
    """

    def __init__(self, roots: frozenset[str], names: frozenset[str]) -> None:
        self.root = ""
        self.completed: list[Record] = []
        self._roots, self._names = roots, names
        # `_open` is a counter and not a flag, because records can be nested.
        self._open = 0

    def read(self, events: Iterable[tuple[str, Any]]) -> None:
        for count, (event, element) in enumerate(events):
            name = _local(element)
            self.root = self.root or name
            if self.root not in self._roots or count > MAX_EVENTS or len(self.completed) >= MAX_RECORDS:
                return
            if event == "start":
                self._open += name in self._names
            else:
                self._end(element, name)

    def _end(self, element: Any, name: str) -> None:  # noqa: ANN401 - lxml has no types
        if name in self._names:
            self._open -= 1
            self.completed.append(_fields(element))
        if not self._open:
            _release(element)


def _fields(element: Any) -> Record:  # noqa: ANN401 - ditto
    fields: Record = {}
    for child in element:
        if name := _local(child):
            fields.setdefault(name, "".join(child.itertext()).strip()[:MAX_TEXT_CHARACTERS])
    return fields


def _release(element: Any) -> None:  # noqa: ANN401 - ditto
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)


def _local(element: Any) -> str:  # noqa: ANN401 - ditto
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
