"""What a person decided about the bars while the session ran."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transcriptions", sa.Column("rhythm", sa.JSON))


def downgrade() -> None:
    op.drop_column("transcriptions", "rhythm")
