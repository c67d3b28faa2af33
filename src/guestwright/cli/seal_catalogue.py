"""The composition root of sealing: which operations there are and what they work with."""

from __future__ import annotations

from guestwright.seal.changes import Options
from guestwright.seal.engine import Catalogue
from guestwright.seal.registry import OPERATIONS
from guestwright.seal.request import Request
from guestwright.seal.selinux.labels import labeller


def catalogue() -> Catalogue:
    """All operations, with the labeller and the way from a request to their options."""
    return Catalogue(operations=OPERATIONS, labeller=labeller, options=_options)


def _options(request: Request) -> Options:
    if not request.directives:
        return {**request.options, "seed": request.seed}
    # What customising needs is loaded here: where the guest's files are, nothing can be any more.
    from guestwright.seal.customise import looking, registry
    from guestwright.seal.customise.codec import from_json

    del looking, registry
    directives = tuple(from_json(one) for one in request.directives)
    return {**request.options, "seed": request.seed, "directives": directives}
