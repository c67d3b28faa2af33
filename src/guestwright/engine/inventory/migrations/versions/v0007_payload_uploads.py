"""Uploads of payloads: what they are going to be, and what has arrived."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, Double, ForeignKey, Integer, LargeBinary, Text

revision: Final = "0007"
down_revision: Final = "0006"

TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "payload_uploads",
        Column("id", TEXT, primary_key=True),
        Column("version", Integer(), nullable=False),
        Column("created", Double(), nullable=False),
        Column("changed", Double(), nullable=False),
        Column("name", TEXT, nullable=False),
        Column("description", TEXT, nullable=False),
        Column("label", TEXT, nullable=False),
        Column("payload_id", TEXT, ForeignKey("payloads.id", ondelete="CASCADE")),
        Column("expected", Integer()),
        Column("author", TEXT, nullable=False),
        Column("files", Text(), nullable=False),
        Column("size", BigInteger(), nullable=False),
        Column("writes", BigInteger(), nullable=False),
    )
    op.create_index("ix_payload_uploads_payload_id", "payload_uploads", ["payload_id"])
    op.create_index("ix_payload_uploads_author", "payload_uploads", ["author"])
    op.create_table(
        "payload_pieces",
        Column("upload_id", TEXT, ForeignKey("payload_uploads.id", ondelete="CASCADE"), primary_key=True),
        Column("start", BigInteger(), primary_key=True, autoincrement=False),
        Column("length", Integer(), nullable=False),
        Column("key", TEXT, nullable=False),
        Column("sealed", LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    """Take it back; uploads that were under way go."""
    op.drop_table("payload_pieces")
    op.drop_table("payload_uploads")
