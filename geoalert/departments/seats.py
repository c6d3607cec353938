"""Departments and their two seats: loading the list, naming officers, and whether a department is ready."""

from __future__ import annotations

import csv
import uuid
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from geoalert.audit import append
from geoalert.departments.roles import ROLES
from geoalert.departments.tables import Department, Officer
from geoalert.errors import Invalid, NotFound
from geoalert.store import database_now

APPROVERS = frozenset({"nodal", "disaster"})
SEATS = 2  # named nodal officers a department needs before it may issue routine notices


async def load_departments(session: AsyncSession, path: Path) -> int:
    """Adds the departments of a city's list that are not there yet; returns how many. The list is not the whole: the
    circular's annex names only those who had not reported by then.
    """
    known = set(await session.scalars(select(Department.code)))
    with path.open(encoding="utf-8", newline="") as source:
        rows = [row for row in csv.DictReader(source) if row["code"] not in known]
    for row in rows:
        session.add(
            Department(
                code=row["code"],
                serial=int(row["serial"]) if row["serial"] else None,
                kind=row["kind"],
                name_en=row["name_en"],
                name_mr=row["name_mr"],
                printed_mr=row["printed_mr"],
                reading=row["reading"],
            )
        )
    await session.flush()
    return len(rows)


async def find_department(session: AsyncSession, code: str) -> Department:
    """The department of that code.

    Raises:
        NotFound: there is none.
    """
    unit = (await session.scalars(select(Department).where(Department.code == code))).one_or_none()
    if unit is None:
        raise NotFound(f"no department {code[:60]!r}")
    return unit


async def name_officer(session: AsyncSession, department: str, name: str, post: str, roles: list[str]) -> Officer:
    """Adds an officer to a department.

    Raises:
        NotFound: no such department.
        Invalid: an unknown role or no name.
    """
    unit = await find_department(session, department)
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise Invalid(f"roles are {', '.join(ROLES)}", pointer="/roles")
    if not name.strip():
        raise Invalid("an officer has a name", pointer="/name")
    officer = Officer(
        reference=str(uuid.uuid4()),
        department_id=unit.id,
        name=name.strip(),
        post=post,
        roles=roles,
        state="active",
        created_at=await database_now(session),
    )
    session.add(officer)
    await session.flush()
    await append(session, "system", "officer.named", officer.reference, {"department": department, "roles": roles})
    return officer


async def active_seats(session: AsyncSession) -> Counter[int]:
    """How many named officers can approve, by department id."""
    officers = await session.scalars(select(Officer).where(Officer.state == "active"))
    return Counter(officer.department_id for officer in officers if APPROVERS & set(officer.roles))


async def count_departments(session: AsyncSession) -> int:
    """How many departments the store knows."""
    return (await session.execute(select(func.count()).select_from(Department))).scalar_one()
