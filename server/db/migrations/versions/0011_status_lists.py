"""status lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.add_column(
        "certificate_serial",
        sa.Column("changes", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )
    with op.batch_alter_table("certificate_serial") as serial:
        serial.alter_column("changes", server_default=None)
    op.create_table(
        "status_list",
        sa.Column("issuer_code", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("issued_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issuer_code", "year", name=op.f("pk_status_list")),
    )


def downgrade() -> None:
    """Go back to the revision before; published lists' versions are lost."""
    op.drop_table("status_list")
    with op.batch_alter_table("certificate_serial") as serial:
        serial.drop_column("changes")
