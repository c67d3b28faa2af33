"""Hosts, storage, machines, templates, guests' facts, events."""

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
    Text,
    UniqueConstraint,
)

revision: Final = "0001"
down_revision: Final = None

TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Take the step."""
    _events()
    _hosts()
    _stream()
    _templates()
    _storage_domains()
    _template_versions()
    _vms()
    _volumes()
    _disks()
    _fact_history()
    _facts()
    _guests()
    _nics()
    _syspreps()
    _drives()


def downgrade() -> None:
    """Take it back."""
    for table in (
        "drives",
        "syspreps",
        "nics",
        "guests",
        "facts",
        "fact_history",
        "disks",
        "volumes",
        "vms",
        "template_versions",
        "storage_domains",
        "templates",
        "stream",
        "hosts",
        "events",
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


def _events() -> None:
    op.create_table(
        "events",
        Column("sequence", NUMBER, primary_key=True, autoincrement=False),
        Column("at", Double(), nullable=False),
        _text("kind"),
        _text("subject"),
        Column("body", Text(), nullable=False),
    )
    op.create_index("ix_events_subject", "events", ["subject"])


def _hosts() -> None:
    op.create_table(
        "hosts",
        *_thing(),
        _text("name"),
        _text("address"),
        _choice("state", "joining up unreachable maintenance"),
        _text("reason"),
        _text("hypervisor"),
        _text("software"),
        Column("cpus", Integer(), nullable=False),
        Column("memory", BigInteger(), nullable=False),
        UniqueConstraint("name"),
    )


def _stream() -> None:
    op.create_table(
        "stream",
        Column(
            "one",
            Integer(),
            CheckConstraint("one = 1", name="single"),
            primary_key=True,
            autoincrement=False,
        ),
        _text("epoch"),
        Column("last", BigInteger(), nullable=False),
    )


def _templates() -> None:
    op.create_table(
        "templates",
        *_thing(),
        _text("name"),
        _text("description"),
        UniqueConstraint("name"),
    )


def _storage_domains() -> None:
    op.create_table(
        "storage_domains",
        *_thing(),
        _reference("host_id", "hosts"),
        _text("name"),
        _choice("state", "joining up unreachable maintenance"),
        _text("reason"),
        Column("capacity", BigInteger(), nullable=False),
        Column("free", BigInteger(), nullable=False),
        UniqueConstraint("host_id", "name"),
    )
    op.create_index("ix_storage_domains_host_id", "storage_domains", ["host_id"])


def _template_versions() -> None:
    op.create_table(
        "template_versions",
        *_thing(),
        _reference("template_id", "templates", goes="CASCADE"),
        Column("number", Integer(), nullable=False),
        _text("label"),
        _choice("state", "locked ready"),
        Column("sealed", Boolean(), nullable=False),
        _text("source"),
        _text("os_family"),
        _text("firmware"),
        _text("machine"),
        Column("vcpus", Integer(), nullable=False),
        Column("memory", BigInteger(), nullable=False),
        _text("job"),
        UniqueConstraint("template_id", "number"),
    )
    op.create_index("ix_template_versions_template_id", "template_versions", ["template_id"])


def _vms() -> None:
    op.create_table(
        "vms",
        *_thing(),
        _text("name"),
        _text("description"),
        _choice("state", "creating ready locked removing"),
        _choice("power", "unknown off starting running paused suspended stopping crashed"),
        _text("reason"),
        _reference("host_id", "hosts", needed=False),
        _reference("template_version_id", "template_versions", needed=False),
        _text("os_family"),
        _text("firmware"),
        _text("machine"),
        Column("vcpus", Integer(), nullable=False),
        Column("memory", BigInteger(), nullable=False),
        Column("initialised", Boolean(), nullable=False),
        _text("job"),
        UniqueConstraint("name"),
    )
    op.create_index("ix_vms_host_id", "vms", ["host_id"])
    op.create_index("ix_vms_power", "vms", ["power"])
    op.create_index("ix_vms_template_version_id", "vms", ["template_version_id"])


def _volumes() -> None:
    op.create_table(
        "volumes",
        *_thing(),
        _reference("domain_id", "storage_domains"),
        _choice("state", "locked legal illegal"),
        _choice("kind", "leaf shared"),
        _choice("sealing", "none wanted done"),
        _text("reason"),
        _choice("format", "raw qcow2"),
        Column("size", BigInteger(), nullable=False),
        Column("generation", BigInteger(), nullable=False),
        _reference("parent_id", "volumes", needed=False),
        _text("job"),
        _text("description"),
        CheckConstraint("NOT (state = 'legal' AND sealing = 'wanted')", name="never_legal_and_unsealed"),
    )
    op.create_index("ix_volumes_domain_id", "volumes", ["domain_id"])
    op.create_index("ix_volumes_parent_id", "volumes", ["parent_id"])
    op.create_index("ix_volumes_state", "volumes", ["state"])


def _disks() -> None:
    op.create_table(
        "disks",
        *_thing(),
        _text("name"),
        _text("description"),
        _reference("volume_id", "volumes", needed=False),
        Column("shareable", Boolean(), nullable=False),
    )
    op.create_index("ix_disks_name", "disks", ["name"])
    op.create_index("ix_disks_volume_id", "disks", ["volume_id"])


def _fact_history() -> None:
    op.create_table(
        "fact_history",
        Column("number", NUMBER, primary_key=True, autoincrement=True),
        _reference("vm_id", "vms", goes="CASCADE"),
        _text("name"),
        Column("value", Text(), nullable=False),
        _text("source"),
        Column("at", Double(), nullable=False),
    )
    op.create_index("ix_fact_history_at", "fact_history", ["at"])
    op.create_index("ix_fact_history_vm_id_name_number", "fact_history", ["vm_id", "name", "number"])


def _facts() -> None:
    op.create_table(
        "facts",
        _reference("vm_id", "vms", key=True, goes="CASCADE"),
        Column("name", TEXT, primary_key=True),
        Column("value", Text(), nullable=False),
        _text("source"),
        Column("since", Double(), nullable=False),
        Column("seen", Double(), nullable=False),
    )


def _guests() -> None:
    op.create_table(
        "guests",
        _reference("vm_id", "vms", key=True, goes="CASCADE"),
        _choice("agent", "never-seen booting live stale lost"),
        _text("agent_reason"),
        Column("agent_since", Double(), nullable=False),
        _text("hostname"),
        _text("os"),
        _text("addresses"),
        Column("seen", Double(), nullable=False),
    )
    op.create_index("ix_guests_agent", "guests", ["agent"])
    op.create_index("ix_guests_hostname", "guests", ["hostname"])


def _nics() -> None:
    op.create_table(
        "nics",
        *_thing(),
        _reference("vm_id", "vms", needed=False, goes="CASCADE"),
        _reference("template_version_id", "template_versions", needed=False, goes="CASCADE"),
        Column("position", Integer(), nullable=False),
        Column("mac", TEXT),
        _text("network"),
        _text("bridge"),
        _text("model"),
        CheckConstraint("(vm_id IS NULL) <> (template_version_id IS NULL)", name="one_owner"),
        UniqueConstraint("mac"),
    )
    op.create_index("ix_nics_template_version_id", "nics", ["template_version_id"])
    op.create_index("ix_nics_vm_id", "nics", ["vm_id"])


def _syspreps() -> None:
    op.create_table(
        "syspreps",
        *_thing(),
        _reference("vm_id", "vms", goes="CASCADE"),
        _choice("state", "requested media-inserted media-seen running finished vm-down failed"),
        _text("reason"),
        _text("job"),
    )
    op.create_index("ix_syspreps_vm_id", "syspreps", ["vm_id"])


def _drives() -> None:
    op.create_table(
        "drives",
        *_thing(),
        _reference("vm_id", "vms", needed=False, goes="CASCADE"),
        _reference("template_version_id", "template_versions", needed=False, goes="CASCADE"),
        _reference("disk_id", "disks", needed=False),
        _choice("device", "disk cd floppy"),
        _text("bus"),
        _text("target"),
        Column("position", Integer(), nullable=False),
        Column("read_only", Boolean(), nullable=False),
        CheckConstraint("(vm_id IS NULL) <> (template_version_id IS NULL)", name="one_owner"),
        UniqueConstraint("template_version_id", "target"),
        UniqueConstraint("vm_id", "target"),
    )
    op.create_index("ix_drives_disk_id", "drives", ["disk_id"])
    op.create_index("ix_drives_template_version_id", "drives", ["template_version_id"])
    op.create_index("ix_drives_vm_id", "drives", ["vm_id"])
