"""Who can issue, and whether they are ready to."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from api.problem import problems
from api.security import ActorDep, HouseDep
from geoalert.departments import SEATS, active_seats
from geoalert.departments.tables import Department

router = APIRouter(prefix="/v1/departments", tags=["departments"])


class DepartmentView(BaseModel):
    code: str
    serial: int | None
    kind: str
    name_en: str
    name_mr: str
    seats: int
    seats_needed: int
    ready: bool


@router.get("", summary="Departments and their two seats", responses=problems(401, 403))
async def list_departments(house: HouseDep, actor: ActorDep) -> list[DepartmentView]:
    """`ready` departments have two named officers; the others may not issue routine notices."""
    actor.require("read")
    async with house.store.reading() as session:
        units = await session.scalars(select(Department).order_by(Department.kind, Department.serial, Department.code))
        seats = await active_seats(session)
        return [
            DepartmentView(
                code=unit.code,
                serial=unit.serial,
                kind=unit.kind,
                name_en=unit.name_en,
                name_mr=unit.name_mr,
                seats=seats[unit.id],
                seats_needed=SEATS,
                ready=seats[unit.id] >= SEATS,
            )
            for unit in units
        ]
