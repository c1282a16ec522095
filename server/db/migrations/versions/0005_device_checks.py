"""device checks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TRIED = ("works", "silent", "none", "refused", "in_use", "insecure", "unknown", "untried")
WAY = ("measured", "direct", "unreachable", "untried")


def tried(name: str) -> sa.Column[str]:
    """Return the column of what became of a device."""
    kind = sa.Enum(*TRIED, name="tried", native_enum=False, length=32)
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "device_check",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("clerk_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        tried("camera"),
        tried("microphone"),
        tried("speaker"),
        sa.Column(
            "network", sa.Enum(*WAY, name="way", native_enum=False, length=32), nullable=False
        ),
        sa.Column("up_kbps", sa.Integer(), nullable=True),
        sa.Column("down_kbps", sa.Integer(), nullable=True),
        sa.Column("up_loss", sa.Double(), nullable=True),
        sa.Column("down_loss", sa.Double(), nullable=True),
        sa.Column("round_trip_ms", sa.Integer(), nullable=True),
        sa.Column(
            "outlook",
            sa.Enum("good", "poor", name="outlook", native_enum=False, length=32),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_check")),
    )
    op.create_index("ix_device_check_day", "device_check", ["clerk_id", "day", "at"], unique=False)
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.add_column(sa.Column("device_check_id", sa.String(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_seat_device_check_id_device_check"),
            "device_check",
            ["device_check_id"],
            ["id"],
        )


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_seat_device_check_id_device_check"), type_="foreignkey"
        )
        batch_op.drop_column("device_check_id")
    op.drop_index("ix_device_check_day", table_name="device_check")
    op.drop_table("device_check")
