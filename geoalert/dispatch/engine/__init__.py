"""Queue engines behind one seam: they wake workers, nothing more."""

from geoalert.dispatch.engine.embedded import EmbeddedEngine
from geoalert.dispatch.engine.postgres import PostgresEngine
from geoalert.dispatch.engine.seam import Engine, Handler
from geoalert.store import Store


def engine_for(store: Store) -> EmbeddedEngine | PostgresEngine:
    """The engine that goes with the store."""
    return EmbeddedEngine(store) if store.dialect == "sqlite" else PostgresEngine(store)


__all__ = ["EmbeddedEngine", "Engine", "Handler", "PostgresEngine", "engine_for"]
