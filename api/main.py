"""The application. Nothing is opened at import; its lifespan opens the house and closes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import errors, health
from api.city import CURRENT_CITY
from api.deadline import Deadline
from api.head import Head
from api.headers import SafeHeaders
from api.idempotency import forget_old
from api.limits import Limits
from api.metrics import Measured, Metrics
from api.openapi import describe
from api.problem import problems
from api.v1.routers import ROUTERS, WITHOUT_CITY
from geoalert import __version__
from geoalert.bootstrap import open_house
from geoalert.dispatch.receipts import Intake
from geoalert.settings import Settings

ABOUT = """Tells the right people in a city, in their own language, on the channel they chose.

Times carry their offset; GeoJSON is longitude before latitude. Refusals are RFC 9457 problems that point at the field.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """An application over these settings, or over the environment's."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_house(settings, live=True) as house:
            await house.require_current()
            await forget_old(house.store)
            app.state.house = house
            app.state.intake = Intake(house.store)
            yield

    app = FastAPIOffline(  # its scripts come with the package: the page works without a network
        # FastAPI's own spans hold addresses as sent: whose location was asked for, and the secret part of a hook's.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        title="geoalert",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,  # it would send whoever adds one, and their credential, to http behind a TLS proxy
        responses=problems(422, 500),
    )
    app.state.metrics = Metrics()
    errors.install(app)
    # The last added stands outermost.
    app.add_middleware(Head)
    app.add_middleware(Deadline, seconds=settings.api.deadline_s)
    app.add_middleware(Limits, longest=settings.api.body_limit)
    app.add_middleware(errors.LastResort)
    app.add_middleware(SafeHeaders)
    app.add_middleware(Measured, metrics=app.state.metrics)
    app.include_router(health.router)
    for router in ROUTERS:
        app.include_router(router, dependencies=[] if router in WITHOUT_CITY else [CURRENT_CITY])
    describe(app)
    return app
