"""`/v1`: one router per noun."""

from api.v1 import (
    alerts,
    audience,
    broadcasts,
    categories,
    decisions,
    departments,
    hooks,
    locate,
    messages,
    subscribers,
    wards,
)

ROUTERS = (
    locate.router,
    wards.router,
    categories.router,
    departments.router,
    subscribers.router,
    alerts.router,
    decisions.router,
    broadcasts.router,
    audience.router,
    messages.router,
    hooks.router,
)

__all__ = ["ROUTERS"]
