"""Operations on nodes, for asyncio."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from guestwright.base.errors import GuestwrightError
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.aio.link import Link
from guestwright.xenstore.client.errors import Refused
from guestwright.xenstore.client.operations import Node, Outcomes, Several, Steps
from guestwright.xenstore.client.session import Pending
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.replies import Reply

T = TypeVar("T")


class AsyncTree:
    """Operations on nodes; as `client.tree.Tree`, which describes them, with `await`.

    Args:
        timeout: for each operation, seconds; None to wait for ever.
    """

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout

    @property
    def link(self) -> Link:
        """The connection, for this loop."""
        raise NotImplementedError

    async def read(self, path: str) -> bytes:
        """The value of a node."""
        return await self.run(ops.read(path))

    async def read_text(self, path: str) -> str:
        """The value of a node as UTF-8; what is not, is shown as U+FFFD."""
        return (await self.run(ops.read(path))).decode("utf-8", "replace")

    async def get(self, path: str) -> bytes | None:
        """The value of a node, or None when there is no such node."""
        return await self.run(ops.get(path))

    async def exists(self, path: str) -> bool:
        """Whether there is such a node."""
        return await self.run(ops.exists(path))

    async def write(self, path: str, value: bytes | str) -> None:
        """Set a value (text as UTF-8); nodes above that are missing are made."""
        await self.run(ops.write(path, value))

    async def mkdir(self, path: str) -> None:
        """Make a node with an empty value unless it is there."""
        await self.run(ops.mkdir(path))

    async def rm(self, path: str) -> None:
        """Remove a node and all below it; if only the node itself is missing, that is no error."""
        await self.run(ops.rm(path))

    async def children(self, path: str) -> list[str]:
        """Names of the nodes directly below, in the server's order."""
        return await self.run(ops.children(path))

    async def get_perms(self, path: str) -> list[str]:
        """Permissions: entries such as `n0`, the owner's first."""
        return await self.run(ops.get_perms(path))

    async def set_perms(self, path: str, perms: Iterable[str]) -> None:
        """Replace the permissions."""
        await self.run(ops.set_perms(path, perms))

    async def tree(self, path: str, *, perms: bool = False) -> list[Node]:
        """A node and all below it, parents first; see `operations.tree`."""
        return await self.run(ops.tree(path, perms=perms))

    async def run(self, steps: Steps[T]) -> T:
        """Run an operation of `operations` or `domains`; the timeout is for each of its requests."""
        try:
            request = next(steps)
            while True:
                try:
                    reply = await self._ask(request)
                except GuestwrightError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _ask(self, request: requests.Request | Several) -> Reply | Outcomes:
        if not isinstance(request, Several):
            return await self.link.settled(self._submit(request), self.timeout)
        outcomes: list[Reply | Refused] = []
        for pending in [self._submit(one) for one in request.requests]:
            try:
                outcomes.append(await self.link.settled(pending, self.timeout))
            except Refused as refused:
                outcomes.append(refused)
        return Outcomes(outcomes)

    def _submit(self, request: requests.Request) -> Pending:
        return self.link.submit(request)
