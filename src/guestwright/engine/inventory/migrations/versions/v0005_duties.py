"""What one engine at a time does, of several on this database."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import Column, Double, Text

revision: Final = "0005"
down_revision: Final = "0004"

TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "duties",
        Column("name", TEXT, primary_key=True),
        Column("owner", TEXT, nullable=False),
        Column("until", Double(), nullable=False),
        Column("place", TEXT, nullable=False),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("duties")
