"""Which offices answer for a ward or an area, and whom to call about each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from shapely.geometry.base import BaseGeometry

from geoalert.wards.directory import Contact, contact
from geoalert.wards.model import Ward
from geoalert.wards.product import City


def contacts_for(city: City, area: BaseGeometry, on: date) -> list[tuple[Ward, Contact]]:
    """The offices that share ground with the area, in code order, each with the number to call; a common line alone
    is no ground.
    """
    return [
        (office, contact(city.directory.get(office.code), city.config.helpline, on))
        for office in city.tree.offices(on)
        if office.geometry.intersects(area) and not office.geometry.touches(area)
    ]


def offices_of(city: City, ward: Ward, on: date) -> tuple[Ward, ...]:
    """The offices that answer for a ward: a zone's own, an office itself, a unit's one."""
    if ward.level == "zone":
        return tuple(child for child in city.tree.children(ward.code, on) if child.level == "office")
    return tuple(found for found in (ward, *city.tree.ancestors(ward, on)) if found.level == "office")


def ward_facts(city: City, ward: Ward, on: date) -> dict[str, Any]:
    """A ward as JSON, without its line."""
    return {
        "code": ward.code,
        "level": ward.level,
        "kind": ward.kind,
        "names": ward.names,
        "parent": ward.parent,
        "valid_from": ward.valid_from.isoformat(),
        "valid_to": ward.valid_to and ward.valid_to.isoformat(),
        "epoch": city.tree.epoch_on(on).label,
        "area_km2": ward.area_km2,
        "note": city.note_on(on),
    }


def office_entries(city: City, offices: Iterable[Ward], on: date) -> list[dict[str, Any]]:
    """The offices as JSON, each with its entry in the directory."""
    return [
        {"code": office.code, "names": office.names, "zone_code": office.parent} | entry_facts(city, office, on)
        for office in offices
    ]


def entry_facts(city: City, office: Ward, on: date) -> dict[str, Any]:
    """What the directory has on an office, as JSON. `call` is the number to give to people; `listed` is for whoever
    looks into it, with its source and whether it is verified.
    """
    entry = city.directory.get(office.code)
    call = contact(entry, city.config.helpline, on)
    facts: dict[str, Any] = {"call": {"phone": call.phone, "whose": call.whose}, "listed": None}
    if entry is not None:
        facts["listed"] = {
            "address": {language: text for language, text in entry.address.items() if text} or None,
            "phone": entry.phone or None,
            "hours": entry.hours or None,
            "officer": entry.officer or None,
            "lat": entry.at and entry.at[1],
            "lon": entry.at and entry.at[0],
            "status": "verified" if entry.holds(on) else "unverified",
            "verified": entry.verified and entry.verified.isoformat(),
            "source": entry.source or None,
            "doubt": entry.doubt or None,
        }
    return facts
