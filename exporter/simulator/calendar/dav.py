"""The XML of CalDAV (RFC 4791): what a request asks for, and the multistatus that answers it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from exporter.simulator.calendar import ical
from exporter.simulator.calendar.calendars import Calendar
from exporter.simulator.calendar.entries import Entry
from exporter.simulator.calendar.switches import Switches

CALDAV: Final = "urn:ietf:params:xml:ns:caldav"
_CALENDAR_SERVER: Final = "http://calendarserver.org/ns/"
_SYNC: Final = "http://simulator.example/ns/sync/"


@dataclass(frozen=True, slots=True)
class Question:
    """What the body of a REPORT or PROPFIND asks: ``kind`` is the local name of its root, ``properties`` are local names."""

    kind: str
    start: float = float("-inf")
    end: float = float("inf")
    expands: bool = False
    properties: frozenset[str] = frozenset()


def question(body: bytes) -> Question:
    """Read a request. Raises :class:`ValueError` for what is no XML, has entities of its own, or a time that is none."""
    if b"<!" in body:
        raise ValueError("a request has no document type")
    try:
        root = ET.fromstring(body)  # noqa: S314  the simulator serves loopback, and entities were refused above
    except ET.ParseError as error:
        raise ValueError("the request is no XML") from error
    expand, between = root.find(f".//{{{CALDAV}}}expand"), root.find(f".//{{{CALDAV}}}time-range")
    limits = expand if expand is not None else between
    start = end = None
    if limits is not None:
        start, end = limits.get("start"), limits.get("end")
    asked = frozenset(_local(child) for prop in root.iter("{DAV:}prop") for child in prop)
    return Question(_local(root), _moment(start, float("-inf")), _moment(end, float("inf")), expand is not None, asked)


def entries_found(calendar: Calendar, asked: Question, switches: Switches) -> bytes:
    """Return the entries that touch the range, expanded if so asked, with their titles and whatever their status is."""
    responses = []
    for entry in calendar:
        instances = list(entry.instances(asked.start, asked.end)) if asked.end != float("inf") else [entry]
        if not instances:
            continue
        lines = _lines(instances if asked.expands else [entry], recurs=asked.expands and entry.rule is not None)
        data = ical.calendar(lines, newline="\n").decode()
        tag = f'"{calendar.version}-{entry.uid}"'
        properties = {"{DAV:}getetag": tag, f"{{{CALDAV}}}calendar-data": data}
        responses.append((f"{calendar.path}{entry.uid}.ics", properties))
    return _multistatus(responses, switches)


def tags(calendar: Calendar, asked: Question, switches: Switches) -> bytes:
    """Return what tells whether anything changed: all three are there, and a change changes each."""
    known = {
        "sync-token": ("{DAV:}sync-token", f"{_SYNC}{calendar.version}"),
        "getctag": (f"{{{_CALENDAR_SERVER}}}getctag", f'"{calendar.version}"'),
        "getetag": ("{DAV:}getetag", f'"{calendar.version}"'),
    }
    return _multistatus([(calendar.path, dict(known[name] for name in known if name in asked.properties))], switches)


def no_responses(switches: Switches) -> bytes:
    """Return a multistatus about nothing, as servers send that do not know a report."""
    return _multistatus([], switches)


def _lines(entries: Iterable[Entry], *, recurs: bool) -> Iterable[str]:
    for entry in entries:
        yield from entry.lines(instance=recurs)


def _multistatus(responses: Iterable[tuple[str, dict[str, str]]], switches: Switches) -> bytes:
    root = ET.Element("{DAV:}multistatus")
    for href, properties in responses:
        response = ET.SubElement(root, "{DAV:}response")
        ET.SubElement(response, "{DAV:}href").text = href
        propstat = ET.SubElement(response, "{DAV:}propstat")
        if switches.prefixed:
            ET.SubElement(propstat, "{DAV:}status").text = "HTTP/1.1 200 OK"
        prop = ET.SubElement(propstat, "{DAV:}prop")
        for name, value in properties.items():
            ET.SubElement(prop, name).text = value
        if not switches.prefixed:
            ET.SubElement(propstat, "{DAV:}status").text = "HTTP/1.1 200 OK"
    # Radicale has the namespace of DAV without a prefix, xandikos has ElementTree's ns0.
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=not switches.prefixed)
    return (
        text if switches.prefixed else text.replace(b"<ns0:", b"<").replace(b"</ns0:", b"</").replace(b"xmlns:ns0=", b"xmlns=")
    )


def _moment(text: str | None, otherwise: float) -> float:
    return otherwise if text is None else datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
