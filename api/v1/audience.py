"""Who would be told."""

from __future__ import annotations

from fastapi import APIRouter

from api.problem import problems
from api.security import ActorDep, HouseDep
from api.v1.audience_views import PreviewIn, PreviewView
from geoalert.departments.roles import sees_exact_figures
from geoalert.operations.preview import preview

router = APIRouter(prefix="/v1/audience", tags=["alerts"])


@router.post(
    "/preview", summary="Count who would be told, and tell nobody", responses=problems(401, 403, 413, 415, 422, 503)
)
async def preview_audience(body: PreviewIn, house: HouseDep, actor: ActorDep) -> PreviewView:
    """As the store stands now; the audience itself is resolved when the message leaves.

    Whoever may approve or send sees exact figures. Any other credential that may draft sees them rounded to the nearest
    10 (so 1 to 4 show as 0); a shape it draws covers at least 0.25 km² a polygon and is counted on whole squares of the
    map, 0.5 km² each. Who previewed which area is in the audit.
    """
    actor.require("draft")
    found = await preview(house.desk, house.journal, body.asked(), actor.name, exact=sees_exact_figures(actor.rights))
    return PreviewView.model_validate(found)
