"""The names of a press note, put on the map or asked back."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.fields import Body, Text
from api.v1.locate import day_of
from geoalert.wards.gazetteer import LONGEST_TEXT, Gazetteer, Resolution, to_json

router = APIRouter(prefix="/v1/wards", tags=["wards"])


class ResolveIn(Body):
    text: Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST_TEXT)]
    at: str | None = Field(default=None, max_length=40, description="a date; today when absent")


class CandidateView(BaseModel):
    """`as` is the known spelling. A null `unit_code` is a whole office; a null point means that only the unit is
    known.
    """

    as_: str = Field(alias="as")
    unit_code: str | None
    office_code: str | None
    lat: float | None
    lon: float | None
    score: int


class MatchView(CandidateView):
    name: str


class QuestionView(BaseModel):
    name: str
    reason: Literal["unknown", "ambiguous", "outside"]
    candidates: list[CandidateView]


class ResolutionView(BaseModel):
    matched: list[MatchView]
    questions: list[QuestionView]


@router.post("/resolve", summary="Find the wards of a list of names", responses=problems(401, 403, 413, 415, 422, 503))
async def resolve_names(body: ResolveIn, house: HouseDep, actor: ActorDep) -> ResolutionView:
    """Takes the list as a press note prints it, in English, Marathi or Hindi. What is not clear is a question with
    candidates, never a guess.
    """
    actor.require("draft")
    on = await day_of(house, body.at)
    index, places = house.desk.index, house.desk.city.places

    def work() -> Resolution:
        return Gazetteer(index, places, on).resolve(body.text)

    return ResolutionView.model_validate(to_json(await asyncio.to_thread(work)))
