from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from geoalert.errors import Invalid
from geoalert.wards import City, WardIndex, load_city
from geoalert.wards.locate_csv import ADDED, Tally, count_lines, locate_file
from tests.pune import PUNE

ON: Final = date(2026, 11, 1)
CITY: Final = load_city(PUNE)
INDEX: Final = WardIndex(CITY.tree, CITY.config.note)
HOME: Final = "18.507412"  # a latitude that no message may repeat


def run(
    path: Path, columns: tuple[str | None, str | None] = (None, None)
) -> tuple[Tally, list[dict[str, str]], list[str]]:
    target, told = io.StringIO(), []
    tally = locate_file(
        INDEX,
        CITY.config.bbox,
        ON,
        path,
        target,
        columns=columns,
        refused=lambda line, field, reason: told.append(f"{line}: {field}: {reason}"),
    )
    return tally, list(csv.DictReader(io.StringIO(target.getvalue()))), told


def write(folder: Path, text: str) -> Path:
    path = folder / "points.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_row_is_answered_in_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, f"id,lat,LNG,office\n1,{HOME},73.8077,mine\n\n2,18.5146,73.8788,\n3,18.511875,73.857932,x\n")
    tally, rows, told = run(path)
    assert (tally, told) == (Tally(rows=3, inside=2, outside=1, uncertain=1), [])
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert [row["ward_office_code"] for row in rows] == ["kothrud-bavdhan", "", "bhavani-peth"]
    assert [row["ward_outside"] for row in rows] == ["no", "yes", "no"]
    assert rows[2]["ward_uncertain"] == "yes"
    assert rows[0]["office"] == "mine"  # a column of the file's own stays


def test_a_refused_row_is_named_by_line_and_reason_and_nothing_else(tmp_path: Path) -> None:
    bad = [
        (f"73.8077,{HOME},", "2: lat: latitude and longitude look swapped; give latitude first"),
        ("north,73.8,", "3: lat: latitude must be a number of degrees, such as 12.3456"),
        (f"{HOME},nan,", "4: lon: longitude must be a number of degrees, such as 12.3456"),
        (f"{HOME},180.5,", "5: lon: longitude must be between -180 and 180 degrees"),
        (f"{HOME}", "6: lon: longitude must be a number of degrees, such as 12.3456"),
        (f"{HOME},73.8,a,b", "7: row: the row has more cells than the header"),
        (f'{HOME},x,"two\nlines"', "8: lon: longitude must be a number of degrees, such as 12.3456"),
        ("x,73.8,", "10: lat: latitude must be a number of degrees, such as 12.3456"),
    ]
    tally, rows, told = run(write(tmp_path, "lat,lon,name\n" + "\n".join(row for row, _ in bad) + "\n"))
    assert told == [words for _, words in bad]
    assert tally == Tally(rows=8, refused=8)
    assert [row["ward_refused"] for row in rows] == [words.split(": ", 2)[2] for _, words in bad]
    assert HOME not in "".join(told)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("\n\n", "has no column lat or latitude"),
        ("lat,name\n", "has no column lon or lng"),
        ("lat,latitude,lon\n", "more than one column"),
        ("name;lat;lon\n", "separated by semicolons; save the file with commas"),
        ("name\tlat\tlon\n", "separated by tabs"),
        (f"lat,lon,{ADDED[0]}\n", "has a column ward_zone_code already"),
        ('lat,lon\n18.5,"73.8\n', "line 2: not CSV"),
        ("lat,lon\n18.5," + "7" * 200_000 + "\n", "line 2: not CSV"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        run(write(tmp_path, text))
    assert refusal.value.pointer == "/csv"


def test_other_columns_may_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "Y,X,lat\n18.5074,73.8077,no\n")
    assert run(path, ("y", "X"))[0].inside == 1
    with pytest.raises(Invalid, match="has no column z; name it with --lat-column"):
        run(path, ("z", "X"))


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1"])
def test_what_is_not_utf_8_is_refused_before_anything_is_written(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(("lat,lon,name\n" + "18.5,73.8,a\n" * 90_000 + "18.5,73.8,Café\n").encode(encoding))
    target = io.StringIO()
    with pytest.raises(Invalid, match="not UTF-8") as refusal:
        locate_file(INDEX, CITY.config.bbox, ON, path, target)
    assert target.getvalue() == ""
    assert refusal.value.reason.startswith("line 1 " if encoding == "utf-16" else "line 90002 ")


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufefflat,lon\n18.5074,73.8077\n")
    assert run(path)[0].inside == 1
    assert count_lines(path) == 2


def test_a_day_that_is_not_held_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no boundaries are held"):
        locate_file(INDEX, CITY.config.bbox, date(2001, 1, 1), write(tmp_path, "lat,lon\n1,1\n"), io.StringIO())


def test_memory_does_not_grow_with_the_file(pune: City, tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = write(tmp_path, "lat,lon,name\n" + f"18.5074,73.8077,{'x' * 1_000}\n" * rows)
        with (tmp_path / "out.csv").open("w", encoding="utf-8") as target:
            tracemalloc.start()
            try:
                locate_file(INDEX, pune.config.bbox, ON, path, target)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak(10)
    assert peak(8_000) < peak(2_000) + 500_000, "of 6 MB more"
