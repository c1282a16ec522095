"""who is at the counter of a ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from server.db.base import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Columns one by one: SQLite would make the table anew for a batch, and other tables refer to it.
# Tickets that waited before count as left until their clerks' sockets are seen, a second after.
NOBODY_SEEN = "1970-01-01 00:00:00"


def upgrade() -> None:
    """Bring the schema here."""
    op.add_column(
        "ticket",
        sa.Column("present_until", UtcTime(), nullable=False, server_default=NOBODY_SEEN),
    )
    op.add_column("ticket", sa.Column("away_since", UtcTime(), nullable=True))
    op.add_column("ticket", sa.Column("lapses_at", UtcTime(), nullable=True))
    op.create_index("ix_ticket_clerk", "ticket", ["state", "taken_by"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_ticket_clerk", table_name="ticket")
    for name in ("lapses_at", "away_since", "present_until"):
        op.drop_column("ticket", name)
