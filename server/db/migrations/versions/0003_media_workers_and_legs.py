"""media workers and legs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "media_leg",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("login_id", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("opening", "connected", name="legstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("lease_until", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_leg")),
    )
    with op.batch_alter_table("media_leg", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_media_leg_holder"), ["holder"], unique=False)
        batch_op.create_index(batch_op.f("ix_media_leg_lease_until"), ["lease_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_media_leg_sid"), ["sid"], unique=False)
        batch_op.create_index(batch_op.f("ix_media_leg_worker_id"), ["worker_id"], unique=False)

    op.create_table(
        "media_worker",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("lease_until", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_worker")),
    )
    with op.batch_alter_table("media_worker", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_media_worker_lease_until"), ["lease_until"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_media_worker_sid"), ["sid"], unique=False)

    with op.batch_alter_table("call_record", schema=None) as batch_op:
        batch_op.add_column(sa.Column("worker_id", sa.String(), nullable=True))
        batch_op.add_column(
            sa.Column("arrangement", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.create_index(batch_op.f("ix_call_record_worker_id"), ["worker_id"], unique=False)

    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.add_column(sa.Column("leg_id", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_seat_leg_id"), ["leg_id"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seat_leg_id"))
        batch_op.drop_column("leg_id")

    with op.batch_alter_table("call_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_call_record_worker_id"))
        batch_op.drop_column("arrangement")
        batch_op.drop_column("worker_id")

    with op.batch_alter_table("media_worker", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_media_worker_sid"))
        batch_op.drop_index(batch_op.f("ix_media_worker_lease_until"))

    op.drop_table("media_worker")
    with op.batch_alter_table("media_leg", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_media_leg_worker_id"))
        batch_op.drop_index(batch_op.f("ix_media_leg_sid"))
        batch_op.drop_index(batch_op.f("ix_media_leg_lease_until"))
        batch_op.drop_index(batch_op.f("ix_media_leg_holder"))

    op.drop_table("media_leg")
