"""The append-only record of who did what, each entry holding the hash of the one before."""

from geoalert.audit.chain import Broken, append, verify

__all__ = ["Broken", "append", "verify"]
