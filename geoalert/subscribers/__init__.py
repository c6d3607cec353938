"""People: who wants to hear of what, where, in which language and by which channel."""

from geoalert.subscribers.bring_in import ImportReport, import_file
from geoalert.subscribers.codes import CHANNELS, LANGUAGES, SEVERITIES
from geoalert.subscribers.erase import erase
from geoalert.subscribers.person import Person, make_person
from geoalert.subscribers.register import register

__all__ = [
    "CHANNELS",
    "LANGUAGES",
    "SEVERITIES",
    "ImportReport",
    "Person",
    "erase",
    "import_file",
    "make_person",
    "register",
]
