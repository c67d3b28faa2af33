"""Which protections really hold for a process: a record, not a hope."""

from __future__ import annotations

from typing import Any, NamedTuple, Self


class Held(NamedTuple):
    """What confines a process. A named tuple: it is made at every start, and these import fastest.

    Attributes:
        landlock: ABI version in force; 0 when the kernel has no Landlock.
        landlock_network: TCP is refused by Landlock (ABI 4).
        landlock_scope: abstract sockets and signals to outsiders are refused by Landlock (ABI 6).
        user_namespace: lives in its own user namespace (ordinary users only; root drops its uid instead).
        mount_namespace: lives in its own mount namespace, nothing propagates out.
        empty_root: its root directory is an empty, read-only tmpfs.
        network_namespace: sees no network device but an idle loopback.
        ipc_namespace, uts_namespace: System V IPC and host name are its own.
        user_dropped: runs as uid and gid 65534 with no groups, having been root.
        capabilities_dropped: holds no capability, except those that `spawn` was told to keep.
        no_new_privileges: set-uid programs do not raise it.
        seccomp: a system call filter is in force.
        limits: resource limits are in force.
    """

    landlock: int = 0
    landlock_network: bool = False
    landlock_scope: bool = False
    user_namespace: bool = False
    mount_namespace: bool = False
    empty_root: bool = False
    network_namespace: bool = False
    ipc_namespace: bool = False
    uts_namespace: bool = False
    user_dropped: bool = False
    capabilities_dropped: bool = False
    no_new_privileges: bool = False
    seccomp: bool = False
    limits: bool = False

    @property
    def enough(self) -> bool:
        """Whether host files are out of reach by Landlock, or by mount namespace plus lost identity."""
        return self.landlock > 0 or (self.mount_namespace and (self.user_dropped or self.empty_root))

    def also(self, **changes: Any) -> Self:
        """A copy with these fields set."""
        return self._replace(**changes)

    def missing(self) -> tuple[str, ...]:
        """Names of the protections that do not hold, for reports; alternatives are not weighed."""
        return tuple(name for name, value in self._asdict().items() if not value)

    def to_bytes(self) -> bytes:
        """One line of ASCII, for a pipe between our own processes."""
        return " ".join(f"{name}={int(value)}" for name, value in self._asdict().items()).encode()

    @classmethod
    def from_bytes(cls, line: bytes) -> Self:
        """Inverse of `to_bytes`; ValueError when it is not such a line."""
        known = cls._fields
        values: dict[str, Any] = {}
        for word in line.decode("ascii").split():
            name, _, value = word.partition("=")
            if name not in known:
                raise ValueError(f"unknown protection {name}")
            values[name] = int(value) if name == "landlock" else value == "1"
        return cls(**values)
