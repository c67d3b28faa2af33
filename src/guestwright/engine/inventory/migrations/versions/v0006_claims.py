"""What machines claim to be, of all hosts; an alarm may be of no single host."""

from __future__ import annotations

import json
from typing import Final

from alembic import op
from sqlalchemy import Column, ForeignKey, Text, column, delete, insert, select, table

from guestwright.engine.inventory.claims import claims_of

revision: Final = "0006"
down_revision: Final = "0005"

TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
_KEPT: Final = ("identity", "nics")


def upgrade() -> None:
    """Take the step: the claims of facts that are there, too."""
    made = op.create_table(
        "claims",
        Column("vm_id", TEXT, ForeignKey("vms.id", ondelete="CASCADE"), primary_key=True),
        Column("kind", TEXT, primary_key=True),
        Column("value", TEXT, primary_key=True),
    )
    op.create_index("ix_claims_kind_value", "claims", ["kind", "value"])
    with op.batch_alter_table("alarms") as alarms:
        alarms.alter_column("host_id", existing_type=TEXT, nullable=True)
    facts = table("facts", column("vm_id"), column("name"), column("value"))
    connection = op.get_bind()
    found = connection.execute(select(facts).where(facts.c.name.in_(_KEPT))).all()
    rows = {
        (vm, kind, value): {"vm_id": vm, "kind": kind, "value": value}
        for vm, name, text in found
        for kind, value in claims_of(name, json.loads(text))
    }
    if rows:
        connection.execute(insert(made), list(rows.values()))


def downgrade() -> None:
    """Take it back; alarms across hosts go."""
    alarms = table("alarms", column("host_id"))
    op.execute(delete(alarms).where(alarms.c.host_id.is_(None)))
    with op.batch_alter_table("alarms") as kept:
        kept.alter_column("host_id", existing_type=TEXT, nullable=False)
    op.drop_table("claims")
