"""Writing people down, in groups, in the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, LargeBinary, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import append
from geoalert.store import Base, KeyRing, database_now, keys_of, next_ids
from geoalert.store.copying import add_rows
from geoalert.subscribers.cells import cell_of, to_lattice
from geoalert.subscribers.codes import CHANNELS, CITIZEN_CHANNELS, LANGUAGES, SEVERITIES
from geoalert.subscribers.person import Person
from geoalert.subscribers.tables import Address, AreaPlace, Consent, Place, Subscriber

BLINDS_A_QUERY = 500
HELD = text(
    "SELECT asked.blind FROM unnest(CAST(:blinds AS bytea[])) AS asked (blind), LATERAL ("
    "SELECT 1 FROM address WHERE channel = :channel AND kind = :kind AND blind = asked.blind LIMIT 1) AS there"
).bindparams(bindparam("blinds", type_=ARRAY(LargeBinary)))
HELD_HERE = select(Address.blind).where(
    Address.channel == bindparam("channel"),
    Address.kind == bindparam("kind"),
    Address.blind.in_(bindparam("blinds", expanding=True)),
)
NOTICE = "2026-11"  # version of the consent notice now shown


def bound_to(owner_kind: str, owner_id: int, channel: int) -> str:
    """What an address's ciphertext is bound to: moved to another owner it does not open."""
    return f"address|{owner_kind}|{owner_id}|{channel}"


async def taken(session: AsyncSession, people: Sequence[Person]) -> set[tuple[str, str]]:
    """Which (channel, value) of these people somebody already has."""
    keys = keys_of(session)
    wanted: dict[str, dict[bytes, str]] = {}
    for person in people:
        for channel, value in person.addresses.items():
            wanted.setdefault(channel, {})[keys.index(value, CITIZEN_CHANNELS[channel])] = value
    found: set[tuple[str, str]] = set()
    for channel, values in wanted.items():
        for blind in await _held(session, CHANNELS[channel], CITIZEN_CHANNELS[channel], list(values)):
            found.add((channel, values[bytes(blind)]))
    return found


async def _held(session: AsyncSession, channel: int, kind: str, blinds: list[bytes]) -> list[bytes]:
    """Which of these blind indexes are there: one look each by all columns of their unique index. By the last column
    alone, or with a list for the planner to think about, every address of the city was read.
    """
    if session.get_bind().dialect.name == "postgresql":
        rows = await session.scalars(HELD, {"channel": channel, "kind": kind, "blinds": blinds})
        return list(rows)
    there: list[bytes] = []
    for start in range(0, len(blinds), BLINDS_A_QUERY):
        part = blinds[start : start + BLINDS_A_QUERY]
        there += await session.scalars(HELD_HERE, {"channel": channel, "kind": kind, "blinds": part})
    return there


async def register(
    session: AsyncSession, people: Sequence[Person], by: str, references: Sequence[str] = ()
) -> list[int]:
    """Adds people with their places, addresses and consent; returns their ids, in order. The record says who added
    how many.

    The caller has made sure that no address is taken; the database refuses the group otherwise.
    """
    now = await database_now(session)
    ids = await next_ids(session, Subscriber, len(people))
    names = references or [str(uuid.uuid4()) for _ in people]
    keys = keys_of(session)
    # Addresses before places: what stands beside a place is put together when the place is written.
    rows: Mapping[type[Base], list[dict[str, Any]]] = {
        Subscriber: [_subscriber(id_, name, person, now) for id_, name, person in zip(ids, names, people, strict=True)],
        Address: [row for id_, person in zip(ids, people, strict=True) for row in _addresses(id_, person, keys, now)],
        Place: [row for id_, person in zip(ids, people, strict=True) for row in _places(id_, person)],
        AreaPlace: [
            {"subscriber_id": id_, "label": place.label, "kind": kind, "code": place.code}
            for id_, person in zip(ids, people, strict=True)
            for kind, places in (("ward", person.wards), ("cell", person.rounded))
            for place in places
        ],
        Consent: [
            {
                "subscriber_id": id_,
                "purpose": "routine",
                "basis": person.consent[:40],
                "notice": NOTICE,
                "language": person.language,
                "given_at": now,
            }
            for id_, person in zip(ids, people, strict=True)
            if person.consent
        ],
    }
    for table, values in rows.items():
        await add_rows(session, table, values)
    await append(session, by, "subscribers.added", names[0], {"count": len(people)})
    return ids


def _subscriber(id_: int, reference: str, person: Person, now: datetime) -> dict[str, Any]:
    start, end = person.quiet or (None, None)
    return {
        "id": id_,
        "reference": reference,
        "language": LANGUAGES[person.language],
        "categories": person.categories,
        "min_severity": SEVERITIES[person.min_severity],
        "quiet_from": start,
        "quiet_to": end,
        "consent": 1 if person.consent else 0,
        "state": "active",
        "created_at": now,
        "updated_at": now,
    }


def _places(id_: int, person: Person) -> list[dict[str, Any]]:
    rows = []
    for place in person.points:
        x, y = to_lattice(place.lon), to_lattice(place.lat)
        rows.append({"subscriber_id": id_, "label": place.label, "x": x, "y": y, "cell": cell_of(x, y)})
    return rows


def _addresses(id_: int, person: Person, keys: KeyRing, now: datetime) -> list[dict[str, Any]]:
    rows = []
    for rank, name in enumerate(person.channels):
        kind, channel, value = CITIZEN_CHANNELS[name], CHANNELS[name], person.addresses[name]
        rows.append(
            {
                "owner_kind": "subscriber",
                "owner_id": id_,
                "channel": channel,
                "kind": kind,
                "sealed": keys.seal(value, bound_to("subscriber", id_, channel)),
                "blind": keys.index(value, kind),
                "rank": rank,
                "state": "active",
                "created_at": now,
                "verified_at": now,
            }
        )
    return rows
