"""exports of recordings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATES = ("queued", "composing", "ready", "failed", "cancelled", "expired")
CODES = (
    "recording.altered", "recording.purged", "recording.missing", "disk.full", "export.broken",
    "export.interrupted",
)  # fmt: skip
CURRENT = sa.text("state IN ('queued', 'composing', 'ready')")


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "recording_export",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="exportstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column(
            "code",
            sa.Enum(*CODES, name="exportfailure", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("damage", sa.JSON(), nullable=True),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("asked_by_name", sa.String(), nullable=False),
        sa.Column("claim", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("heard_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("sealed_key", sa.String(), nullable=True),
        sa.Column("media_type", sa.String(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("emptied_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call_record.id"], name=op.f("fk_recording_export_call_id_call_record")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_recording_export_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_export")),
    )
    op.create_index(op.f("ix_recording_export_call_id"), "recording_export", ["call_id"])
    op.create_index("ix_recording_export_due", "recording_export", ["state", "expires_at"])
    op.create_index(
        "uq_recording_export_current", "recording_export", ["call_id"], unique=True,
        sqlite_where=CURRENT, postgresql_where=CURRENT,
    )  # fmt: skip
    op.create_table(
        "recording_export_order",
        sa.Column("export_id", sa.String(), nullable=False),
        sa.Column("clerk_id", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"], ["recording_export.id"],
            name=op.f("fk_recording_export_order_export_id_recording_export"),
        ),
        sa.PrimaryKeyConstraint("export_id", "clerk_id", name=op.f("pk_recording_export_order")),
    )  # fmt: skip


def downgrade() -> None:
    """Go back to the revision before; the films' files must be removed by hand."""
    op.drop_table("recording_export_order")
    op.drop_table("recording_export")
