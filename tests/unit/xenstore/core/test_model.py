"""The store against a simple model: random operations of two clients, inside transactions and outside.

The model keeps a dictionary of values and copies all of it at the start of a transaction, with the
operations that touched it; a commit replays them. It says what must hold whatever the conflicts: a
transaction that commits has the effect of its operations at that moment, one that does not has none, and
what one sees agrees with that.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.requests import Directory, Mkdir, Read, Request, Rm, TransactionEnd, Write
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import World

Values = dict[bytes, bytes]

paths = st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=3).map(
    lambda one: b"/m/" + b"/".join(one)
)
actions = st.one_of(
    st.builds(Write, paths, st.sampled_from([b"", b"1", b"2"])),
    st.builds(Mkdir, paths),
    st.builds(Rm, paths),
    st.builds(Read, paths),
    st.builds(Directory, paths),
)
steps = st.lists(
    st.tuples(
        st.integers(0, 1), st.one_of(actions, st.sampled_from(["begin", "commit", "abort", "plain"]), actions)
    ),
    max_size=40,
)


def act(values: Values, request: Request) -> bytes | Errno:
    """What the model makes of an operation."""
    path: bytes = request.path  # type: ignore[attr-defined]  # all of ours have one
    there = path in values
    if isinstance(request, Write | Mkdir):
        at = path
        while at not in values:
            values[at] = b""
            at = at[: at.rfind(b"/")]
        if isinstance(request, Write):
            values[path] = request.value
        return b"OK\0"
    if isinstance(request, Rm):
        for one in [one for one in values if one == path or one.startswith(path + b"/")]:
            del values[one]
        return b"OK\0" if there or path[: path.rfind(b"/")] in values else Errno.ENOENT
    if not there:
        return Errno.ENOENT
    if isinstance(request, Read):
        return values[path]
    names = sorted(one[len(path) + 1 :] for one in values if one.startswith(path + b"/"))
    return b"".join(name + b"\0" for name in names if b"/" not in name)


def normal(answer: bytes | Errno, request: Request) -> bytes | Errno:
    """Names of children in any order: the model does not know it."""
    if isinstance(request, Directory) and isinstance(answer, bytes):
        return b"".join(name + b"\0" for name in sorted(answer.split(b"\0")[:-1]))
    return answer


@settings(max_examples=150, deadline=None)
@given(steps, st.booleans())
def test_against_the_model(script: list[tuple[int, Request | str]], snapshot: bool) -> None:
    world = World(options=Options(snapshot=snapshot))
    world.root.ask(Mkdir(b"/m"))
    values: Values = {b"/m": b""}
    clients = [world.connect(), world.connect()]
    ids = [0, 0]
    seen: list[Values] = [{}, {}]
    done: list[list[tuple[Request, bytes | Errno]]] = [[], []]
    for who, step in script:
        client = clients[who]
        if isinstance(step, str):
            if step == "begin" and not ids[who]:
                ids[who] = client.begin()
                seen[who], done[who] = dict(values), []
            elif step in {"commit", "abort"} and ids[who]:
                answer = client.ask(TransactionEnd(commit=step == "commit"), ids[who])
                if (
                    step == "commit"
                    and answer == b"OK\0"
                    and any(not isinstance(one, Read | Directory) for one, _ in done[who])
                ):
                    for request, told in done[who]:
                        assert act(values, request) == told, "a commit is not the same as doing it now"
                ids[who] = 0
        elif ids[who]:
            told = normal(client.ask(step, ids[who]), step)
            done[who].append((step, told))
            if snapshot:
                assert told == act(seen[who], step), "a snapshot moved"
        else:
            assert normal(client.ask(step), step) == act(values, step)
        found = {path: value for path, value in world.tree().items() if path.startswith(b"/m")}
        assert found == values
