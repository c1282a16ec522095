"""guests in a call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = ("open", "accepted", "declined", "missed", "withdrawn")


def upgrade() -> None:
    """Bring the schema here."""
    with op.batch_alter_table("seat") as seat:
        seat.add_column(sa.Column("invited_by", sa.String(), nullable=True))
        seat.add_column(sa.Column("left_at", UtcTime(), nullable=True))
        seat.drop_constraint("uq_seat_call_id_side", type_="unique")
        seat.create_unique_constraint("uq_seat_call_id_holder", ["call_id", "holder"])
        seat.create_unique_constraint("uq_seat_call_id_place", ["call_id", "place"])
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("clerk_id", sa.String(), nullable=False),
        sa.Column("clerk_name", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("invited_by_name", sa.String(), nullable=False),
        sa.Column("from_office", sa.String(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="invitationstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call_record.id"], name=op.f("fk_invitation_call_id_call_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
    )
    op.create_index(op.f("ix_invitation_call_id"), "invitation", ["call_id"], unique=False)
    op.create_index("ix_invitation_due", "invitation", ["state", "expires_at"], unique=False)
    op.create_index(
        "uq_invitation_open_clerk", "invitation", ["clerk_id"], unique=True,
        sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip


def downgrade() -> None:
    """Go back to the revision before; guests' seats and what was recorded of them must be gone."""
    op.drop_table("invitation")
    with op.batch_alter_table("seat") as seat:
        seat.drop_constraint("uq_seat_call_id_place", type_="unique")
        seat.drop_constraint("uq_seat_call_id_holder", type_="unique")
        seat.create_unique_constraint("uq_seat_call_id_side", ["call_id", "side"])
        seat.drop_column("left_at")
        seat.drop_column("invited_by")
