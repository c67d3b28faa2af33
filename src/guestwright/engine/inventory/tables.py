"""The tables, as the migrations leave them; a test compares the two on both databases."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import (
    AgentState,
    Device,
    DiskFormat,
    Outcome,
    Persistence,
    Role,
)
from guestwright.engine.inventory.columns import (
    METADATA,
    NUMBER,
    TEXT,
    Json,
    choice,
    count,
    reference,
    text,
    things,
)

ONE_OWNER: Final = "(vm_id IS NULL) <> (template_version_id IS NULL)"
NEVER_UNSEALED: Final = "NOT (state = 'legal' AND sealing = 'wanted')"

hosts: Final = things(
    "hosts",
    text("name", unique=True),
    text("address"),
    choice("state", states.HostState),
    text("reason"),
    text("hypervisor"),
    text("software"),
    Column("cpus", Integer, nullable=False),
    count("memory"),
)
storage_domains: Final = things(
    "storage_domains",
    reference("host_id", "hosts"),
    text("name"),
    choice("state", states.HostState),
    text("reason"),
    count("capacity"),
    count("free"),
    UniqueConstraint("host_id", "name"),
)
volumes: Final = things(
    "volumes",
    reference("domain_id", "storage_domains"),
    choice("state", states.VolumeState, index=True),
    choice("kind", states.VolumeKind),
    choice("sealing", states.Sealing),
    text("reason"),
    choice("format", DiskFormat),
    count("size"),
    count("generation"),
    reference("parent_id", "volumes", needed=False),
    text("job"),
    text("description"),
    CheckConstraint(NEVER_UNSEALED, name="never_legal_and_unsealed"),
)
disks: Final = things(
    "disks",
    text("name", index=True),
    text("description"),
    reference("volume_id", "volumes", needed=False),
    Column("shareable", Boolean, nullable=False),
)
uploads: Final = things(
    "uploads",
    reference("disk_id", "disks"),
    count("file_size"),
    text("sha256"),
    text("job"),
)
templates: Final = things("templates", text("name", unique=True), text("description"))
template_versions: Final = things(
    "template_versions",
    reference("template_id", "templates", goes="CASCADE"),
    Column("number", Integer, nullable=False),
    text("label"),
    choice("state", states.TemplateState),
    Column("sealed", Boolean, nullable=False),
    text("source"),
    text("os_family"),
    text("firmware"),
    text("machine"),
    Column("vcpus", Integer, nullable=False),
    count("memory"),
    text("job"),
    UniqueConstraint("template_id", "number"),
)
vms: Final = things(
    "vms",
    text("name", unique=True),
    text("description"),
    choice("state", states.VmState),
    choice("power", states.Power, index=True),
    text("reason"),
    reference("host_id", "hosts", needed=False),
    reference("template_version_id", "template_versions", needed=False),
    text("os_family"),
    text("firmware"),
    text("machine"),
    Column("vcpus", Integer, nullable=False),
    count("memory"),
    Column("initialised", Boolean, nullable=False),
    text("job"),
    reference("owner_id", "users", needed=False, goes="SET NULL"),
)
drives: Final = things(
    "drives",
    reference("vm_id", "vms", needed=False, goes="CASCADE"),
    reference("template_version_id", "template_versions", needed=False, goes="CASCADE"),
    reference("disk_id", "disks", needed=False),
    choice("device", Device),
    text("bus"),
    text("target"),
    Column("position", Integer, nullable=False),
    Column("read_only", Boolean, nullable=False),
    CheckConstraint(ONE_OWNER, name="one_owner"),
    UniqueConstraint("vm_id", "target"),
    UniqueConstraint("template_version_id", "target"),
)
nics: Final = things(
    "nics",
    reference("vm_id", "vms", needed=False, goes="CASCADE"),
    reference("template_version_id", "template_versions", needed=False, goes="CASCADE"),
    Column("position", Integer, nullable=False),
    Column("mac", TEXT, unique=True),  # none in a template
    text("network"),
    text("bridge"),
    text("model"),
    CheckConstraint(ONE_OWNER, name="one_owner"),
)
syspreps: Final = things(
    "syspreps",
    reference("vm_id", "vms", goes="CASCADE"),
    choice("state", states.SysprepState),
    text("reason"),
    text("job"),
    text("actor"),
    text("host"),
    text("progress"),
    text("code"),
    Column("percent", Integer, nullable=False),
    Column("ended", Double, nullable=False),
)
alarms: Final = things(
    "alarms",
    reference("host_id", "hosts", needed=False, goes="CASCADE"),  # NULL: across hosts
    text("kind"),
    text("value"),
    text("machines"),  # each between two spaces
    Column("claimants", Integer, nullable=False),
)

guests: Final = Table(
    "guests",
    METADATA,
    Column("vm_id", TEXT, ForeignKey("vms.id", ondelete="CASCADE"), primary_key=True),
    choice("agent", AgentState, index=True),
    text("agent_reason"),
    Column("agent_since", Double, nullable=False),
    text("hostname", index=True),
    text("os"),
    text("addresses"),  # each between two spaces
    Column("seen", Double, nullable=False),
)
facts: Final = Table(
    "facts",
    METADATA,
    Column("vm_id", TEXT, ForeignKey("vms.id", ondelete="CASCADE"), primary_key=True),
    Column("name", TEXT, primary_key=True),
    Column("value", Text, nullable=False),  # JSON in its one form
    text("source"),
    Column("since", Double, nullable=False),
    Column("seen", Double, nullable=False),
)
claims: Final = Table(
    "claims",
    METADATA,
    Column("vm_id", TEXT, ForeignKey("vms.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", TEXT, primary_key=True),
    Column("value", TEXT, primary_key=True),
    Index(None, "kind", "value"),
)
fact_history: Final = Table(
    "fact_history",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("vm_id", TEXT, ForeignKey("vms.id", ondelete="CASCADE"), nullable=False),
    text("name"),
    Column("value", Text, nullable=False),  # JSON in its one form
    text("source"),
    Column("at", Double, nullable=False),
    Index(None, "vm_id", "name", "number"),
    Index(None, "at"),
)

stream: Final = Table(
    "stream",
    METADATA,
    Column("one", Integer, CheckConstraint("one = 1", name="single"), primary_key=True, autoincrement=False),
    text("epoch"),
    count("last"),
)
duties: Final = Table(
    "duties",
    METADATA,
    Column("name", TEXT, primary_key=True),
    text("owner"),  # an engine; "" for none
    Column("until", Double, nullable=False),  # seconds since 1970, by the database's clock
    text("place"),  # how far it is
)
events: Final = Table(
    "events",
    METADATA,
    Column("sequence", NUMBER, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    text("kind"),
    text("subject", index=True),
    Column("body", Json, nullable=False),
)

users: Final = things(
    "users",
    text("name", unique=True),
    text("full_name"),
    choice("role", Role),
    Column("payload_contents", Boolean, nullable=False),
    Column("guest_exec", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    text("password"),  # Argon2id with its parameters
)
tokens: Final = things(
    "tokens",
    reference("user_id", "users", goes="CASCADE"),
    text("name"),
    choice("role", Role),
    Column("payload_contents", Boolean, nullable=False),
    Column("guest_exec", Boolean, nullable=False),
    text("digest"),  # SHA-256 of the secret
    Column("expires", Double, nullable=False),
    Column("used", Double, nullable=False),
    UniqueConstraint("user_id", "name"),
)
login_failures: Final = Table(
    "login_failures",
    METADATA,
    Column("key", TEXT, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", Double, nullable=False, index=True),
)
audit: Final = Table(
    "audit",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False, index=True),
    text("actor", index=True),
    text("remote"),
    text("action"),
    text("subject", index=True),
    choice("outcome", Outcome),
    Column("detail", Json, nullable=False),
)
idempotency_keys: Final = Table(
    "idempotency_keys",
    METADATA,
    Column("key", TEXT, primary_key=True),  # of the caller and the operation
    text("digest"),  # of the request, with a key that is not in the database
    Column("at", Double, nullable=False, index=True),
    Column("status", Integer, nullable=False),  # of HTTP; 0 while it is being done
    Column("answer", Text),  # JSON; none where it is a secret
    Column("version", Integer),
    text("location"),
)

payloads: Final = things(
    "payloads",
    text("name", unique=True),
    text("description"),
    Column("current", Integer, nullable=False),
)
payload_versions: Final = Table(
    "payload_versions",
    METADATA,
    Column("payload_id", TEXT, ForeignKey("payloads.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("created", Double, nullable=False),
    text("author"),
    text("form"),
    text("label"),
    Column("files", Json, nullable=False),  # names and sizes
    text("key"),
    Column("sealed", LargeBinary, nullable=False),
)
payload_uploads: Final = things(
    "payload_uploads",
    text("name"),  # "" for a version of a payload that is there
    text("description"),
    text("label"),
    reference("payload_id", "payloads", needed=False, goes="CASCADE"),
    Column("expected", Integer),  # version that the payload must still have; none: whichever
    text("author", index=True),
    Column("files", Json, nullable=False),  # names and sizes, in the order of their bytes
    count("size"),
    count("writes"),
)
payload_pieces: Final = Table(
    "payload_pieces",
    METADATA,
    Column("upload_id", TEXT, ForeignKey("payload_uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("length", Integer, nullable=False),
    text("key"),
    Column("sealed", LargeBinary, nullable=False),
)
payload_uses: Final = things(
    "payload_uses",
    reference("payload_id", "payloads"),
    Column("number", Integer),  # of a version; none: the newest
    reference("vm_id", "vms", needed=False, goes="CASCADE"),
    reference("template_version_id", "template_versions", needed=False, goes="CASCADE"),
    choice("persistence", Persistence),
    choice("device", Device),
    choice("state", states.PayloadState),
    text("reason"),
    CheckConstraint(ONE_OWNER, name="one_owner"),
    UniqueConstraint("vm_id", "persistence"),
    UniqueConstraint("template_version_id", "persistence"),
)
