"""The audience: who must be told, found by a cell beside every place."""

from geoalert.audience.cover import cover
from geoalert.audience.people import People
from geoalert.audience.places import people_in
from geoalert.audience.resolve import Aim, Audience, Finder, audience_hash, resolve
from geoalert.audience.rules import LEFT_OUT, Members, Ruled

__all__ = [
    "LEFT_OUT",
    "Aim",
    "Audience",
    "Finder",
    "Members",
    "People",
    "Ruled",
    "audience_hash",
    "cover",
    "people_in",
    "resolve",
]
