"""recordings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "recording_order",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call_record.id"], name=op.f("fk_recording_order_call_id_call_record")
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_recording_order")),
    )
    op.create_table(
        "recording",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("seat_id", sa.String(), nullable=False),
        sa.Column(
            "side",
            sa.Enum(
                "local",
                "remote",
                "adviser",
                "observer",
                "citizen",
                name="seatside",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("leg_id", sa.String(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "recording",
                "paused",
                "cut",
                "ended",
                "failed",
                name="partstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "ended_for",
            sa.Enum(
                "call_ended",
                "leg_lost",
                "worker_lost",
                "seat_moved",
                "consent_missing",
                "silent",
                "overflow",
                "refused",
                "broken",
                name="endedfor",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("began_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("heard_at", UtcTime(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("told_chunks", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed_key", sa.String(), nullable=True),
        sa.Column("retain_until", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call_record.id"], name=op.f("fk_recording_call_id_call_record")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_recording_case_id_case_record")
        ),
        sa.ForeignKeyConstraint(["seat_id"], ["seat.id"], name=op.f("fk_recording_seat_id_seat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording")),
        sa.UniqueConstraint(
            "call_id", "seat_id", "part", name=op.f("uq_recording_call_id_seat_id_part")
        ),
    )
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recording_case_id"), ["case_id"], unique=False)
        batch_op.create_index("ix_recording_heard", ["state", "heard_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_recording_retain_until"), ["retain_until"], unique=False
        )

    op.create_table(
        "recording_chunk",
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("began_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name=op.f("fk_recording_chunk_recording_id_recording"),
        ),
        sa.PrimaryKeyConstraint("recording_id", "number", name=op.f("pk_recording_chunk")),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("recording_chunk")
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recording_retain_until"))
        batch_op.drop_index("ix_recording_heard")
        batch_op.drop_index(batch_op.f("ix_recording_case_id"))
        batch_op.drop_index(batch_op.f("ix_recording_call_id"))

    op.drop_table("recording")
    op.drop_table("recording_order")
