"""Jobs and their events; kept as they are where an engine made them before there were steps."""

from __future__ import annotations

from typing import Any, Final

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, String, Text, UniqueConstraint
from sqlalchemy.types import TypeEngine

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "durable_jobs",
        Column("id", String(64), primary_key=True),
        *(_needed(name, String(64)) for name in ("kind", "group", "step", "owner")),
        *(_needed(name, Integer()) for name in ("version", "epoch")),
        *(_needed(name, Text()) for name in ("parameters", "result", "error", "leftovers")),
        Column("key", String(200)),
        _needed("status", String(16)),
        *(_needed(name, BigInteger()) for name in ("done", "total")),
        _needed("note", String(800)),
        _needed("cancelling", Boolean()),
        *(_needed(name, Double()) for name in ("until", "created", "started", "ended")),
        UniqueConstraint("key"),
        if_not_exists=True,
    )
    op.create_index("durable_jobs_open", "durable_jobs", ["ended", "until"], if_not_exists=True)
    op.create_index("ix_durable_jobs_group", "durable_jobs", ["group"], if_not_exists=True)
    op.create_table(
        "durable_job_events",
        Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
        _needed("job", String(64)),
        _needed("at", Double()),
        _needed("what", String(16)),
        _needed("data", Text()),
        if_not_exists=True,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_durable_job_events_job", "durable_job_events", ["job"], if_not_exists=True)


def downgrade() -> None:
    """Take it back."""
    op.drop_table("durable_job_events")
    op.drop_table("durable_jobs")


def _needed(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    return Column(name, kind, nullable=False)
