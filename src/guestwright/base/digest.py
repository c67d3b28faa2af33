"""Hashes from the small modules inside Python: `hashlib` would load OpenSSL, 3 MB, 3 ms."""

from __future__ import annotations

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from hashlib import blake2b, sha256
else:

    def _first(name: str, *modules: str) -> object:
        for module in (*modules, "hashlib"):
            try:
                return getattr(__import__(module), name)
            except ImportError:  # other Pythons have them elsewhere, or are built without
                continue
        raise ImportError(name)

    sha256 = _first("sha256", "_sha2", "_sha256")  # since Python 3.12; before
    blake2b = _first("blake2b", "_blake2")

__all__ = ("blake2b", "sha256")
