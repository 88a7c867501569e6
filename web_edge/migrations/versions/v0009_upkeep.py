"""Who does at present what only one process may do; whose job's end is to be told by mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.add_column("transcriptions", sa.Column("notice_due", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_transcriptions_notice_due", "transcriptions", ["notice_due"])


def downgrade() -> None:
    op.drop_index("ix_transcriptions_notice_due", "transcriptions")
    op.drop_column("transcriptions", "notice_due")
    op.drop_table("leases")
