"""Where providers call back. The path is secret, the reference is ours, and the signature is the provider's."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Path, Request

from api.problem import problems
from api.security import HouseDep
from geoalert.bootstrap import callback_base
from geoalert.dispatch.channels.channel import ReceiptRequest
from geoalert.dispatch.receipts import Incoming, Intake
from geoalert.dispatch.reference import read_ref
from geoalert.errors import NotFound

router = APIRouter(prefix="/v1/hooks", tags=["receipts"])
Part = Annotated[str, Path(max_length=100)]


@router.post(
    "/{provider}/{secret}/{ref}",
    status_code=204,
    summary="A provider's receipt",
    responses=problems(403, 404, 413, 422, 503),
)
async def take_receipt(provider: Part, secret: Part, ref: Part, request: Request, house: HouseDep) -> None:
    """204 means that the receipt is stored; anything else asks the provider to call again."""
    channel = house.channels.get(provider)
    expected = house.keys.hook_path(provider)
    if not hmac.compare_digest(secret.encode(), expected.encode()) or channel is None:
        raise NotFound("there is nothing at this address")
    batch, position = read_ref(house.keys, ref)
    # The address as the provider was given it: what a proxy makes of ours is not what it signed.
    url = f"{callback_base(house.settings)}/v1/hooks/{provider}/{secret}/{ref}"
    if request.url.query:
        url = f"{url}?{request.url.query}"
    body = await request.body()
    receipts = channel.parse_receipt(ReceiptRequest(url, dict(request.headers), body))
    intake: Intake = request.app.state.intake
    await intake.take(
        [
            Incoming(provider, batch, position, receipt.status, receipt.raw_status, receipt.reason)
            for receipt in receipts
        ]
    )
