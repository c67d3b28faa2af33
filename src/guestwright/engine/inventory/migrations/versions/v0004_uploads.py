"""Uploads of disks; answers to requests that came with an Idempotency-Key."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, Double, ForeignKey, Integer, Text

revision: Final = "0004"
down_revision: Final = "0003"

TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "uploads",
        Column("id", TEXT, primary_key=True),
        Column("version", Integer(), nullable=False),
        Column("created", Double(), nullable=False),
        Column("changed", Double(), nullable=False),
        Column("disk_id", TEXT, ForeignKey("disks.id"), nullable=False),
        Column("file_size", BigInteger(), nullable=False),
        Column("sha256", TEXT, nullable=False),
        Column("job", TEXT, nullable=False),
    )
    op.create_index("ix_uploads_disk_id", "uploads", ["disk_id"])
    op.create_table(
        "idempotency_keys",
        Column("key", TEXT, primary_key=True),
        Column("digest", TEXT, nullable=False),
        Column("at", Double(), nullable=False),
        Column("status", Integer(), nullable=False),
        Column("answer", Text()),
        Column("version", Integer()),
        Column("location", TEXT, nullable=False),
    )
    op.create_index("ix_idempotency_keys_at", "idempotency_keys", ["at"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table("idempotency_keys")
    op.drop_table("uploads")
