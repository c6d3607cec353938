from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import shapely
from shapely.geometry import box

from geoalert.errors import Invalid
from geoalert.wards import City
from geoalert.wards.contacts import contacts_for, entry_facts, office_entries, offices_of
from geoalert.wards.directory import COLUMNS, VERIFIED_FOR, Entry, contact, load_directory

ON = date(2026, 11, 1)
HEAD = ",".join(COLUMNS)


def entry(pune: City, **changes: object) -> Entry:
    return replace(pune.directory["kothrud-bavdhan"], **changes)  # type: ignore[arg-type]


@pytest.mark.requirement("S002-15")
def test_every_office_has_an_entry_and_none_is_verified(pune: City) -> None:
    assert set(pune.directory) == {office.code for office in pune.tree.offices(ON)}
    assert not any(entry.holds(ON) for entry in pune.directory.values())
    assert pune.directory["kondhwa-yewalewadi"].phone == ""
    assert pune.directory["kasba-vishrambagwada"].at is None
    for found in pune.directory.values():
        addresses = [text for text in found.address.values() if text]
        assert len(addresses) in {0, 3}, found.office_code


@pytest.mark.requirement("S002-15")
def test_an_unverified_number_is_never_the_one_to_call(pune: City) -> None:
    for office in pune.tree.offices(ON):
        facts = entry_facts(pune, office, ON)
        assert facts["call"] == {"phone": pune.config.helpline, "whose": "city"}
        assert facts["listed"]["status"] == "unverified"


@pytest.mark.parametrize(
    ("verified", "phone", "whose"),
    [
        (None, "020-25501600", "city"),
        (ON, "020-25501600", "office"),
        (ON + timedelta(days=1), "020-25501600", "city"),
        (ON - VERIFIED_FOR + timedelta(days=1), "020-25501600", "office"),
        (ON - VERIFIED_FOR, "020-25501600", "city"),
        (ON, "", "city"),
    ],
)
def test_a_number_counts_for_a_year_from_the_day_it_was_verified(
    pune: City, verified: date | None, phone: str, whose: str
) -> None:
    call = contact(entry(pune, verified=verified, phone=phone), pune.config.helpline, ON)
    assert (call.whose, call.phone) == (whose, phone if whose == "office" else pune.config.helpline)


def test_an_office_nobody_listed_has_the_helpline(pune: City) -> None:
    assert contact(None, pune.config.helpline, ON).phone == pune.config.helpline


def test_an_area_touches_the_offices_it_shares_ground_with(pune: City) -> None:
    kothrud = pune.tree.get("kothrud-bavdhan", ON)
    assert [office.code for office, _ in contacts_for(pune, kothrud.geometry, ON)] == ["kothrud-bavdhan"]
    around = {office.code for office, _ in contacts_for(pune, kothrud.geometry.buffer(0.001), ON)}
    assert {"kothrud-bavdhan", "aundh-baner", "warje-karvenagar"} <= around
    assert contacts_for(pune, box(77.0, 28.0, 77.1, 28.1), ON) == []
    assert len(contacts_for(pune, shapely.union_all([o.geometry for o in pune.tree.offices(ON)]), ON)) == 15


@pytest.mark.parametrize(
    ("code", "offices"),
    [("Z2", 3), ("kothrud-bavdhan", 1), ("2017-P12", 1)],
)
def test_the_offices_that_answer_for_a_ward(pune: City, code: str, offices: int) -> None:
    found = offices_of(pune, pune.tree.get(code, ON), ON)
    assert len(found) == offices
    assert "kothrud-bavdhan" in {office.code for office in found}
    assert [row["zone_code"] for row in office_entries(pune, found, ON)] == ["Z2"] * offices


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "must have the columns"),
        (f"{HEAD}\nx,,,,020-2550,,,,,,,\nx,,,,,,,,,,,\n", "line 3: x is there already"),
        (f"{HEAD}\n,,,,,,,,,,,\n", "line 2: office_code is empty"),
        (f"{HEAD}\nx,,,,call us,,,,,,,\n", "line 2: phone is not a number"),
        (f"{HEAD}\nx,,,,,,,73.8,18.5,,,\n", "line 2: latitude and longitude look swapped"),
        (f"{HEAD}\nx,,,,,,,18.5,,,,\n", "line 2: longitude must be a number"),
        (f"{HEAD}\nx,,,,,,,,,a letter,yesterday,\n", "line 2: verified is a date"),
        (f"{HEAD}\nx,,,,,,,,,,2026-11-01,\n", "line 2: a verified entry says its source"),
    ],
)
def test_a_wrong_line_is_named(pune: City, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "directory.csv").write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match=words):
        load_directory(tmp_path, pune.config.bbox)


def test_a_city_may_keep_none_and_it_must_be_utf_8(pune: City, tmp_path: Path) -> None:
    assert load_directory(tmp_path, pune.config.bbox) == {}
    (tmp_path / "directory.csv").write_bytes(f"{HEAD}\nx,Caf\xe9,,,,,,,,,,\n".encode("cp1252"))
    with pytest.raises(Invalid, match="not UTF-8"):
        load_directory(tmp_path, pune.config.bbox)
