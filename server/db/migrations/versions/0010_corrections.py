"""corrections: one valid certificate and one on its way beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LIVE = sa.text("state IN ('reserved', 'valid')")
STATES = ("reserved", "valid")


def upgrade() -> None:
    """Bring the schema here."""
    op.drop_index("uq_certificate_live", table_name="certificate")
    with op.batch_alter_table("certificate") as certificate:
        certificate.add_column(sa.Column("supersedes", sa.String(length=32), nullable=True))
        certificate.create_foreign_key(
            op.f("fk_certificate_supersedes_certificate"), "certificate", ["supersedes"], ["id"]
        )
    for state in STATES:
        which = sa.text(f"state = '{state}'")
        op.create_index(
            f"uq_certificate_{state}", "certificate", ["case_id", "kind"], unique=True,
            sqlite_where=which, postgresql_where=which,
        )  # fmt: skip


def downgrade() -> None:
    """Go back to the revision before; corrections on their way must be released before."""
    for state in STATES:
        op.drop_index(f"uq_certificate_{state}", table_name="certificate")
    with op.batch_alter_table("certificate") as certificate:
        certificate.drop_constraint(
            op.f("fk_certificate_supersedes_certificate"), type_="foreignkey"
        )
        certificate.drop_column("supersedes")
    op.create_index(
        "uq_certificate_live", "certificate", ["case_id", "kind"], unique=True,
        sqlite_where=LIVE, postgresql_where=LIVE,
    )  # fmt: skip
