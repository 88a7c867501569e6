"""What was heard of a recording: the mix, or a stem of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transcriptions", sa.Column("separation", sa.JSON))


def downgrade() -> None:
    op.drop_column("transcriptions", "separation")
