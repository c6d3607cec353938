"""Who asks. Every route is named in PUBLIC or needs an actor; a test holds the two together."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from geoalert.bootstrap import House
from geoalert.departments import Actor, authenticate
from geoalert.errors import Unauthorised

PUBLIC: Final = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/docs"),
        ("GET", "/docs/oauth2-redirect"),
        ("GET", "/v1/areas"),
        ("GET", "/v1/categories"),
        ("GET", "/v1/locate"),
        ("POST", "/v1/locate"),
        ("GET", "/v1/wards"),
        ("GET", "/v1/wards/{code}"),
        ("POST", "/v1/messages/{identifier}/ack"),  # the reference is the proof
        ("POST", "/v1/hooks/{provider}/{secret}/{ref}"),  # the path, the reference and the signature are
    }
)
LONGEST: Final = 200  # characters of a credential

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="credential",
    description="An API key (`ga_…`) drafts, submits, reads and enrolls; a named officer's credential (`gp_…`) "
    "does what the officer's roles allow.",
)


async def house_of(request: Request) -> House:
    """The house this application opened at its start. A coroutine: what is none, each request would give a thread."""
    house: House = request.app.state.house
    return house


HouseDep = Annotated[House, Depends(house_of)]


async def actor(house: HouseDep, credential: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]) -> Actor:
    """Whoever stands behind the request.

    Raises:
        Unauthorised: no credential, or one that is not valid.
    """
    if credential is None:
        raise Unauthorised("send a credential: Authorization: Bearer …")
    if not credential.credentials.isascii() or len(credential.credentials) > LONGEST:
        raise Unauthorised("this credential is not valid")
    async with house.store.looking() as session:
        return await authenticate(session, credential.credentials)


ActorDep = Annotated[Actor, Depends(actor)]
