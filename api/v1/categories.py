"""What alerts are about."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from api.security import HouseDep

router = APIRouter(prefix="/v1/categories", tags=["alerts"])


class CategoryView(BaseModel):
    key: str
    cap: str
    event: str
    department: str
    names: dict[str, str]


@router.get("", summary="Every category of alert")
async def list_categories(house: HouseDep) -> list[CategoryView]:
    """CAP category and OASIS event term with names in three languages; `department` is the usual issuer."""
    return [
        CategoryView(
            key=category.key,
            cap=category.cap,
            event=category.event,
            department=category.department,
            names=dict(category.names),
        )
        for category in house.desk.categories.values()
    ]
