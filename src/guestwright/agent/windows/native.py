"""Windows' functions, each with the types of its arguments; all that this package calls is in this table.

Theory of operation: a library is opened when a function of it is first called. Handles and addresses are
plain integers. What the standard library's own `_winapi` can do (files, pipes, processes, overlapped input
and output) it does; tests put another object in the place of this one.

Source: Microsoft's documentation of each function; the sizes of its types on 64-bit Windows.
"""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_size_t, c_uint32, c_uint64, c_void_p, c_wchar_p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_HANDLE: Final = c_size_t
_BOOL: Final = c_int32
_DWORD: Final = c_uint32
_NUMBERS: Final = ctypes.POINTER(c_uint32)

SIGNATURES: Final[dict[str, tuple[str, Any, tuple[Any, ...]]]] = {
    # name: library, result, arguments
    "AdjustTokenPrivileges": ("advapi32", _BOOL, (_HANDLE, _BOOL, c_void_p, _DWORD, c_void_p, c_void_p)),
    "AssignProcessToJobObject": ("kernel32", _BOOL, (_HANDLE, _HANDLE)),
    "CM_Get_Device_Interface_ListW": (
        "cfgmgr32",
        _DWORD,
        (c_void_p, c_wchar_p, c_void_p, _DWORD, _DWORD),
    ),
    "CM_Get_Device_Interface_List_SizeW": (
        "cfgmgr32",
        _DWORD,
        (_NUMBERS, c_void_p, c_wchar_p, _DWORD),
    ),
    "CancelMibChangeNotify2": ("iphlpapi", _DWORD, (_HANDLE,)),
    "CloseHandle": ("kernel32", _BOOL, (_HANDLE,)),
    "CloseServiceHandle": ("advapi32", _BOOL, (_HANDLE,)),
    "ControlService": ("advapi32", _BOOL, (_HANDLE, _DWORD, c_void_p)),
    "ConvertStringSecurityDescriptorToSecurityDescriptorW": (
        "advapi32",
        _BOOL,
        (c_wchar_p, _DWORD, c_void_p, c_void_p),
    ),
    "CreateDirectoryW": ("kernel32", _BOOL, (c_wchar_p, c_void_p)),
    "CreateEventW": ("kernel32", _HANDLE, (c_void_p, _BOOL, _BOOL, c_wchar_p)),
    "CreateJobObjectW": ("kernel32", _HANDLE, (c_void_p, c_wchar_p)),
    "CreateServiceW": (
        "advapi32",
        _HANDLE,
        (
            _HANDLE,
            c_wchar_p,
            c_wchar_p,
            _DWORD,
            _DWORD,
            _DWORD,
            _DWORD,
            c_wchar_p,
            c_wchar_p,
            c_void_p,
            c_wchar_p,
            c_wchar_p,
            c_wchar_p,
        ),
    ),
    "DeleteService": ("advapi32", _BOOL, (_HANDLE,)),
    "DeviceIoControl": (
        "kernel32",
        _BOOL,
        (_HANDLE, _DWORD, c_void_p, _DWORD, c_void_p, _DWORD, _NUMBERS, c_void_p),
    ),
    "GetAdaptersAddresses": ("iphlpapi", _DWORD, (_DWORD, _DWORD, c_void_p, c_void_p, _NUMBERS)),
    "GetComputerNameExW": ("kernel32", _BOOL, (c_int32, c_void_p, _NUMBERS)),
    "GetDiskFreeSpaceExW": ("kernel32", _BOOL, (c_wchar_p, c_void_p, c_void_p, c_void_p)),
    "GetDriveTypeW": ("kernel32", _DWORD, (c_wchar_p,)),
    "GetLogicalDrives": ("kernel32", _DWORD, ()),
    "GetVolumeInformationW": (
        "kernel32",
        _BOOL,
        (c_wchar_p, c_void_p, _DWORD, _NUMBERS, c_void_p, c_void_p, c_void_p, _DWORD),
    ),
    "GlobalMemoryStatusEx": ("kernel32", _BOOL, (c_void_p,)),
    "InitiateSystemShutdownExW": (
        "advapi32",
        _BOOL,
        (c_wchar_p, c_wchar_p, _DWORD, _BOOL, _BOOL, _DWORD),
    ),
    "LocalFree": ("kernel32", c_size_t, (c_void_p,)),
    "LookupPrivilegeValueW": ("advapi32", _BOOL, (c_wchar_p, c_wchar_p, c_void_p)),
    "NotifyIpInterfaceChange": ("iphlpapi", _DWORD, (c_uint32, c_void_p, c_void_p, _BOOL, c_void_p)),
    "NotifyUnicastIpAddressChange": ("iphlpapi", _DWORD, (c_uint32, c_void_p, c_void_p, _BOOL, c_void_p)),
    "OpenProcessToken": ("advapi32", _BOOL, (_HANDLE, _DWORD, c_void_p)),
    "OpenSCManagerW": ("advapi32", _HANDLE, (c_wchar_p, c_wchar_p, _DWORD)),
    "OpenServiceW": ("advapi32", _HANDLE, (_HANDLE, c_wchar_p, _DWORD)),
    "QueryDosDeviceW": ("kernel32", _DWORD, (c_wchar_p, c_void_p, _DWORD)),
    "RegisterServiceCtrlHandlerExW": ("advapi32", _HANDLE, (c_wchar_p, c_void_p, c_void_p)),
    "ResetEvent": ("kernel32", _BOOL, (_HANDLE,)),
    "ResumeThread": ("kernel32", _DWORD, (_HANDLE,)),
    "RtlGetVersion": ("ntdll", c_int32, (c_void_p,)),
    "SetComputerNameExW": ("kernel32", _BOOL, (c_int32, c_wchar_p)),
    "SetConsoleCtrlHandler": ("kernel32", _BOOL, (c_void_p, _BOOL)),
    "SetEvent": ("kernel32", _BOOL, (_HANDLE,)),
    "SetHandleInformation": ("kernel32", _BOOL, (_HANDLE, _DWORD, _DWORD)),
    "SetServiceStatus": ("advapi32", _BOOL, (_HANDLE, c_void_p)),
    "SetSuspendState": ("powrprof", ctypes.c_uint8, (ctypes.c_uint8, ctypes.c_uint8, ctypes.c_uint8)),
    "SetSystemTime": ("kernel32", _BOOL, (c_void_p,)),
    "StartServiceCtrlDispatcherW": ("advapi32", _BOOL, (c_void_p,)),
    "StartServiceW": ("advapi32", _BOOL, (_HANDLE, _DWORD, c_void_p)),
    "TerminateJobObject": ("kernel32", _BOOL, (_HANDLE, _DWORD)),
    "WTSEnumerateSessionsW": ("wtsapi32", _BOOL, (_HANDLE, _DWORD, _DWORD, c_void_p, _NUMBERS)),
    "WTSFreeMemory": ("wtsapi32", None, (c_void_p,)),
    "WTSQuerySessionInformationW": (
        "wtsapi32",
        _BOOL,
        (_HANDLE, _DWORD, c_int32, c_void_p, _NUMBERS),
    ),
    "WaitForMultipleObjects": ("kernel32", _DWORD, (_DWORD, c_void_p, _BOOL, _DWORD)),
    "WaitForSingleObject": ("kernel32", _DWORD, (_HANDLE, _DWORD)),
}

# What Windows calls: names of prototypes, results and arguments.
CALLBACKS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "address": (None, (c_void_p, c_void_p, c_int32)),  # PUNICAST_IPADDRESS_CHANGE_CALLBACK and its like
    "console": (_BOOL, (_DWORD,)),  # PHANDLER_ROUTINE
    "control": (_DWORD, (_DWORD, _DWORD, c_void_p, c_void_p)),  # LPHANDLER_FUNCTION_EX
    "service": (None, (_DWORD, c_void_p)),  # LPSERVICE_MAIN_FUNCTIONW
}
UINT64: Final = c_uint64


class Native:
    """Calls Windows.

    Attributes:
        winapi: the standard library's module `_winapi`.
    """

    def __init__(self) -> None:
        self.winapi: Any = __import__("_winapi")
        self._libraries: dict[str, Any] = {}
        self._functions: dict[str, Any] = {}

    def __call__(self, name: str, *arguments: Any) -> int:
        """Call a function of the table; its result as it is."""
        function = self._functions.get(name)
        if function is None:
            library, result, types = SIGNATURES[name]
            if library not in self._libraries:
                self._libraries[library] = ctypes.__dict__["WinDLL"](library, use_last_error=True)
            function = getattr(self._libraries[library], name)
            function.restype, function.argtypes = result, types
            self._functions[name] = function
        found: int = function(*arguments)
        return found

    def error(self) -> int:
        """The number of the error of the last call."""
        found: int = ctypes.__dict__["get_last_error"]()
        return found

    def check(self, name: str, *arguments: Any) -> int:
        """Call a function that returns 0 when it fails.

        Raises:
            OSError: it failed.
        """
        found = self(name, *arguments)
        if not found:
            raise failure(self.error(), name)
        return found

    def callback(self, kind: str, work: Any) -> Any:
        """A function of ours for Windows to call; whoever asked for it must keep it."""
        result, types = CALLBACKS[kind]
        return ctypes.__dict__["WINFUNCTYPE"](result, *types)(work)


def failure(number: int, what: str) -> OSError:
    """An error of Windows by its number, as an exception."""
    texts = ctypes.__dict__.get("FormatError")
    text = texts(number).strip() if texts is not None else f"error {number}"
    # On Windows the fourth argument makes Python find the errno that belongs to it.
    return OSError(0, f"{what}: {text}", None, number)
