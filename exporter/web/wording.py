"""How the status board words moments, spans, numbers, names and states in each language; the template's filters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from markupsafe import Markup, escape

from exporter.model import ConnectionStatus, Message
from exporter.proof import Arrival, Import, Learning, ProofState
from exporter.state.findings import Finding
from exporter.support.local_time import CalendarWords, date_of, day_and_time, from_to, in_utc, in_zone
from exporter.texts import Texts
from exporter.web.status_types import Connections, Pair, SilentPair, Target

#: Broken first, the order of the words in every summary.
STATUS_ORDER: Final = (
    ConnectionStatus.ERROR,
    ConnectionStatus.DISCONNECTED,
    ConnectionStatus.UNKNOWN,
    ConnectionStatus.UNDEFINED,
    ConnectionStatus.SYNC_IN_PROGRESS,
    ConnectionStatus.CONNECTED,
    ConnectionStatus.SYNCED,
)

_UTC: Final = "UTC"
_GUID: Final = 36  # letters
_ID: Final = re.compile(rf"\d+|[0-9A-Fa-f-]{{8,{_GUID}}}")
_NO_BREAK: Final = "\u00a0"
_DAYS: Final = Message("%(number)s d")
_HOURS: Final = Message("%(number)s h")
_MINUTES: Final = Message("%(number)s min")
_SECONDS: Final = Message("%(number)s s")
_UNITS: Final = ((86_400, _DAYS), (3_600, _HOURS), (60, _MINUTES), (1, _SECONDS))
_MISSING: Final = Message("%(count)s missing").text
_LATE: Final = Message("%(count)s are there %(span)s too late").text
_EARLY: Final = Message("%(count)s are there %(span)s too early").text
_PENDING: Final = Message("%(count)s too new to tell").text
_LEFT: Final = Message("%(count)s cancelled and still there").text
_NEXT_POLL: Final = Message("not judged before the next poll")
_LEARNING: Final[Mapping[Learning, str]] = {
    Learning.FEW_BOOKINGS: Message("learning, too few bookings were due"),
    Learning.NONE_ARRIVES: Message("learning, no booking arrives as a busy time"),
    Learning.MARKED_FREE: Message("learning, bookings arrive marked as free, which proves nothing"),
}


def subject(found: Finding) -> str:
    """Return what of a target is broken; a connection with the type of its calendar beside it: ``Chair 1 (google)``."""
    return f"{found.subject} ({found.connection.calendar_type})" if found.connection else found.subject


def resource(target: Target, resource_id: str) -> str:
    """Return what people call a resource: its alias, else its name on the platform, else its id."""
    names = target.bookings.resource_names if target.bookings else {}
    return target.resource_aliases.get(resource_id) or names.get(resource_id) or resource_id


def natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """Return what sorts names as people do: ``Chair 2`` before ``Chair 10``, whatever their case."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((1, int(part)) if position % 2 else (0, part) for position, part in enumerate(parts))


def plain(word: str) -> str:
    """Return an identifier as words: ``sync_in_progress`` -> ``sync in progress``."""
    return word.replace("_", " ")


def prose(text: str) -> Markup:
    """Return advice as HTML: what stands between back quotes is code, ``->`` is an arrow."""
    parts = text.replace("->", "\u2192").split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if position % 2 else escape(part) for position, part in enumerate(parts)
    )


def is_id(text: str) -> bool:
    """Return whether ``text`` is a number, a hash or a GUID: what is copied in one go, and so never broken over lines."""
    return bool(_ID.fullmatch(text))


def is_long(text: str) -> bool:
    """Return whether ``text`` has a word for which the narrowest phone has no room, so that it is broken anywhere."""
    return max(map(len, text.split()), default=0) > _GUID


def tied(text: str) -> str:
    """Return ``text`` with spaces at which no line ends."""
    return text.replace(" ", _NO_BREAK)


def is_quoted(text: str) -> bool:
    """Return whether ``text`` quotes a platform or the log, so that it is English whatever the language of the page."""
    return not isinstance(text, Message)


def capital(text: str) -> str:
    """Return ``text`` as a heading begins: with a capital letter, and the others as they are."""
    return text[:1].upper() + text[1:]


class Wording(msgspec.Struct, frozen=True):
    """The words of one language."""

    texts: Texts
    words: CalendarWords

    def text(self, text: str) -> str:
        """Return a sentence of ours, or a word of a closed list, in this language."""
        return self.texts.of(text)

    def word(self, name: str) -> str:
        """Return an identifier of a closed list as words: ``sync_in_progress`` -> ``sync in progress``."""
        return self.texts.of(plain(name))

    def subject(self, found: Finding) -> str:
        """Return what of a target is broken; a connection with the type of its calendar beside it: ``Chair 1 (google)``."""
        if found.connection:
            return f"{found.subject} ({self.word(found.connection.calendar_type)})"
        if isinstance(found.subject, Message):
            return self.text(found.subject)
        return found.subject if found.begins is not None else self.word(found.subject)

    def span(self, seconds: float) -> str:
        """Word a length of time with at most two units: ``45 s``, ``5 min``, ``1 h 20 min``, ``3 d 4 h``."""
        return self._in_units(seconds, _UNITS)

    def busy(self, seconds: float) -> str:
        """Word for how long somebody is busy, which no day is the measure of: ``5 min``, ``26 h 30 min``."""
        return self._in_units(seconds, _UNITS[1:])

    def _in_units(self, seconds: float, units: Sequence[tuple[int, Message]]) -> str:
        whole = max(0, int(seconds))
        for position, (size, unit) in enumerate(units):
            if whole < size:
                continue
            first, rest = divmod(whole, size)
            smaller, smaller_unit = units[min(position + 1, len(units) - 1)]
            second = rest // smaller
            # Seconds beside minutes are noise, except where the minutes are few.
            if second and (smaller_unit is not _SECONDS or first < 5):  # noqa: PLR2004  five minutes
                return f"{self._measure(first, unit)}{_NO_BREAK}{self._measure(second, smaller_unit)}"
            return self._measure(first, unit)
        return self._measure(0, _SECONDS)

    def relative(self, moment: datetime, now: datetime) -> str:
        """Word how far ``moment`` lies from ``now``: ``3 min ago``, ``in 2 h``, ``now``."""
        seconds = (moment - now).total_seconds()
        if abs(seconds) < 1:
            return self.text(Message("now"))
        if seconds > 0:
            return self.text(Message("in %(span)s", span=self.span(seconds)))
        return self.text(Message("%(span)s ago", span=self.span(-seconds)))

    def local(self, moment: datetime, zone: str, now: datetime) -> str:
        """Word ``moment`` on the clock of ``zone``: ``today 09:30``, ``Fri 27 Nov 09:30``; in UTC it is said that it is UTC."""
        text = day_and_time(in_zone(moment, zone), now, self.words)
        return f"{text} UTC" if zone == _UTC else text

    def beside(self, moment: datetime, zone: str) -> str:
        """Return what stands beside the local form of ``moment``: the same in UTC; nothing where that is the zone."""
        return "" if zone == _UTC else in_utc(in_zone(moment, zone), self.words)

    def date(self, moment: datetime, zone: str) -> str:
        """Word the date of ``moment`` on the calendar of ``zone``: ``Fri 27 Nov``."""
        return date_of(in_zone(moment, zone), self.words)

    def seconds(self, moment: datetime, zone: str) -> str:
        """Word the time of ``moment`` on the clock of ``zone`` to the second, UTC beside it: ``09:30:12 (08:30 UTC)``."""
        here = in_zone(moment, zone)
        return f"{here:%H:%M:%S} UTC" if zone == _UTC else f"{here:%H:%M:%S} ({in_utc(here, self.words)})"

    def interval(self, start: datetime, end: datetime, zone: str, now: datetime) -> str:
        """Word an interval on the clock of ``zone``: ``today 09:30 to 09:50``."""
        text = from_to(in_zone(start, zone), in_zone(end, zone), now, self.words)
        return f"{text} UTC" if zone == _UTC else text

    def number(self, value: float, decimals: int | None = None) -> str:
        """Word a number, thousands apart by a narrow space; without needless decimals unless it is said how many."""
        if decimals is None:
            decimals = 0 if value == int(value) else 1
        whole, _, rest = f"{value:,.{decimals}f}".replace(",", "\u202f").partition(".")
        return f"{whole}{self.texts.decimal_point}{rest}" if rest else whole

    def facts(self, target: Target) -> list[str]:
        """Return what the folded line of a target says about it."""
        found: list[str] = []
        if target.paused:
            found.append(self.text(Message("paused")))
        elif target.closed:
            found.append(self.text(Message("closed today")))
        if target.connections:
            found.append(self._connections(target.connections))
        if target.bookings and target.bookings.windows:
            row = target.bookings.windows[-1]
            found.append(
                self.text(
                    Message(
                        "%(count)s booking in %(window)s",
                        "%(count)s bookings in %(window)s",
                        number=row.bookings,
                        count=self.number(row.bookings),
                        window=row.window,
                    )
                )
            )
        if target.busy and target.busy.windows:
            times = target.busy.windows[-1]
            told = Message("%(span)s busy in %(window)s", span=self.busy(times.busy_seconds), window=times.window)
            found.append(self.text(told))
        if len(target.pairs) + len(target.silent_pairs) > 1:
            found.append(self._pairs(target))
        else:
            found += [self.pair(pair) for pair in target.pairs] + [self.silent_pair(pair) for pair in target.silent_pairs]
        ages = [collector.data_age_seconds for collector in target.collectors if collector.data_age_seconds is not None]
        if ages:
            found.append(self.text(Message("data %(span)s old", span=self.span(max(ages)))))
        return found

    def pair(self, pair: Pair) -> str:
        """Return what a pair says in a line: ``Anna: 41 of 41 arrived, median 3 min``."""
        if pair.learning is not None:
            words = [self.text(_LEARNING[pair.learning])]
        else:
            numbers = next((row.bookings for row in pair.windows if row.window == "next_7d"), {})
            parts = []
            if numbers:
                arrived, total = numbers.get(Arrival.ARRIVED, 0), sum(numbers.values())
                message = Message("%(arrived)s of %(total)s arrived", arrived=self.number(arrived), total=self.number(total))
                parts.append(message)
            counted = [
                (
                    _MISSING if pair.shift_seconds is None else _LATE if pair.shift_seconds > 0 else _EARLY,
                    numbers.get(Arrival.MISSING),
                ),
                (_PENDING, numbers.get(Arrival.PENDING)),
                (_LEFT, pair.left_behind),
            ]
            shift = self.span(abs(pair.shift_seconds or 0.0))
            parts += [Message(text, count=self.number(count), span=shift) for text, count in counted if count]
            if pair.lag_seconds is not None:
                parts.append(Message("median %(span)s", span=self.span(pair.lag_seconds)))
            words = [self.text(part) for part in parts]
        if pair.imports is not None:
            known, total = pair.imports.get(Import.KNOWN, 0), sum(pair.imports.values())
            message = Message(
                "%(known)s of %(total)s busy times known to the platform", known=self.number(known), total=self.number(total)
            )
            words.append(self.text(message))
        return f"{pair.pair}: {', '.join(words)}" if words else pair.pair

    def silent_pair(self, pair: SilentPair) -> str:
        """Return why a pair says nothing: ``Anna: not judged, no fresh data of anna-cal``."""
        lacking = Message("not judged, no fresh data of %(targets)s", targets=", ".join(pair.lacking))
        return f"{pair.pair}: {self.text(lacking if pair.lacking else _NEXT_POLL)}"

    def _pairs(self, target: Target) -> str:
        number, proved = (
            len(target.pairs) + len(target.silent_pairs),
            sum(pair.state == ProofState.PROVED for pair in target.pairs),
        )
        return self.text(
            Message(
                "%(proved)s of %(count)s pair proved",
                "%(proved)s of %(count)s pairs proved",
                number=number,
                proved=self.number(proved),
                count=self.number(number),
            )
        )

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Return the filters of the template."""
        names = [
            "text",
            "word",
            "subject",
            "span",
            "busy",
            "relative",
            "local",
            "beside",
            "interval",
            "date",
            "seconds",
            "number",
            "pair",
            "silent_pair",
        ]
        return {**{name: getattr(self, name) for name in names}, "prose": prose, "capital": capital, "tied": tied}

    def _connections(self, seen: Connections) -> str:
        """Return how many connections there are in which state: ``3 connections: 1 error, 2 synced``."""
        counts = Counter(row.status for row in seen.connections)
        words = [
            self.text(Message("%(count)s %(state)s", count=self.number(counts[status]), state=self.word(status)))
            for status in STATUS_ORDER
            if counts[status]
        ]
        if dropped := seen.dropped_connections:
            words.append(self.text(Message("%(count)s not listed", count=self.number(dropped))))
        number = len(seen.connections) + dropped
        count = self.text(Message("%(count)s connection", "%(count)s connections", number=number, count=self.number(number)))
        return f"{count}: {', '.join(words)}" if words else count

    def _measure(self, number: int, unit: Message) -> str:
        return (self.texts.of(unit) % {"number": number}).replace(" ", _NO_BREAK)


def wording_in(texts: Texts) -> Wording:
    """Return the words of the language of ``texts``."""
    words = CalendarWords(
        days=texts.days,
        months=texts.months,
        near=(texts.of(Message("yesterday")), texts.of(Message("today")), texts.of(Message("tomorrow"))),
        date=texts.of(Message("%(weekday)s %(day)s %(month)s")),
        interval=texts.of(Message("%(start)s to %(end)s")),
    )
    return Wording(texts, words)
