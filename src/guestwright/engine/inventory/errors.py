"""What can go wrong with the inventory."""

from __future__ import annotations

from http import HTTPStatus

from guestwright.base.errors import EXIT_USAGE, GuestwrightError


class InventoryError(GuestwrightError):
    """Base of the errors of the inventory."""

    code = "inventory"
    template = "{problem}"


class NotInInventory(InventoryError):
    """There is no such thing, or it is gone."""

    code = "inventory-not-found"
    http_status = HTTPStatus.NOT_FOUND
    template = "there is no {what} {id}"


class NameTaken(InventoryError):
    """Something else has this name, address or place already."""

    code = "inventory-taken"
    http_status = HTTPStatus.CONFLICT
    template = "the {what} cannot be kept: its {field} is another's already"
    hint = "choose another {field}, or use what is there"


class StillUsed(InventoryError):
    """Other things refer to it."""

    code = "inventory-in-use"
    http_status = HTTPStatus.CONFLICT
    template = "{what} {id} is still referred to"
    hint = "remove what refers to it first"


class NothingToReferTo(InventoryError):
    """It refers to something that is not there."""

    code = "inventory-bad-reference"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "the {what} refers to something that is not in the inventory"
    hint = "look whether what it refers to was removed meanwhile"


class BrokenRule(InventoryError):
    """The database refuses values that make no sense together."""

    code = "inventory-broken-rule"
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "the {what} breaks the rule {rule}"


class ChangedMeanwhile(InventoryError):
    """Somebody else has changed it since it was read."""

    code = "inventory-changed-meanwhile"
    http_status = HTTPStatus.PRECONDITION_FAILED
    template = "{what} {id} is not at version {version} any more"
    hint = "read it again, and decide again"


class NotAllowedNow(InventoryError):
    """Its state does not allow this."""

    code = "inventory-not-allowed-now"
    http_status = HTTPStatus.CONFLICT
    template = "{what}: '{event}' is not possible while it is {standing}"
    hint = "possible now: {possible}"


class BadQuery(InventoryError):
    """A filter, an order or a place in a list that cannot be."""

    code = "inventory-bad-query"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "{part} '{value}': {problem}"
    hint = "{known}"


class BadFact(InventoryError):
    """A fact with a name or a size that is not kept."""

    code = "inventory-bad-fact"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.UNPROCESSABLE_ENTITY
    template = "the fact '{name}' of {vm} is not kept: {problem}"


class BadResumeToken(InventoryError):
    """A place in the stream of events that is none."""

    code = "inventory-bad-token"
    exit_status = EXIT_USAGE
    http_status = HTTPStatus.BAD_REQUEST
    template = "'{token}' is no place in the stream of events"
    hint = "use a token that the stream gave, or none"


class DatabaseUnusable(InventoryError):
    """The database cannot be opened, or does not answer as it should."""

    code = "inventory-database-unusable"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "the database {database} cannot be used: {problem}"
    hint = "look whether it runs, has room, and may be used by this user"


class DatabaseBusy(InventoryError):
    """Somebody else held what is needed for too long; nothing was changed."""

    code = "inventory-database-busy"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = "the database {database} is busy: {problem}"
    hint = "try again"


class DatabaseTooNew(InventoryError):
    """A later version of Guestwright has changed the database."""

    code = "inventory-database-too-new"
    http_status = HTTPStatus.SERVICE_UNAVAILABLE
    template = (
        "the database {database} has schema {found}, which this version does not know (it knows {known})"
    )
    hint = "use the version that made it, or restore a backup from before"


class SysprepUnknown(InventoryError):
    """The host of a sysprep does not know it."""

    code = "inventory-sysprep-unknown"
    http_status = HTTPStatus.CONFLICT
    template = "its host knows no job {job}: it was not begun, or its end is not known any more"
    hint = "look at the machine before another one is asked for"
