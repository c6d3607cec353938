"""The audience: who must be told, found by a cell beside every place."""

from geoalert.audience.choosing import Members
from geoalert.audience.cover import cover
from geoalert.audience.look import Look, Looker, look_in_store
from geoalert.audience.parts import Divided, DividedFinder, Division, divided_in
from geoalert.audience.people import People, Wishes
from geoalert.audience.places import people_in
from geoalert.audience.resolve import Aim, Audience, Finder, audience_hash, resolve, ruled
from geoalert.audience.rules import LEFT_OUT, Ruled

__all__ = [
    "LEFT_OUT",
    "Aim",
    "Audience",
    "Divided",
    "DividedFinder",
    "Division",
    "Finder",
    "Look",
    "Looker",
    "Members",
    "People",
    "Ruled",
    "Wishes",
    "audience_hash",
    "cover",
    "divided_in",
    "look_in_store",
    "people_in",
    "resolve",
    "ruled",
]
