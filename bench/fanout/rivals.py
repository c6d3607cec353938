"""What one would pick instead, each at its best settings: PostGIS with rows for recipients, and geopandas with COPY."""

from __future__ import annotations

import asyncpg
import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bench.fanout.crowd import PUSH, WATER, Crowd
from geoalert.subscribers.cells import SCALE

FILTER = f"p.categories & {1 << WATER} <> 0 AND p.channels & {1 << PUSH} <> 0"
TABLES = """
CREATE UNLOGGED TABLE rival_place (
    subscriber_id bigint NOT NULL, categories int NOT NULL, channels int NOT NULL, geom geometry(Point, 4326) NOT NULL
);
CREATE TABLE rival_recipient (message_id bigint, subscriber_id bigint, state smallint DEFAULT 0,
    PRIMARY KEY (message_id, subscriber_id));
"""
STOCK = f"""
INSERT INTO rival_recipient (message_id, subscriber_id)
SELECT DISTINCT 1, p.subscriber_id FROM rival_place AS p
WHERE ST_Intersects(p.geom, ST_GeomFromWKB($1, 4326)) AND {FILTER}
"""
TUNED = f"""
INSERT INTO rival_recipient (message_id, subscriber_id)
SELECT DISTINCT 1, p.subscriber_id FROM ST_Subdivide(ST_GeomFromWKB($1, 4326), 64) AS a(part)
JOIN rival_clustered AS p ON ST_Intersects(p.geom, a.part) WHERE {FILTER}
"""
COUNT_STOCK = f"""
SELECT count(DISTINCT p.subscriber_id) FROM rival_place AS p
WHERE ST_Intersects(p.geom, ST_GeomFromWKB($1, 4326)) AND {FILTER}
"""
COUNT_TUNED = f"""
SELECT count(DISTINCT p.subscriber_id) FROM ST_Subdivide(ST_GeomFromWKB($1, 4326), 64) AS a(part)
JOIN rival_clustered AS p ON ST_Intersects(p.geom, a.part) WHERE {FILTER}
"""
PART = 500_000  # places made into geometries at a time: all at once would take gigabytes


class PostGis:
    """One connection, custom plans, no parallel workers (two cores), memory for sorting."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @classmethod
    async def load(cls, url: str, crowd: Crowd) -> PostGis:
        connection = await asyncpg.connect(url, statement_cache_size=0)
        for setting in ("plan_cache_mode = force_custom_plan", "work_mem = '256MB'", "jit = off"):
            await connection.execute(f"SET {setting}")
        await connection.execute(TABLES)
        wanted = np.where(crowd.wanted, 1 << PUSH, 0)
        await connection.execute("CREATE TEMP TABLE incoming (s bigint, k int, c int, w bytea)")
        for start in range(0, len(crowd.owner), PART):
            part = slice(start, start + PART)
            owner = crowd.owner[part]
            shapes = shapely.to_wkb(shapely.points(crowd.x[part] / SCALE, crowd.y[part] / SCALE), include_srid=False)
            columns = (owner, crowd.categories[owner - 1].astype(int), wanted[owner - 1], shapes)
            rows = zip(*(column.tolist() for column in columns), strict=True)
            await connection.copy_records_to_table("incoming", records=rows)
        await connection.execute("INSERT INTO rival_place SELECT s, k, c, ST_GeomFromWKB(w, 4326) FROM incoming")
        await connection.execute("DROP TABLE incoming")
        await connection.execute("ALTER TABLE rival_place SET LOGGED")
        await connection.execute("CREATE TABLE rival_clustered AS SELECT * FROM rival_place ORDER BY geom")
        for table in ("rival_place", "rival_clustered"):
            await connection.execute(f"CREATE INDEX ON {table} USING gist (geom)")
            await connection.execute(f"VACUUM ANALYZE {table}")
        return cls(connection)

    async def stock(self, area: BaseGeometry) -> int:
        return await self._insert(STOCK, area)

    async def tuned(self, area: BaseGeometry) -> int:
        return await self._insert(TUNED, area)

    async def count_stock(self, area: BaseGeometry) -> int:
        """How many are told: of what a preview shows, the one number."""
        return int(await self._connection.fetchval(COUNT_STOCK, shapely.to_wkb(area)))

    async def count_tuned(self, area: BaseGeometry) -> int:
        return int(await self._connection.fetchval(COUNT_TUNED, shapely.to_wkb(area)))

    async def _insert(self, query: str, area: BaseGeometry) -> int:
        return int((await self._connection.execute(query, shapely.to_wkb(area))).rpartition(" ")[2])

    async def copy(self, ids: NDArray[np.int64]) -> None:
        """Rows for these people, as another program's answer is made durable."""
        rows = zip(np.ones(len(ids), dtype=int).tolist(), ids.tolist(), strict=True)
        await self._connection.copy_records_to_table(
            "rival_recipient", records=rows, columns=["message_id", "subscriber_id"]
        )

    async def recipients(self) -> NDArray[np.int64]:
        """What stands there, ascending; and empties the table."""
        rows = await self._connection.fetch("SELECT subscriber_id FROM rival_recipient ORDER BY 1")
        await self.empty()
        return np.array([row[0] for row in rows], dtype=np.int64)

    async def empty(self) -> None:
        """As a store that has been at work for long has room: neither files to make longer nor dead rows to pass."""
        await self._connection.execute("DELETE FROM rival_recipient")
        await self._connection.execute("VACUUM (TRUNCATE off) rival_recipient")

    async def close(self) -> None:
        await self._connection.close()


class Sjoin:
    """geopandas with its points and their index ready."""

    def __init__(self, crowd: Crowd) -> None:
        self._points = gpd.GeoDataFrame(
            {"owner": crowd.owner, "wanted": crowd.wanted[crowd.owner - 1]},
            geometry=gpd.points_from_xy(crowd.x / SCALE, crowd.y / SCALE),
            crs=4326,
        )
        _ = self._points.sindex

    def __call__(self, area: BaseGeometry) -> NDArray[np.int64]:
        asked = gpd.GeoDataFrame(geometry=[area], crs=4326)
        found = self._points.sjoin(asked, predicate="intersects")
        owners: NDArray[np.int64] = np.unique(found.loc[found["wanted"], "owner"].to_numpy())
        return owners


def by_shapely(crowd: Crowd, area: BaseGeometry) -> NDArray[np.int64]:
    """The answer all are held to: every place tested against the plain shape."""
    shapely.prepare(area)
    inside = shapely.intersects_xy(area, crowd.x / SCALE, crowd.y / SCALE)
    owners: NDArray[np.int64] = np.unique(crowd.owner[inside])
    return owners[crowd.wanted[owners - 1]]
