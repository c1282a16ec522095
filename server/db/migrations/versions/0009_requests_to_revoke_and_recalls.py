"""requests to revoke, and recalls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATES = ("open", "approved", "declined", "withdrawn")
OUTCOMES = ("recovered", "reviewed", "nothing_needed")
OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "revocation_request",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="requeststate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_by_name", sa.String(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("sealed_reason", sa.String(), nullable=False),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"],
            name=op.f("fk_revocation_request_certificate_id_certificate"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"],
            name=op.f("fk_revocation_request_case_id_case_record"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation_request")),
    )  # fmt: skip
    op.create_index(
        op.f("ix_revocation_request_certificate_id"), "revocation_request", ["certificate_id"]
    )
    op.create_index(op.f("ix_revocation_request_case_id"), "revocation_request", ["case_id"])
    op.create_index(
        "uq_revocation_request_open", "revocation_request", ["certificate_id"], unique=True,
        sqlite_where=OPEN, postgresql_where=OPEN,
    )  # fmt: skip
    op.create_table(
        "recall",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("hall", sa.String(), nullable=False),
        sa.Column(
            "cause",
            sa.Enum("revoked", "superseded", name="cause", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("sealed_reason", sa.String(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(*OUTCOMES, name="outcome", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("sealed_remark", sa.String(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("acknowledged_by_name", sa.String(), nullable=True),
        sa.Column("acknowledged_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"],
            name=op.f("fk_recall_certificate_id_certificate"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_recall_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall")),
        sa.UniqueConstraint(
            "certificate_id", "case_id", name=op.f("uq_recall_certificate_id_case_id")
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_recall_case_id"), "recall", ["case_id"])
    op.create_index("ix_recall_open", "recall", ["hall", "acknowledged_at"])


def downgrade() -> None:
    """Go back to the revision before; what halls have answered is lost."""
    op.drop_table("recall")
    op.drop_table("revocation_request")
