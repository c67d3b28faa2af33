"""A store for tests of the agent's core: transactions on a tree, and whatever refusals a test wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from guestwright.agent.core.publish import REMOVE, Batch, Published

Refusal = Callable[[str, str, bytes], str]


def content(path: str, value: bytes) -> bool:
    """Whether the store has something to say there: a value, or a directory made by somebody else."""
    return bool(path and value)


class ModelStore:
    """Nodes by path, directories included.

    Args:
        nodes: what is there.
        refuses: asked for each operation: the error, or "".
        limit: most nodes.
        transactions: whether what belongs to a batch that is refused is undone.
    """

    def __init__(
        self,
        nodes: Mapping[str, bytes] | None = None,
        refuses: Refusal | None = None,
        limit: int = 100000,
        *,
        transactions: bool = True,
    ) -> None:
        self.nodes: dict[str, bytes] = {}
        for path, value in (nodes or {}).items():
            self._write(self.nodes, path, value)
        self.refuses = refuses
        self.limit = limit
        self.transactions = transactions
        self.commits = 0
        self.written: list[str] = []

    def apply(self, batch: Batch) -> tuple[str, str] | None:
        """Do a batch, or nothing of it: then the path and the error of the first that was refused."""
        before = self.nodes
        refused: tuple[str, str] | None = None
        for verb, path, value in batch.ops:
            error = self._one(verb, path, value)
            refused = refused or ((path, error) if error else None)
            if refused and self.transactions:
                self.nodes = before
                return refused
        if refused:
            return refused
        self.commits += 1
        self.written += [path for verb, path, _ in batch.ops if verb != REMOVE]
        return None

    def _one(self, verb: str, path: str, value: bytes) -> str:
        """Do one operation; the error, or ""."""
        error = self.refuses(verb, path, value) if self.refuses else ""
        if error:
            return error
        nodes = dict(self.nodes)
        if verb == REMOVE:
            for one in [one for one in nodes if one == path or one.startswith(path + "/")]:
                del nodes[one]
        else:
            self._write(nodes, path, value)
            if len(nodes) > max(self.limit, len(self.nodes)):
                return "ENOSPC"
        self.nodes = nodes
        return ""

    def values(self) -> dict[str, bytes]:
        """All that has a value."""
        return {path: value for path, value in self.nodes.items() if content(path, value)}

    @staticmethod
    def _write(nodes: dict[str, bytes], path: str, value: bytes) -> None:
        parts = path.split("/")
        for size in range(1, len(parts)):
            nodes.setdefault("/".join(parts[:size]), b"")
        nodes[path] = value


def drive(
    published: Published,
    store: ModelStore,
    desired: Mapping[str, bytes],
    now: float = 0.0,
    *,
    rounds: int = 400,
    busy: Callable[[Batch], str] | None = None,
) -> int:
    """Publish as the agent does until nothing is left to do at this time.

    Args:
        published: the state.
        store: where to.
        desired: what it shall hold.
        now: the time.
        rounds: most plans before the test has failed.
        busy: why a batch cannot be committed, as "EAGAIN" for a conflict with somebody else; "" if it can.

    Returns:
        How many lines the log would have.
    """
    news = 0
    for _ in range(rounds):
        batches = published.plan(desired, now)
        if not batches:
            return news
        for batch in batches:
            if busy is not None and busy(batch):
                published.postponed(batch, now)
                break
            failed = store.apply(batch)
            if failed is not None:
                if not store.transactions:
                    published.unsure(batch)
                news += published.refused(batch, *failed, now)
                break
            published.done(batch)
    raise AssertionError(f"no end after {rounds} rounds: {published.plan(desired, now)}")
