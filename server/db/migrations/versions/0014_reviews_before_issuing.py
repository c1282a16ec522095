"""reviews before issuing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATES = ("open", "approved", "declined", "withdrawn")
OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "issue_review",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("template_version", sa.String(), nullable=False),
        sa.Column("corrects", sa.String(length=32), nullable=True),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="requeststate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("sealed_basis", sa.String(), nullable=False),
        sa.Column("case_seq", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_by_name", sa.String(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("sealed_reason", sa.String(), nullable=False),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closed_by_name", sa.String(), nullable=True),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.Column("sealed_answer", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_issue_review_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_review")),
    )
    op.create_index(op.f("ix_issue_review_case_id"), "issue_review", ["case_id"])
    op.create_index(
        "uq_issue_review_open", "issue_review", ["case_id", "kind"], unique=True,
        sqlite_where=OPEN, postgresql_where=OPEN,
    )  # fmt: skip
    with op.batch_alter_table("certificate") as certificate:
        certificate.add_column(sa.Column("review_id", sa.String(length=32), nullable=True))
        certificate.create_foreign_key(
            op.f("fk_certificate_review_id_issue_review"), "issue_review", ["review_id"], ["id"]
        )
        certificate.create_unique_constraint(op.f("uq_certificate_review_id"), ["review_id"])


def downgrade() -> None:
    """Go back to the revision before; who reviewed what is then in the cases' logs alone."""
    with op.batch_alter_table("certificate") as certificate:
        certificate.drop_constraint(op.f("uq_certificate_review_id"), type_="unique")
        certificate.drop_constraint(
            op.f("fk_certificate_review_id_issue_review"), type_="foreignkey"
        )
        certificate.drop_column("review_id")
    op.drop_table("issue_review")
