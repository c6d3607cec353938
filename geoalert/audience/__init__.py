"""The audience: who must be told, found by a cell beside every place."""

from geoalert.audience.cover import cover
from geoalert.audience.places import people_in
from geoalert.audience.resolve import Aim, Audience, audience_hash, resolve
from geoalert.audience.rules import Member

__all__ = ["Aim", "Audience", "Member", "audience_hash", "cover", "people_in", "resolve"]
