"""The append-only record of who did what, each entry holding the hash of the one before."""

from geoalert.audit.appending import append
from geoalert.audit.chain import Broken, verify
from geoalert.audit.linking import Linker, link_all

__all__ = ["Broken", "Linker", "append", "link_all", "verify"]
