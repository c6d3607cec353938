"""All of them: one router per noun."""

from api.v1 import (
    alerts,
    areas,
    audience,
    broadcasts,
    categories,
    decisions,
    departments,
    explain,
    hooks,
    locate,
    messages,
    places,
    subscribers,
    wards,
)

ROUTERS = (
    locate.router,
    wards.router,
    places.router,
    areas.router,
    categories.router,
    departments.router,
    subscribers.router,
    alerts.router,
    decisions.router,
    broadcasts.router,
    audience.router,
    explain.router,
    messages.router,
    hooks.router,
)

# These never ask where anything lies.
WITHOUT_CITY = (categories.router, departments.router, messages.router, hooks.router)
