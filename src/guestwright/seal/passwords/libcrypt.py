"""The host's crypt(3), by ctypes: yescrypt, and SHA-512-crypt at the speed of C."""

from __future__ import annotations

import ctypes
from typing import Any, Final

_SONAMES: Final = ("libcrypt.so.1", "libcrypt.so.2")


class LibCrypt:
    """libxcrypt's reentrant calls (crypt(3), crypt_gensalt(3))."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._crypt = library.crypt_ra
        self._crypt.argtypes = [
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.POINTER(ctypes.c_int),
        ]
        self._crypt.restype = ctypes.c_char_p
        self._gensalt = library.crypt_gensalt_ra
        self._gensalt.argtypes = [ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int]
        self._gensalt.restype = ctypes.c_void_p
        self._free: Any = ctypes.CDLL(None).free
        self._free.argtypes = [ctypes.c_void_p]
        self._free.restype = None

    def crypt(self, password: bytes, setting: str) -> str:
        """Hash a password; "" when the library does not know the setting."""
        data, size = ctypes.c_void_p(), ctypes.c_int(0)
        try:
            answer = self._crypt(password, setting.encode("ascii"), ctypes.byref(data), ctypes.byref(size))
            text = answer.decode("ascii") if answer else ""
        finally:
            if data.value:
                ctypes.memset(data, 0, size.value)  # it holds the password
                self._free(data)
        return "" if text.startswith("*") else text

    def setting(self, prefix: str, randomness: bytes) -> str:
        """A salt with the library's default cost; "" when it does not know the prefix."""
        answer = self._gensalt(prefix.encode("ascii"), 0, randomness, len(randomness))
        if not answer:
            return ""
        try:
            return ctypes.string_at(answer).decode("ascii")
        finally:
            self._free(answer)


def load() -> LibCrypt | None:
    """The host's libcrypt; None where there is none, or one without the calls we need (not libxcrypt)."""
    for name in _SONAMES:
        try:
            return LibCrypt(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    return None
