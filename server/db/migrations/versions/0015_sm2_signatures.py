"""SM2 signatures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "certificate_sm2",
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("signed_at", UtcTime(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"],
            name=op.f("fk_certificate_sm2_certificate_id_certificate"),
        ),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificate_sm2")),
    )  # fmt: skip


def downgrade() -> None:
    """Go back to the revision before; SM2 signatures are lost, and can be made anew."""
    op.drop_table("certificate_sm2")
