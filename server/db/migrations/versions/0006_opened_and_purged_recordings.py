"""opened and purged recordings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "recording_viewing",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("clerk_id", sa.String(), nullable=False),
        sa.Column("login_id", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call_record.id"], name=op.f("fk_recording_viewing_call_id_call_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_viewing")),
    )
    with op.batch_alter_table("recording_viewing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_viewing_call_id"), ["call_id"], unique=False)
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purged_at", UtcTime(), nullable=True))
        batch_op.add_column(sa.Column("emptied_at", UtcTime(), nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_column("emptied_at")
        batch_op.drop_column("purged_at")
    with op.batch_alter_table("recording_viewing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recording_viewing_call_id"))

    op.drop_table("recording_viewing")
