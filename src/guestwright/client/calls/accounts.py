"""Who is calling, users and tokens."""

from __future__ import annotations

from typing import Any

from guestwright.base.secret import Secret
from guestwright.client.call import Call, Json, nothing, thing


def about() -> Call[Json]:
    """The engine; open to all."""
    return Call("GET", ("about",), thing)


def login(name: str, password: Secret) -> Call[Json]:
    """A token for a name and a password, as `token`, with `user` and `expires`. It is never sent twice."""
    body = {"name": name, "password": password.reveal()}
    return Call("POST", ("login",), thing, body=body)


def logout() -> Call[None]:
    """End the token that is used."""
    return Call("POST", ("logout",), nothing)


def whoami() -> Call[Json]:
    """Who the caller is, and what they may do."""
    return Call("GET", ("whoami",), thing)


def add_user(name: str, password: Secret, role: str, **more: Any) -> Call[Json]:
    """Make a user.

    Args:
        name: lower-case.
        password: theirs.
        role: "viewer", "operator" or "admin".
        more: `full_name`, `payload_contents`, `guest_exec`.
    """
    body = {"name": name, "password": password.reveal(), "role": role, **more}
    return Call("POST", ("users",), thing, body=body, keyed=True)


def set_password(identity: str, new: Secret, old: Secret | None = None) -> Call[None]:
    """Give a user another password; all their tokens end. `old` is needed for one's own."""
    body = {"new": new.reveal(), **({"old": old.reveal()} if old is not None else {})}
    return Call("POST", ("users", identity, "password"), nothing, body=body)


def make_token(name: str, seconds: float, **more: Any) -> Call[Json]:
    """Make a token for the caller; its text is in `token`, this once.

    Args:
        name: by which they know it.
        seconds: how long it lives.
        more: `role`, `payload_contents`, `guest_exec`.
    """
    return Call("POST", ("tokens",), thing, body={"name": name, "seconds": seconds, **more}, keyed=True)
