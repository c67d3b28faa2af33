"""All sealing operations, and the choice among them.

The choice has virt-sysprep's grammar, so that its users need not learn another (virt-sysprep(1), --enable,
--operations): `--enable a,b` is exactly that set; `--operations` starts from nothing and reads names,
`-name`, `defaults`, `all`, `-defaults` and `-all` from left to right; with neither, the default set runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from guestwright.base.errors import UsageError
from guestwright.seal.customise.operation import CUSTOMIZE
from guestwright.seal.errors import UnknownOperation
from guestwright.seal.operation import Operation
from guestwright.seal.operations import (
    accounts_state,
    agents_network,
    agents_security,
    agents_vendor,
    backup_files,
    ca_store,
    caches,
    cloud_init,
    cron_spool,
    disk_uuids,
    edited_lines,
    flag_reconfiguration,
    histories,
    hostname,
    identity_services,
    iscsi_name,
    leftovers,
    logs,
    logs_all,
    lvm_system_devices,
    machine_id,
    net_mac_match,
    network_state,
    nvme_host,
    pacct_log,
    script,
    service_keys,
    ssh_hostkeys,
    storage_identity,
    systemd_state,
    user_account,
)

_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_META: Final = frozenset({"defaults", "all"})


def bake(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """Check the operations' metadata and sort them as they run.

    Args:
        operations: in any order.

    Returns:
        Sorted by (order, name).

    Raises:
        ValueError: a name twice, badly formed or reserved; a summary or source missing or badly formed; an
            option that two operations describe differently.
    """
    baked: dict[str, Operation] = {}
    options: dict[str, str] = {}
    for one in operations:
        if not one.name or not _NAME.issuperset(one.name) or one.name.startswith("-") or one.name in _META:
            raise ValueError(f"operation {one.name!r}: not a name")
        if one.name in baked:
            raise ValueError(f"operation {one.name}: there twice")
        if not one.summary or one.summary.endswith(".") or "\n" in one.summary or not one.source:
            raise ValueError(f"operation {one.name}: needs a source, and a summary on one line, no full stop")
        for option, text in one.options.items():
            if options.setdefault(option, text) != text:
                raise ValueError(f"operation {one.name}: option {option} means something else elsewhere")
        baked[one.name] = one
    return tuple(sorted(baked.values(), key=lambda one: (one.order, one.name)))


OPERATIONS: Final = bake(
    (
        *accounts_state.OPERATIONS,
        *agents_network.OPERATIONS,
        *agents_security.OPERATIONS,
        *agents_vendor.OPERATIONS,
        backup_files.OPERATION,
        *ca_store.OPERATIONS,
        *caches.OPERATIONS,
        *cloud_init.OPERATIONS,
        cron_spool.OPERATION,
        CUSTOMIZE,
        *disk_uuids.OPERATIONS,
        *edited_lines.OPERATIONS,
        flag_reconfiguration.OPERATION,
        *histories.OPERATIONS,
        hostname.OPERATION,
        *identity_services.OPERATIONS,
        iscsi_name.OPERATION,
        leftovers.OPERATION,
        *logs.OPERATIONS,
        logs_all.OPERATION,
        lvm_system_devices.OPERATION,
        machine_id.OPERATION,
        net_mac_match.OPERATION,
        *network_state.OPERATIONS,
        nvme_host.OPERATION,
        pacct_log.OPERATION,
        script.OPERATION,
        *service_keys.OPERATIONS,
        ssh_hostkeys.OPERATION,
        *storage_identity.OPERATIONS,
        *systemd_state.OPERATIONS,
        user_account.OPERATION,
    )
)
"""All of them, in the order they run."""


def by_name(name: str, *, among: Sequence[Operation] = OPERATIONS) -> Operation:
    """One operation.

    Raises:
        UnknownOperation: none of that name; the hint lists close ones.
    """
    for one in among:
        if one.name == name:
            return one
    close = _close(name, [one.name for one in among])
    known = f"did you mean {' or '.join(close)}?" if close else "`guestwright seal operations` lists them"
    raise UnknownOperation(name=name, suggestion=known)


def select(
    enable: Sequence[str] | None = None,
    disable: Sequence[str] = (),
    operations: Sequence[str] = (),
    *,
    among: Sequence[Operation] = OPERATIONS,
) -> tuple[Operation, ...]:
    """Choose operations.

    Args:
        enable: exactly these; None when not asked for. Each item may be several names with commas.
        disable: taken away at the end, whatever chose them.
        operations: names, `-name`, `defaults`, `all`, `-defaults`, `-all`, from left to right; the set starts
            empty. Excludes `enable`.
        among: the operations to choose from.

    Returns:
        The chosen operations in the order they run.

    Raises:
        UnknownOperation: a name that no operation has.
        UsageError: an empty `enable`, or both `enable` and `operations`.
    """
    if enable is not None and operations:
        raise UsageError(problem="--enable and --operations exclude each other; --operations can do both")
    if enable is not None:
        names = _split(enable)
        if not names:
            raise UsageError(problem="--enable needs at least one operation; `seal operations` lists them")
        chosen = {by_name(name, among=among).name for name in names}
    elif operations:
        chosen = _left_to_right(_split(operations), among)
    else:
        chosen = {one.name for one in among if one.default}
    chosen -= {by_name(name, among=among).name for name in _split(disable)}
    return tuple(one for one in among if one.name in chosen)


def check_options(
    given: Collection[str], chosen: Sequence[Operation], *, among: Sequence[Operation] = OPERATIONS
) -> None:
    """Refuse options that nothing would read.

    Args:
        given: names of the options that the caller set.
        chosen: the selected operations.
        among: all operations.

    Raises:
        UsageError: an option of operations that are not selected, or of none at all.
    """
    read = {option for one in chosen for option in one.options}
    for option in sorted(set(given) - read):
        owners = [one.name for one in among if option in one.options]
        if not owners:
            known = sorted({name for one in among for name in one.options})
            close = _close(option, known)
            more = f"; did you mean {' or '.join(close)}?" if close else ""
            raise UsageError(problem=f"no operation has an option {option}{more}")
        problem = f"option {option} belongs to {' and '.join(owners)}, which would not run; enable it"
        raise UsageError(problem=problem)


def _close(word: str, known: Sequence[str]) -> list[str]:
    import difflib  # noqa: PLC0415 - only wrong names pay for loading it

    return difflib.get_close_matches(word, known, n=3)


def _split(items: Sequence[str]) -> list[str]:
    return [name for item in items for part in item.split(",") if (name := part.strip())]


def _left_to_right(words: Sequence[str], among: Sequence[Operation]) -> set[str]:
    chosen: set[str] = set()
    for word in words:
        name = word.removeprefix("-")
        if name == "all":
            meant = {one.name for one in among}
        elif name == "defaults":
            meant = {one.name for one in among if one.default}
        else:
            meant = {by_name(name, among=among).name}
        chosen = chosen - meant if word.startswith("-") else chosen | meant
    return chosen
