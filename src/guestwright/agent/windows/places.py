r"""Where the agent keeps things on Windows: `C:\Program Files\Guestwright`, which administrators may change.

Theory of operation: scripts and answer files lie in `private` there, which ordinary users may not even read.
Nothing is kept below `C:\ProgramData` or in a temporary directory: there, anybody may have made a directory
of that name before.

Source: Microsoft's "Security descriptor string format", CreateDirectoryW.
"""

from __future__ import annotations

import ctypes
import os
import struct

from guestwright.agent.windows.native import failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.windows.native import Native

# Nothing is inherited from above; the system and administrators may do everything, and others nothing.
_PRIVATE: Final = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
_REVISION: Final = 1  # SDDL_REVISION_1
_EXISTS: Final = 183  # ERROR_ALREADY_EXISTS
_ATTRIBUTES: Final = struct.Struct("<I4xQi4x")  # SECURITY_ATTRIBUTES: size, descriptor, whether inherited


def home() -> str:
    """The agent's directory."""
    programs = os.environ.get("ProgramFiles") or r"C:\Program Files"  # noqa: SIM112  # so it is written there
    return rf"{programs}\Guestwright"


def config_path() -> str:
    """What the owner of the guest allows."""
    return rf"{home()}\agent.toml"


def log_path() -> str:
    """Where the service writes what it has to say."""
    return rf"{home()}\agent.log"


def private_directory(native: Native) -> str:
    """A directory for what others must not read; it is made if need be.

    Raises:
        OSError: it cannot be made.
    """
    os.makedirs(home(), exist_ok=True)
    path = rf"{home()}\private"
    descriptor = ctypes.c_void_p()
    native.check(
        "ConvertStringSecurityDescriptorToSecurityDescriptorW",
        _PRIVATE,
        _REVISION,
        ctypes.byref(descriptor),
        None,
    )
    try:
        attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, descriptor.value or 0, 0)
        if not native("CreateDirectoryW", path, ctypes.create_string_buffer(attributes, len(attributes))):
            error = native.error()
            if error != _EXISTS:
                raise failure(error, path)
    finally:
        native("LocalFree", descriptor)
    return path
