"""the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "agent",
        sa.Column("clerk_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("hall", sa.String(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offline",
                "ready",
                "offered",
                "on_call",
                "wrap_up",
                "break",
                name="agentstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("idle_since", UtcTime(), nullable=False),
        sa.Column("lease_until", UtcTime(), nullable=False),
        sa.Column("wrap_up_until", UtcTime(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("clerk_id", name=op.f("pk_agent")),
    )
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.create_index("ix_agent_region", ["region", "state"], unique=False)

    op.create_table(
        "case_record",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("counter_region", sa.String(), nullable=False),
        sa.Column("counter_hall", sa.String(), nullable=False),
        sa.Column("counter", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("item_code", sa.String(), nullable=False),
        sa.Column("item_version", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "waiting",
                "in_call",
                "with_jurisdiction",
                "certified",
                "settled",
                "returned",
                "refused",
                "promised",
                "withdrawn",
                name="casestate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.String(), nullable=False),
        sa.Column("last_event_at", UtcTime(), nullable=False),
        sa.Column("wrapped_key", sa.String(), nullable=False),
        sa.Column("sealed_applicant", sa.String(), nullable=False),
        sa.Column("applicant_index", sa.String(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("opened_by_name", sa.String(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=True),
        sa.Column("agent_name", sa.String(), nullable=True),
        sa.Column("due_on", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_record")),
        sa.UniqueConstraint("number", name=op.f("uq_case_record_number")),
    )
    with op.batch_alter_table("case_record", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_record_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_case_record_applicant_index"), ["applicant_index"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_case_record_counter"), ["counter"], unique=False)
        batch_op.create_index(
            "ix_case_record_jurisdiction", ["jurisdiction", "state", "opened_at"], unique=False
        )
        batch_op.create_index("ix_case_record_local", ["counter_region", "opened_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_case_record_opened_by"), ["opened_by"], unique=False)

    op.create_table(
        "case_serial",
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("region", "day", name=op.f("pk_case_serial")),
    )
    op.create_table(
        "certificate_serial",
        sa.Column("issuer_code", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("issuer_code", "year", name=op.f("pk_certificate_serial")),
    )
    op.create_table(
        "clerk",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("hall", sa.String(), nullable=False),
        sa.Column("counter", sa.String(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("signed_in_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clerk")),
        sa.UniqueConstraint("name", name=op.f("uq_clerk_name")),
    )
    op.create_table(
        "device_login",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("hall", sa.String(), nullable=False),
        sa.Column("counter", sa.String(), nullable=False),
        sa.Column("paired_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_login")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_device_login_token_hash")),
    )
    with op.batch_alter_table("device_login", schema=None) as batch_op:
        batch_op.create_index(
            "uq_device_login_counter",
            ["counter"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "kept_reply",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_kept_reply")),
    )
    with op.batch_alter_table("kept_reply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_reply_at"), ["at"], unique=False)

    op.create_table(
        "pairing",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("code_index", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("hall", sa.String(), nullable=True),
        sa.Column("counter", sa.String(), nullable=True),
        sa.Column("paired_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing")),
        sa.UniqueConstraint("code_index", name=op.f("uq_pairing_code_index")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_pairing_token_hash")),
    )
    with op.batch_alter_table("pairing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pairing_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "queue_version",
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("region", name=op.f("pk_queue_version")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("name_index", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcTime(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name_index", name=op.f("pk_sign_in_failures")),
    )
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_failures_at"), ["at"], unique=False)

    op.create_table(
        "case_check",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "identity",
                "material",
                "eligibility",
                "other",
                name="checkkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "side",
            sa.Enum("local", "jurisdiction", name="side", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("sealed_remark", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_case_check_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_check")),
    )
    with op.batch_alter_table("case_check", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_check_case_id"), ["case_id"], unique=False)

    op.create_table(
        "case_event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_case_event_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
        sa.UniqueConstraint("case_id", "seq", name=op.f("uq_case_event_case_id_seq")),
    )
    op.create_table(
        "case_field",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_case_field_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("case_id", "name", name=op.f("pk_case_field")),
    )
    op.create_table(
        "certificate",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("issuer_code", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("check_code", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "reserved",
                "valid",
                "revoked",
                "superseded",
                name="certificatestate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("template_version", sa.String(), nullable=False),
        sa.Column("sealed_facts", sa.String(), nullable=False),
        sa.Column("case_seq", sa.Integer(), nullable=False),
        sa.Column("case_hash", sa.String(), nullable=False),
        sa.Column("signing_at", UtcTime(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_by_name", sa.String(), nullable=False),
        sa.Column("issued_at", UtcTime(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("qr_token", sa.String(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=True),
        sa.Column("sealed_reason", sa.String(), nullable=True),
        sa.Column("superseded_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_certificate_case_id_case_record")
        ),
        sa.ForeignKeyConstraint(
            ["superseded_by"],
            ["certificate.id"],
            name=op.f("fk_certificate_superseded_by_certificate"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint(
            "issuer_code", "year", "serial", name=op.f("uq_certificate_issuer_code_year_serial")
        ),
        sa.UniqueConstraint("number", name=op.f("uq_certificate_number")),
        sa.UniqueConstraint("sha256", name=op.f("uq_certificate_sha256")),
    )
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_case_id"), ["case_id"], unique=False)
        batch_op.create_index(
            "uq_certificate_live",
            ["case_id", "kind"],
            unique=True,
            sqlite_where=sa.text("state IN ('reserved', 'valid')"),
            postgresql_where=sa.text("state IN ('reserved', 'valid')"),
        )

    op.create_table(
        "login",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("clerk_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column(
            "end_reason",
            sa.Enum(
                "signed_out",
                "signed_in_anew",
                "password_changed",
                "disabled",
                name="endreason",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_login_clerk_id_clerk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_token_hash")),
    )
    with op.batch_alter_table("login", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_clerk_id"), ["clerk_id"], unique=False)

    op.create_table(
        "material",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum(
                "upload",
                "document_camera",
                "still",
                "signature",
                name="origin",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_material_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material")),
    )
    with op.batch_alter_table("material", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_material_case_id"), ["case_id"], unique=False)

    op.create_table(
        "pickup_link",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("minted_by", sa.String(), nullable=False),
        sa.Column("minted_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_pickup_link_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pickup_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_pickup_link_token_hash")),
    )
    with op.batch_alter_table("pickup_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pickup_link_case_id"), ["case_id"], unique=False)

    op.create_table(
        "rating",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("sealed_remark", sa.String(), nullable=False),
        sa.Column(
            "way",
            sa.Enum("facing", "phone", name="way", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("follow_up", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_rating_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_rating")),
    )
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rating_follow_up"), ["follow_up"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("item_code", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "offered",
                "serving",
                "done",
                "abandoned",
                name="ticketstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("taken_at", UtcTime(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_ticket_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ticket_line", ["region", "state", "priority", "taken_at"], unique=False
        )
        batch_op.create_index(
            "uq_ticket_live",
            ["case_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('waiting', 'offered', 'serving')"),
            postgresql_where=sa.text("state IN ('waiting', 'offered', 'serving')"),
        )

    op.create_table(
        "call_record",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "connecting",
                "connected",
                "interrupted",
                "ended",
                name="callstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "topology",
            sa.Enum("direct", "relay", name="topology", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("connected_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column(
            "end_reason",
            sa.Enum(
                "finished",
                "line",
                "citizen_left",
                "other",
                name="endreason",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_call_record_case_id_case_record")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_call_record_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_record")),
    )
    with op.batch_alter_table("call_record", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_record_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_call_record_state"), ["state"], unique=False)
        batch_op.create_index(
            "uq_call_live",
            ["case_id"],
            unique=True,
            sqlite_where=sa.text("state != 'ended'"),
            postgresql_where=sa.text("state != 'ended'"),
        )

    op.create_table(
        "citizen_login",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_citizen_login_case_id_case_record")
        ),
        sa.ForeignKeyConstraint(
            ["link_id"], ["pickup_link.id"], name=op.f("fk_citizen_login_link_id_pickup_link")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_citizen_login")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_citizen_login_token_hash")),
    )
    with op.batch_alter_table("citizen_login", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_citizen_login_case_id"), ["case_id"], unique=False)

    op.create_table(
        "consent",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "none",
                "asked",
                "given",
                "refused",
                name="consentstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("notice_version", sa.String(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("signature_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_consent_case_id_case_record")
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["material.id"], name=op.f("fk_consent_signature_id_material")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_consent")),
    )
    op.create_table(
        "material_tick",
        sa.Column("material_id", sa.String(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("local", "jurisdiction", name="side", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material.id"], name=op.f("fk_material_tick_material_id_material")
        ),
        sa.PrimaryKeyConstraint("material_id", "side", name=op.f("pk_material_tick")),
    )
    op.create_table(
        "offer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("clerk_id", sa.String(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "accepted",
                "declined",
                "missed",
                "withdrawn",
                name="offerstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_offer_case_id_case_record")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_offer_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
    )
    with op.batch_alter_table("offer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_offer_clerk_id"), ["clerk_id"], unique=False)
        batch_op.create_index("ix_offer_due", ["state", "expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_offer_ticket_id"), ["ticket_id"], unique=False)
        batch_op.create_index(
            "uq_offer_open_clerk",
            ["clerk_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "uq_offer_open_ticket",
            ["ticket_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "settlement",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("sealed_remark", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_settlement_case_id_case_record")
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate.id"],
            name=op.f("fk_settlement_certificate_id_certificate"),
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_settlement")),
    )
    with op.batch_alter_table("settlement", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_settlement_certificate_id"), ["certificate_id"], unique=False
        )

    op.create_table(
        "ticket_period",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "offered",
                "serving",
                "done",
                "abandoned",
                name="ticketstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("began_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_period_ticket_id_ticket")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_period")),
    )
    with op.batch_alter_table("ticket_period", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_period_began_at"), ["began_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_period_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "usage_receipt",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("certificate_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("hall", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_usage_receipt_case_id_case_record")
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificate.id"],
            name=op.f("fk_usage_receipt_certificate_id_certificate"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_receipt")),
        sa.UniqueConstraint("case_id", name=op.f("uq_usage_receipt_case_id")),
    )
    with op.batch_alter_table("usage_receipt", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usage_receipt_certificate_id"), ["certificate_id"], unique=False
        )

    op.create_table(
        "seat",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column(
            "side",
            sa.Enum(
                "local",
                "remote",
                "adviser",
                "observer",
                "citizen",
                name="seatside",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("sid", sa.String(), nullable=True),
        sa.Column("media_up", sa.Boolean(), nullable=False),
        sa.Column("lease_until", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call_record.id"], name=op.f("fk_seat_call_id_call_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat")),
        sa.UniqueConstraint("call_id", "side", name=op.f("uq_seat_call_id_side")),
    )
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seat_call_id"), ["call_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_seat_holder"), ["holder"], unique=False)
        batch_op.create_index(batch_op.f("ix_seat_sid"), ["sid"], unique=False)

    op.create_table(
        "still",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "filed",
                "refused",
                "missed",
                name="stillstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("material_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call_record.id"], name=op.f("fk_still_call_id_call_record")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_record.id"], name=op.f("fk_still_case_id_case_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_still")),
    )
    with op.batch_alter_table("still", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_still_call_id"), ["call_id"], unique=False)
        batch_op.create_index("ix_still_due", ["state", "expires_at"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("still", schema=None) as batch_op:
        batch_op.drop_index("ix_still_due")
        batch_op.drop_index(batch_op.f("ix_still_call_id"))

    op.drop_table("still")
    with op.batch_alter_table("seat", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seat_sid"))
        batch_op.drop_index(batch_op.f("ix_seat_holder"))
        batch_op.drop_index(batch_op.f("ix_seat_call_id"))

    op.drop_table("seat")
    with op.batch_alter_table("usage_receipt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usage_receipt_certificate_id"))

    op.drop_table("usage_receipt")
    with op.batch_alter_table("ticket_period", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_period_ticket_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_period_began_at"))

    op.drop_table("ticket_period")
    with op.batch_alter_table("settlement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_settlement_certificate_id"))

    op.drop_table("settlement")
    with op.batch_alter_table("offer", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_offer_open_ticket",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(
            "uq_offer_open_clerk",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(batch_op.f("ix_offer_ticket_id"))
        batch_op.drop_index("ix_offer_due")
        batch_op.drop_index(batch_op.f("ix_offer_clerk_id"))

    op.drop_table("offer")
    op.drop_table("material_tick")
    op.drop_table("consent")
    with op.batch_alter_table("citizen_login", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_citizen_login_case_id"))

    op.drop_table("citizen_login")
    with op.batch_alter_table("call_record", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_call_live",
            sqlite_where=sa.text("state != 'ended'"),
            postgresql_where=sa.text("state != 'ended'"),
        )
        batch_op.drop_index(batch_op.f("ix_call_record_state"))
        batch_op.drop_index(batch_op.f("ix_call_record_case_id"))

    op.drop_table("call_record")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_ticket_live",
            sqlite_where=sa.text("state IN ('waiting', 'offered', 'serving')"),
            postgresql_where=sa.text("state IN ('waiting', 'offered', 'serving')"),
        )
        batch_op.drop_index("ix_ticket_line")

    op.drop_table("ticket")
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rating_follow_up"))

    op.drop_table("rating")
    with op.batch_alter_table("pickup_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pickup_link_case_id"))

    op.drop_table("pickup_link")
    with op.batch_alter_table("material", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_material_case_id"))

    op.drop_table("material")
    with op.batch_alter_table("login", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_clerk_id"))

    op.drop_table("login")
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_certificate_live",
            sqlite_where=sa.text("state IN ('reserved', 'valid')"),
            postgresql_where=sa.text("state IN ('reserved', 'valid')"),
        )
        batch_op.drop_index(batch_op.f("ix_certificate_case_id"))

    op.drop_table("certificate")
    op.drop_table("case_field")
    op.drop_table("case_event")
    with op.batch_alter_table("case_check", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_check_case_id"))

    op.drop_table("case_check")
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_failures_at"))

    op.drop_table("sign_in_failures")
    op.drop_table("queue_version")
    with op.batch_alter_table("pairing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pairing_expires_at"))

    op.drop_table("pairing")
    with op.batch_alter_table("kept_reply", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kept_reply_at"))

    op.drop_table("kept_reply")
    with op.batch_alter_table("device_login", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_device_login_counter",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("device_login")
    op.drop_table("clerk")
    op.drop_table("certificate_serial")
    op.drop_table("case_serial")
    with op.batch_alter_table("case_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_record_opened_by"))
        batch_op.drop_index("ix_case_record_local")
        batch_op.drop_index("ix_case_record_jurisdiction")
        batch_op.drop_index(batch_op.f("ix_case_record_counter"))
        batch_op.drop_index(batch_op.f("ix_case_record_applicant_index"))
        batch_op.drop_index(batch_op.f("ix_case_record_agent_id"))

    op.drop_table("case_record")
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.drop_index("ix_agent_region")

    op.drop_table("agent")
