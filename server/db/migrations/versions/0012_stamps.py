"""stamps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "certificate_stamp",
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"],
            name=op.f("fk_certificate_stamp_certificate_id_certificate"),
        ),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificate_stamp")),
    )  # fmt: skip


def downgrade() -> None:
    """Go back to the revision before; later tokens are lost."""
    op.drop_table("certificate_stamp")
