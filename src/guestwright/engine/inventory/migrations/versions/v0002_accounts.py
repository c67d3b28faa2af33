"""Payloads, users, tokens, the audit log; who owns a machine."""

from __future__ import annotations

from typing import Any, Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)

revision: Final = "0002"
down_revision: Final = "0001"

TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Take the step."""
    _audit()
    _login_failures()
    _payloads()
    _users()
    _payload_versions()
    _tokens()
    _payload_uses()
    with op.batch_alter_table("vms") as vms:
        vms.add_column(Column("owner_id", TEXT, nullable=True))
        vms.create_foreign_key("fk_vms_owner_id", "users", ["owner_id"], ["id"], ondelete="SET NULL")
        vms.create_index("ix_vms_owner_id", ["owner_id"])


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("vms") as vms:
        vms.drop_index("ix_vms_owner_id")
        vms.drop_constraint("fk_vms_owner_id", type_="foreignkey")
        vms.drop_column("owner_id")
    for table in (
        "payload_uses",
        "tokens",
        "payload_versions",
        "users",
        "payloads",
        "login_failures",
        "audit",
    ):
        op.drop_table(table)


def _thing() -> tuple[Column[Any], ...]:
    return (
        Column("id", TEXT, primary_key=True),
        Column("version", Integer(), nullable=False),
        Column("created", Double(), nullable=False),
        Column("changed", Double(), nullable=False),
    )


def _text(name: str) -> Column[Any]:
    return Column(name, TEXT, nullable=False)


def _choice(name: str, words: str) -> Column[Any]:
    listed = ", ".join(f"'{one}'" for one in words.split())
    return Column(name, TEXT, CheckConstraint(f"{name} IN ({listed})", name=f"{name}_known"), nullable=False)


def _reference(
    name: str, table: str, *, needed: bool = True, goes: str | None = None, key: bool = False
) -> Column[Any]:
    target = ForeignKey(f"{table}.id", ondelete=goes)
    return Column(name, TEXT, target, primary_key=key, nullable=not needed and not key)


def _audit() -> None:
    op.create_table(
        "audit",
        Column("number", NUMBER, primary_key=True, autoincrement=True),
        Column("at", Double(), nullable=False),
        _text("actor"),
        _text("remote"),
        _text("action"),
        _text("subject"),
        _choice("outcome", "done denied failed"),
        Column("detail", Text(), nullable=False),
    )
    op.create_index("ix_audit_actor", "audit", ["actor"])
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_subject", "audit", ["subject"])


def _login_failures() -> None:
    op.create_table(
        "login_failures",
        Column("key", TEXT, primary_key=True),
        Column("failures", Integer(), nullable=False),
        Column("last", Double(), nullable=False),
    )
    op.create_index("ix_login_failures_last", "login_failures", ["last"])


def _payloads() -> None:
    op.create_table(
        "payloads",
        *_thing(),
        _text("name"),
        _text("description"),
        Column("current", Integer(), nullable=False),
        UniqueConstraint("name"),
    )


def _users() -> None:
    op.create_table(
        "users",
        *_thing(),
        _text("name"),
        _text("full_name"),
        _choice("role", "viewer operator admin"),
        Column("payload_contents", Boolean(), nullable=False),
        Column("guest_exec", Boolean(), nullable=False),
        Column("enabled", Boolean(), nullable=False),
        _text("password"),
        UniqueConstraint("name"),
    )


def _payload_versions() -> None:
    op.create_table(
        "payload_versions",
        _reference("payload_id", "payloads", key=True, goes="CASCADE"),
        Column("number", Integer(), primary_key=True, autoincrement=False),
        Column("created", Double(), nullable=False),
        _text("author"),
        _text("form"),
        _text("label"),
        Column("files", Text(), nullable=False),
        _text("key"),
        Column("sealed", LargeBinary(), nullable=False),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        *_thing(),
        _reference("user_id", "users", goes="CASCADE"),
        _text("name"),
        _choice("role", "viewer operator admin"),
        Column("payload_contents", Boolean(), nullable=False),
        Column("guest_exec", Boolean(), nullable=False),
        _text("digest"),
        Column("expires", Double(), nullable=False),
        Column("used", Double(), nullable=False),
        UniqueConstraint("user_id", "name"),
    )
    op.create_index("ix_tokens_user_id", "tokens", ["user_id"])


def _payload_uses() -> None:
    op.create_table(
        "payload_uses",
        *_thing(),
        _reference("payload_id", "payloads"),
        Column("number", Integer()),
        _reference("vm_id", "vms", needed=False, goes="CASCADE"),
        _reference("template_version_id", "template_versions", needed=False, goes="CASCADE"),
        _choice("persistence", "permanent run-once"),
        _choice("device", "disk cd floppy"),
        _choice("state", "defined attached seen consumed scrubbed failed"),
        _text("reason"),
        CheckConstraint("(vm_id IS NULL) <> (template_version_id IS NULL)", name="one_owner"),
        UniqueConstraint("template_version_id", "persistence"),
        UniqueConstraint("vm_id", "persistence"),
    )
    op.create_index("ix_payload_uses_payload_id", "payload_uses", ["payload_id"])
    op.create_index("ix_payload_uses_template_version_id", "payload_uses", ["template_version_id"])
    op.create_index("ix_payload_uses_vm_id", "payload_uses", ["vm_id"])
