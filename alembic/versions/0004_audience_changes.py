"""What decides how a person is told beside every place of theirs, and a log of whose changed

The packed integer is described in `geoalert.subscribers.attributes`. Both are written by triggers: an import, an
office clerk's UPDATE and the product itself are followed alike.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from geoalert.store import columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# One person's wishes as one integer; both stores take this spelling.
REACH = """
CREATE VIEW reach AS
SELECT s.id AS subscriber_id,
    CAST(s.language AS bigint)
    | (CAST(s.min_severity AS bigint) << 4)
    | (CAST(s.consent AS bigint) << 7)
    | (CASE WHEN s.state = 'active' THEN CAST(1 AS bigint) ELSE CAST(0 AS bigint) END << 8)
    | (CAST(coalesce(s.quiet_from, 0) AS bigint) << 9)
    | (CAST(coalesce(s.quiet_to, 0) AS bigint) << 20)
    | coalesce((
        SELECT CAST(sum(a.first << (31 + 3 * (a.channel - 1))) AS bigint)
        FROM (
            SELECT channel, CAST(min(rank) + 1 AS bigint) AS first FROM address
            WHERE owner_kind = 'subscriber' AND owner_id = s.id AND state = 'active' AND rank < 6
            GROUP BY channel
        ) AS a
    ), CAST(0 AS bigint)) AS attr,
    s.categories AS categories
FROM subscriber AS s
"""
PLACES = ("place", "area_place")
PERSON = "language, categories, min_severity, quiet_from, quiet_to, consent, state"
# Which rows a statement changed: an update can take a row from one person and give it to another.
CHANGED = {
    "insert": ("NEW TABLE AS new_rows", "new_rows"),
    "update": ("OLD TABLE AS old_rows NEW TABLE AS new_rows", "(TABLE old_rows UNION ALL TABLE new_rows)"),
    "delete": ("OLD TABLE AS old_rows", "old_rows"),
}
IMAGES = {"insert": ("NEW",), "update": ("NEW", "OLD"), "delete": ("OLD",)}


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    now = "clock_timestamp()" if postgresql else "(strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'))"
    op.create_table(
        "audience_change",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "xid",
            sa.BigInteger(),
            server_default=sa.text("CAST(CAST(pg_current_xact_id() AS text) AS bigint)" if postgresql else "0"),
            nullable=False,
        ),
        sa.Column("subscriber_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "at",
            columns.Instant(),
            server_default=sa.text(now),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audience_change")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audience_change_xid"), "audience_change", ["xid"], unique=False)
    for table in PLACES:
        op.add_column(table, sa.Column("attr", sa.BigInteger(), server_default="0", nullable=False))
        op.add_column(table, sa.Column("categories", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(REACH)
    for table in PLACES:
        op.execute(
            f"UPDATE {table} SET (attr, categories) ="  # noqa: S608 - names of ours
            f" (SELECT r.attr, r.categories FROM reach AS r WHERE r.subscriber_id = {table}.subscriber_id)"
        )
    covered = ["x", "y", "subscriber_id", "attr", "categories"]
    if postgresql:
        op.drop_index("ix_place_cell_covering", "place")
        op.create_index("ix_place_cell_covering", "place", ["cell"], unique=False, postgresql_include=covered)
        _postgresql_triggers()
    else:
        op.drop_index("ix_place_cell", "place")
        op.create_index("ix_place_cell", "place", ["cell", *covered], unique=False)
        _sqlite_triggers()


def _postgresql_triggers() -> None:
    # Whatever changes a person's reach locks their row first and looks in a statement of its own afterwards. Without
    # it a STOP and a change of language at the same moment, or a new place and either, each wrote what it saw alone.
    op.execute("""
    CREATE FUNCTION geoalert_reach_of_place() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM 1 FROM subscriber WHERE id = NEW.subscriber_id FOR NO KEY UPDATE;
        SELECT r.attr, r.categories INTO NEW.attr, NEW.categories
        FROM reach AS r WHERE r.subscriber_id = NEW.subscriber_id;
        RETURN NEW;
    END $$
    """)
    # Both tables of places, wherever what stands beside a place is no longer the person's.
    update = "\n".join(
        f"""
            UPDATE {table} AS p SET attr = r.attr, categories = r.categories FROM reach AS r
            WHERE r.subscriber_id = p.subscriber_id AND p.subscriber_id = ANY (ids)
                AND (p.attr, p.categories) IS DISTINCT FROM (r.attr, r.categories);"""  # noqa: S608 - names of ours
        for table in PLACES
    )
    op.execute(f"""
    CREATE FUNCTION geoalert_reach_changed(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF ids IS NOT NULL THEN
            PERFORM 1 FROM subscriber WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;{update}
        END IF;
    END $$
    """)
    for table in PLACES:
        op.execute(
            f"CREATE TRIGGER {table}_reach BEFORE INSERT OR UPDATE OF subscriber_id ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION geoalert_reach_of_place()"
        )
        for event in CHANGED:
            _statement_trigger(
                table,
                event,
                "INSERT INTO audience_change (subscriber_id) SELECT DISTINCT subscriber_id FROM {rows} AS c",
            )
        op.execute(f"""
        CREATE FUNCTION geoalert_{table}_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO audience_change (subscriber_id) SELECT DISTINCT subscriber_id FROM {table};
            RETURN NULL;
        END $$
        """)  # noqa: S608 - names of ours
        op.execute(
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION geoalert_{table}_truncate()"
        )
    owners = "SELECT array_agg(DISTINCT owner_id) FROM {rows} AS c WHERE owner_kind = 'subscriber'"
    for event in CHANGED:
        _statement_trigger("address", event, f"PERFORM geoalert_reach_changed(({owners}))")
    _statement_trigger("subscriber", "update", "PERFORM geoalert_reach_changed((SELECT array_agg(id) FROM new_rows))")


def _statement_trigger(table: str, event: str, action: str) -> None:
    transition, rows = CHANGED[event]
    name = f"geoalert_{table}_{event}"
    op.execute(f"""
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        {action.format(rows=rows)};
        RETURN NULL;
    END $$
    """)
    op.execute(
        f"CREATE TRIGGER {table}_{event} AFTER {event.upper()} ON {table} REFERENCING {transition}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )


def _sqlite_triggers() -> None:
    for table in PLACES:
        # The UPDATE runs even where nothing differs, and its own trigger writes the log: one row for one new place.
        for name, event, condition in (
            ("insert", "INSERT", ""),
            ("owner", "UPDATE OF subscriber_id", "WHEN NEW.subscriber_id <> OLD.subscriber_id"),
        ):
            op.execute(f"""
            CREATE TRIGGER {table}_{name} AFTER {event} ON {table} {condition} BEGIN
                UPDATE {table} SET (attr, categories) =
                    (SELECT r.attr, r.categories FROM reach AS r WHERE r.subscriber_id = NEW.subscriber_id)
                WHERE id = NEW.id;
            END
            """)  # noqa: S608 - names of ours
        for event in ("update", "delete"):
            entries = " UNION ".join(f"SELECT {image}.subscriber_id" for image in IMAGES[event])
            op.execute(f"""
            CREATE TRIGGER {table}_{event} AFTER {event.upper()} ON {table} BEGIN
                INSERT INTO audience_change (subscriber_id) {entries};
            END
            """)

    def follow(name: str, event: str, owner: str, condition: str) -> None:
        updates = "\n".join(
            f"""
            UPDATE {table} SET attr = r.attr, categories = r.categories FROM reach AS r
            WHERE {table}.subscriber_id = {owner} AND r.subscriber_id = {owner}
                AND ({table}.attr <> r.attr OR {table}.categories <> r.categories);"""  # noqa: S608 - names of ours
            for table in PLACES
        )
        op.execute(f"CREATE TRIGGER {name} AFTER {event} {condition} BEGIN {updates} END")

    follow("subscriber_update", f"UPDATE OF {PERSON} ON subscriber", "NEW.id", "")
    for event, images in IMAGES.items():
        for image in images:
            name = f"address_{event}" if image == images[0] else f"address_{event}_{image.lower()}"
            follow(name, f"{event.upper()} ON address", f"{image}.owner_id", f"WHEN {image}.owner_kind = 'subscriber'")


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    triggers = [(table, event) for table in (*PLACES, "address") for event in IMAGES] + [("subscriber", "update")]
    if postgresql:
        triggers += [(table, "truncate") for table in PLACES]
        for table, event in triggers:
            op.execute(f"DROP FUNCTION geoalert_{table}_{event}() CASCADE")
        op.execute("DROP FUNCTION geoalert_reach_of_place() CASCADE")
        op.execute("DROP FUNCTION geoalert_reach_changed(bigint[])")
    else:
        triggers += [(table, "owner") for table in PLACES] + [("address", "update_old")]
        for table, event in triggers:
            op.execute(f"DROP TRIGGER {table}_{event}")
    op.execute("DROP VIEW reach")
    index, extra = ("ix_place_cell_covering", {"postgresql_include": ["x", "y", "subscriber_id"]})
    if postgresql:
        op.drop_index(index, "place")
    else:
        op.drop_index("ix_place_cell", "place")
    for table in PLACES:
        op.drop_column(table, "attr")
        op.drop_column(table, "categories")
    if postgresql:
        op.create_index(index, "place", ["cell"], unique=False, **extra)
    else:
        op.create_index("ix_place_cell", "place", ["cell", "x", "y", "subscriber_id"], unique=False)
    op.drop_table("audience_change")
