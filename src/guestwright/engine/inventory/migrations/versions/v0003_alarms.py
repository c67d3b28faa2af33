"""Alarms about identities that several machines claim; of syspreps who wanted them, and how far they are."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import Column, Double, ForeignKey, Integer, Text

revision: Final = "0003"
down_revision: Final = "0002"

TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "alarms",
        Column("id", TEXT, primary_key=True),
        Column("version", Integer(), nullable=False),
        Column("created", Double(), nullable=False),
        Column("changed", Double(), nullable=False),
        Column("host_id", TEXT, ForeignKey("hosts.id", ondelete="CASCADE"), nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("value", TEXT, nullable=False),
        Column("machines", TEXT, nullable=False),
        Column("claimants", Integer(), nullable=False),
    )
    op.create_index("ix_alarms_host_id", "alarms", ["host_id"])
    with op.batch_alter_table("syspreps") as syspreps:
        for name in ("actor", "host", "progress", "code"):
            syspreps.add_column(Column(name, TEXT, nullable=False, server_default=""))
        syspreps.add_column(Column("percent", Integer(), nullable=False, server_default="0"))
        syspreps.add_column(Column("ended", Double(), nullable=False, server_default="0"))
    with op.batch_alter_table("syspreps") as syspreps:  # the defaults were for the rows that were there
        for name in ("actor", "host", "progress", "code", "percent", "ended"):
            syspreps.alter_column(name, server_default=None)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("syspreps") as syspreps:
        for name in ("actor", "host", "progress", "code", "percent", "ended"):
            syspreps.drop_column(name)
    op.drop_table("alarms")
