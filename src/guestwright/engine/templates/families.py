"""Templates and the numbers of their versions, as the inventory keeps them."""

from __future__ import annotations

from guestwright.engine.inventory.model import Template, TemplateVersion
from guestwright.engine.inventory.query import Filter, Op, Query
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.templates import rows
from guestwright.engine.templates.inventory_port import MachineOf


def add_version(
    tx: Transaction, template: str, name: str, job: str, source: MachineOf, *, seal: bool
) -> TemplateVersion:
    """Keep the next version of the template of a name, locked; a new template if there is none of that name.

    Args:
        tx: transaction.
        template: id of the version.
        name: of the template.
        job: that makes it.
        source: what it is like; its id where that is a machine.
        seal: whether its disks have to be sealed.
    """
    family = tx.templates.named(name) or tx.templates.add(
        Template(id=rows.derived(template, "template"), name=name)
    )
    return tx.template_versions.add(
        TemplateVersion(
            id=template,
            template_id=family.id,
            number=_next_number(tx, family),
            sealed=seal,
            source=source.id,
            job=job,
            **rows.hardware(source.description),
        )
    )


def _next_number(tx: Transaction, family: Template) -> int:
    held = tx.templates.hold(family.id)  # until this is kept nobody else counts
    newest = Query(filters=(Filter("template_id", Op.IS, held.id),), sort="number", descending=True, limit=1)
    found = tx.template_versions.page(newest).items
    return found[0].number + 1 if found else 1
