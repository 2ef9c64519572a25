"""One clock, the database's, decides deadlines and stored times."""

import ast
import re
from pathlib import Path

from store.db.sql import queries
from tests.architecture.conftest import MODULES, PRODUCT, sources

READS_A_CLOCK = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("time.time", "time.time_ns", "workflow.now", "workflow.time", "workflow.time_ns"),
}
"""Monotonic clocks are not among them: they cannot be compared with a row."""

MAY_READ_A_CLOCK = {
    "api/http/feed_answers.py": {"time.time"},  # numbers the intervals after which caches ask again
    "cli/events.py": {"datetime.now"},  # an owner's own time of a fact that is published from the command line
    "gateways/circuit_breaker.py": {"datetime.now"},  # for messages, and for dates in an owner's Retry-After
    "workflows/base.py": {"workflow.now"},  # measures how long to sleep for what is left by the database's clock
    "workflows/fan_out.py": {"workflow.now"},  # measures pauses between requests
}

BEGIN_OF_TRANSACTION = re.compile(
    r"\b(now\(\)|transaction_timestamp\(\)|current_timestamp|localtimestamp|current_time|localtime|current_date)",
    re.IGNORECASE,
)
"""Clocks of SQL that stand still within a transaction: behind, where it waited for the tenant's lock."""
TRANSACTIONS_OF_THEIR_OWN = {
    *("claim_outbox_rows", "mark_dispatched", "claim_waits", "workflows_to_check", "mark_checked"),
    *("add_definition", "revoke_credentials", "gauge_waits", "verify_counts"),
}
"""Queries without a lock before them, some of which compare with an index, for which a clock has to stand still."""


def clocks_read(file: Path) -> set[str]:
    """The clocks that a file reads, such as ``datetime.now``, also as a function that is passed on."""
    return {
        name
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Attribute) and (name := ast.unparse(node)) in READS_A_CLOCK
    }


def imported_clocks(file: Path) -> set[str]:
    """Clocks that a file imports by a name of their own, which would hide them: ``from time import time``."""
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" in READS_A_CLOCK
        or (alias.asname is not None and node.module in ("datetime", "time", "temporalio"))
    }


def test_only_listed_modules_read_the_clock_of_their_process(root: Path) -> None:
    found = {str(file.relative_to(root)): clocks_read(file) for file in sources(root, *PRODUCT, *MODULES)}
    assert {name: clocks for name, clocks in found.items() if clocks} == MAY_READ_A_CLOCK


def test_no_module_hides_a_clock_behind_another_name(root: Path) -> None:
    found = {str(file.relative_to(root)): imported_clocks(file) for file in sources(root, *PRODUCT, *MODULES)}
    assert {name: clocks for name, clocks in found.items() if clocks} == {}


def test_queries_after_the_tenants_lock_read_the_clock_as_it_is_then() -> None:
    texts = {query.name: re.sub(r"--[^\n]*", "", query.text) for query in queries().values()}
    assert {name for name, text in texts.items() if BEGIN_OF_TRANSACTION.search(text)} == TRANSACTIONS_OF_THEIR_OWN
