"""What people do after they signed up: they move, and add, prove or lose addresses."""

from __future__ import annotations

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.bootstrap import House
from geoalert.store import database_now, keys_of
from geoalert.subscribers import erase
from geoalert.subscribers.cells import cell_of, to_lattice
from geoalert.subscribers.codes import CHANNELS, CITIZEN_CHANNELS
from geoalert.subscribers.register import bound_to
from geoalert.subscribers.tables import Address, AreaPlace, Place, Subscriber


async def move_to(house: House, person: int, at: tuple[float, float]) -> None:
    """All their places to (lon, lat)."""
    x, y = to_lattice(at[0]), to_lattice(at[1])
    async with house.store.writing() as session:
        theirs = update(Place).where(Place.subscriber_id == person)
        await session.execute(theirs.values(x=x, y=y, cell=cell_of(x, y)))


async def add_place(session: AsyncSession, person: int, at: tuple[float, float]) -> None:
    x, y = to_lattice(at[0]), to_lattice(at[1])
    await session.execute(insert(Place).values(subscriber_id=person, label="work", x=x, y=y, cell=cell_of(x, y)))


async def add_ward(house: House, person: int, code: str) -> None:
    async with house.store.writing() as session:
        await session.execute(insert(AreaPlace).values(subscriber_id=person, label="parents", kind="ward", code=code))


async def add_sms(house: House, person: int, *, rank: int = 1, state: str = "active") -> None:
    """A phone, behind what they have already."""
    number, channel = f"+917{person:09d}", CHANNELS["sms"]
    async with house.store.writing() as session:
        now, keys = await database_now(session), keys_of(session)
        row = Address(
            owner_kind="subscriber",
            owner_id=person,
            channel=channel,
            kind=CITIZEN_CHANNELS["sms"],
            sealed=keys.seal(number, bound_to("subscriber", person, channel)),
            blind=keys.index(number, CITIZEN_CHANNELS["sms"]),
            rank=rank,
            state=state,
            created_at=now,
            verified_at=None,
        )
        session.add(row)


async def set_addresses(house: House, person: int, state: str, *channels: str) -> None:
    """Those of these channels, or all."""
    codes = [CHANNELS[name] for name in channels or CHANNELS]
    async with house.store.writing() as session:
        theirs = (Address.owner_kind == "subscriber") & (Address.owner_id == person) & Address.channel.in_(codes)
        await session.execute(update(Address).where(theirs).values(state=state))


async def set_person(house: House, person: int, **values: object) -> None:
    async with house.store.writing() as session:
        await session.execute(update(Subscriber).where(Subscriber.id == person).values(**values))


async def reference_of(house: House, person: int) -> str:
    async with house.store.reading() as session:
        return (await session.get_one(Subscriber, person)).reference


async def forget(house: House, person: int) -> None:
    reference = await reference_of(house, person)
    async with house.store.writing() as session:
        await erase(session, reference, "test")
