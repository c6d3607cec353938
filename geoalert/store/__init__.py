"""The store: sessions, column types, keys, clock. It knows none of the rooms above it."""

from geoalert.store.base import Base, BigId
from geoalert.store.columns import Codes, Document, Geometry, Instant
from geoalert.store.hashing import canonical, digest
from geoalert.store.ids import IDS_A_QUERY, next_ids
from geoalert.store.keys import KeyRing
from geoalert.store.sessions import Store, database_now, insert_for, keys_of, open_store, read_clock

__all__ = [
    "IDS_A_QUERY",
    "Base",
    "BigId",
    "Codes",
    "Document",
    "Geometry",
    "Instant",
    "KeyRing",
    "Store",
    "canonical",
    "database_now",
    "digest",
    "insert_for",
    "keys_of",
    "next_ids",
    "open_store",
    "read_clock",
]
