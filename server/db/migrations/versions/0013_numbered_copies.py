"""numbered copies of certificates, and the register's order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "certificate_copy",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("taken_by_name", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("sealed_reason", sa.String(), nullable=False),
        sa.Column("taken_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"],
            name=op.f("fk_certificate_copy_certificate_id_certificate"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_copy")),
        sa.UniqueConstraint(
            "certificate_id", "number", name=op.f("uq_certificate_copy_certificate_id_number")
        ),
    )  # fmt: skip
    op.create_index("ix_certificate_register", "certificate", ["jurisdiction", "issued_at", "id"])


def downgrade() -> None:
    """Go back to the revision before; who took which copy is then in the cases' logs alone."""
    op.drop_index("ix_certificate_register", table_name="certificate")
    op.drop_table("certificate_copy")
