"""Who would be told, before anything is sent. Nothing is kept but who asked (`operations.preview_journal`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.alerts import find_alert, messages_of
from geoalert.alerts.content import read_times
from geoalert.alerts.facts import read_incident
from geoalert.alerts.tables import Alert
from geoalert.alerts.texts import read_texts
from geoalert.audience import Members, ruled
from geoalert.dispatch.recipients import Recipients
from geoalert.dispatch.told import told_before
from geoalert.errors import Invalid, NotFound
from geoalert.operations.channels import POST
from geoalert.operations.coarse import refuse_small, widened
from geoalert.operations.compose import outline
from geoalert.operations.desk import Desk
from geoalert.operations.estimate import estimate
from geoalert.operations.event import Event
from geoalert.operations.figures import Figures, OfficeRow
from geoalert.operations.offices import by_line, by_middle
from geoalert.operations.preview_journal import Looked, PreviewJournal
from geoalert.operations.sparing import sparing
from geoalert.store import database_now
from geoalert.subscribers.codes import CHANNELS, EMERGENCIES
from geoalert.wards.projection import area_km2


@dataclass(frozen=True, slots=True)
class Asked:
    """An area as an author names it, and what decides who in it is told."""

    category: str
    severity: str
    channels: Sequence[str]
    wards: Sequence[str] = ()
    areas: Sequence[str] = ()
    drawn: Mapping[str, Any] | None = None
    texts: Mapping[str, Mapping[str, str]] | None = None
    drill: bool = False
    incident: str | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    alert: str | None = None  # that this would be an update of

    @property
    def by_published_lines(self) -> bool:
        """Whether nobody chose a line of this area: wards, which nest in each other, or one service area."""
        return self.drawn is None and (not self.areas or (not self.wards and len(set(self.areas)) == 1))

    @property
    def codes(self) -> frozenset[int]:
        """The channels that reach people."""
        return frozenset(CHANNELS[name] for name in self.channels) - {POST}

    def event(self, now: datetime, alert_id: int | None) -> Event:
        """As other alerts of the incident see it; without times, as if it held for no longer than they do."""
        return Event(
            category=self.category,
            drill=self.drill,
            severity=self.severity,
            channels=self.codes,
            onset=self.onset,
            expires=self.expires or now,
            incident=self.incident,
            alert_id=alert_id,
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """`people` are distinct persons, held included; `inside` also counts those left out, by reason in `suppressed`.

    `may_be_affected`: those of `people` known only by a ward or a rounded cell. `told_before`: those of `people` who
    are told an update only because they were told before it. In `by_office` each person inside stands under one office,
    so that a channel's rows sum to its total, but for those told before; where figures are `rounded`, only nearly.
    `widened`: counted on whole squares of the map (`operations.coarse`). `without_margin`: the message would also reach
    those close around its wards, who are not counted.

    Who is not told by a channel goes on to their next one (`operations.going_on`): how many will is not known before,
    so `at_most` and `cost_at_most_rupees` say what it takes if everybody goes on to every channel they have.
    """

    people: int
    inside: int
    held: int
    may_be_affected: int
    told_before: int
    suppressed: dict[str, int]
    by_channel: dict[str, dict[str, int]]
    by_office: list[OfficeRow]
    segments: dict[str, int] | None
    estimated_cost_rupees: float | None
    expected_minutes: dict[str, int | None]
    rounded: bool
    widened: bool
    without_margin: bool
    at_most: dict[str, dict[str, int]]
    cost_at_most_rupees: float | None


async def preview(desk: Desk, journal: PreviewJournal, asked: Asked, by: str, *, exact: bool) -> Preview:
    """The audience as the store stands; `by` is in the audit before this returns. Unless `exact`, figures and areas
    are coarse.

    Raises:
        Invalid: points at what is wrong, or at a drawn area too small for who asks.
    """
    if asked.category not in desk.categories:
        raise Invalid(f"categories are {', '.join(desk.categories)}", pointer="/category")
    texts = None if asked.texts is None else read_texts(asked.texts, all_languages=False)
    read_incident(asked.incident)
    codes = asked.codes
    epsg = desk.city.config.epsg
    allow = None if exact else partial(refuse_small, epsg=epsg)
    async with desk.store.reading() as session:
        # Wards that an emergency widens are not, here, for low roles: with and without, a ring of 50 m would be told.
        reach = asked.severity if exact else "Unknown"
        now = await database_now(session)
        _refuse_times(asked, now)
        area = await outline(
            session, desk, reach, asked.wards, asked.areas, asked.drawn, drill=asked.drill, allow_drawn=allow, now=now
        )
        if exact or asked.by_published_lines:
            offices = by_line(desk, area, now)
        else:
            whole = widened(area, desk.city.config.bbox)
            offices = by_middle(desk, whole.area, whole.squares, now)
        aim = desk.aim(offices.area, asked.category, asked.severity, codes, now=now)
        found = await desk.find_divided(session, offices.area, aim.ground_of, offices.division)
        alert = None if asked.alert is None else await _alert(session, asked.alert)
        spare = await sparing(session, desk, asked.event(now, None if alert is None else alert.id), now)
        told = ruled(found.people, aim, now, await spare(session, found.people.subscriber))
        before = Recipients.none() if alert is None else await _only_before(session, alert, told.members)
    figures = Figures(found, told, offices, exact, before)
    totals, by_channel = figures.totals(), figures.by_channel()
    at_most = figures.at_most(codes)
    taken = estimate(by_channel, codes, desk.routes, texts, asked.severity, now)
    most = estimate(at_most, codes, desk.routes, texts, asked.severity, now)
    await journal.note(by, Looked.at(area, area_km2(area, epsg), drawn=asked.drawn is not None))
    return Preview(
        people=totals.people,
        inside=totals.inside,
        held=totals.held,
        may_be_affected=totals.may_be_affected,
        told_before=totals.told_before,
        suppressed=figures.suppressed(),
        by_channel=by_channel,
        by_office=figures.by_office(),
        segments=taken.segments,
        estimated_cost_rupees=taken.rupees,
        expected_minutes=taken.minutes,
        rounded=not exact,
        widened=not (exact or asked.by_published_lines),
        without_margin=not exact and bool(asked.wards and desk.widen_m) and asked.severity in EMERGENCIES,
        at_most=at_most,
        cost_at_most_rupees=most.rupees,
    )


def _refuse_times(asked: Asked, now: datetime) -> None:
    """As a draft's would be. An onset on its own says nothing of how long other alerts must cover."""
    if asked.expires is not None:
        read_times(asked.expires, asked.onset, now)
    elif asked.onset is not None:
        raise Invalid("say with it when the alert would expire", pointer="/expires")


async def _alert(session: AsyncSession, identifier: str) -> Alert:
    try:
        return await find_alert(session, identifier)
    except NotFound as unknown:
        raise Invalid(unknown.reason, pointer="/alert") from None


async def _only_before(session: AsyncSession, alert: Alert, members: Members) -> Recipients:
    """Whom the alert's messages may have told by another channel than these, or who are none of these: as a release
    joins them. The city's own accounts are nobody.
    """
    before = await told_before(session, [message.id for message in await messages_of(session, alert)])
    before = before.only(before.owner > 0)
    return before.without(Recipients.of(members.subscriber, members.channel, members.language))
