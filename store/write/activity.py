"""Writes the rows by which activity is read in the order in which it happened; its data stays in the ledger."""

from collections.abc import Sequence

from catalog.registry import OWN_SOURCE
from facts import activity
from facts.envelope import Entry, finer_nanoseconds, moment
from facts.own_facts import VOIDED
from store.db.sql import OPEN, execute
from store.write.context import WriteContext

COLUMNS = """tenant from_revision to_revision position feed kind key happened happened_nanoseconds type source id"""


async def record(context: WriteContext, entries: Sequence[Entry], position: int) -> None:
    """Adds the activity among new facts, and ends that which they void. ``position``: that of the first.

    Most batches have neither, and need no statement.
    """
    declared = context.catalog.contracts.activity
    neither = [(n, e) for n, e in enumerate(entries, position) if e.effect is None]
    rows = []
    for n, e in neither:
        contract = declared.get(e.type)
        if contract is None or contract.about is None:
            continue
        time = activity.happened(e.time, context.now)
        about = contract.about.kind, activity.key_of(context.catalog.contracts, contract, e.data)
        when = moment(time), finer_nanoseconds(time)
        rows.append((context.tenant, context.revision, OPEN, n, e.kind, *about, *when, e.type, e.source, e.id))
    if rows:
        await context.conn.copy_records_to_table(
            "activities", schema_name="tether", columns=COLUMNS.split(), records=rows
        )
    voided = [e.data for _, e in neither if e.name == VOIDED and e.source == OWN_SOURCE]
    if voided:
        await execute(
            context.conn,
            "void_activity",
            tenant=context.tenant,
            revision=context.revision,
            sources=[data["source"] for data in voided],
            ids=[data["id"] for data in voided],
        )
