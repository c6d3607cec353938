"""Who would be told."""

from __future__ import annotations

from fastapi import APIRouter

from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.audience_views import PreviewIn, PreviewView
from api.v1.reach import alert_within_reach
from geoalert.departments.roles import sees_exact_figures
from geoalert.errors import Invalid, NotFound
from geoalert.operations.preview import preview

router = APIRouter(prefix="/v1/audience", tags=["alerts"])


@router.post(
    "/preview",
    summary="Count who would be told, and tell nobody",
    responses=problems(401, 403, 413, 415, 422, 503),
)
async def preview_audience(body: PreviewIn, house: HouseDep, actor: ActorDep) -> PreviewView:
    """As the store stands now; the audience itself is resolved when the message leaves.

    Whoever may approve or send sees exact figures. Any other credential that may draft sees them rounded to the nearest
    10 (so 1 to 4 show as 0); a shape it draws covers at least 0.25 km² a polygon and is counted on whole squares of the
    map, 0.5 km² each; wards are counted without the margin that a Severe or Extreme message has around them. Who
    previewed which area is in the audit.
    """
    actor.require("draft")
    if body.alert is not None:
        async with house.store.reading() as session:
            try:
                await alert_within_reach(session, actor, body.alert)
            except NotFound as unknown:
                raise Invalid(unknown.reason, pointer="/alert") from None
    found = await preview(house.desk, house.journal, body.asked(), actor.name, exact=sees_exact_figures(actor.rights))
    return PreviewView.model_validate(found)
