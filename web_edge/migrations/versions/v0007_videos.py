"""Jobs that are given a video's address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transcriptions", sa.Column("url", sa.Text))
    op.add_column("transcriptions", sa.Column("video", sa.JSON))


def downgrade() -> None:
    op.drop_column("transcriptions", "video")
    op.drop_column("transcriptions", "url")
