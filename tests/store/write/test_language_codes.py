"""Twenty years of language codes that were merged or retired (ISO 639-3): each has its published survivor."""

import csv
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from random import Random

import pytest

from catalog import catalog as catalogs
from model.lines import digest
from store.db.pool import Pool
from store.migrate import migrate
from tests.support import tenants
from tests.support.events import Event, event
from tests.support.tenants import StoreTenant, cut_into_batches, expected_lines

LANGUAGES = catalogs.load([Path(tenants.__file__).parent / "catalogs" / "languages"])
BEGINNING, END = "2005-01-01", "2100-01-01"


def table(name: str) -> list[dict[str, str]]:
    """Returns the rows of a table of the standard."""
    text = (files("iso639") / "_data" / f"iso-639-3{name}.tab").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


RETIRED = sorted(table("_Retirements"), key=lambda row: (row["Effective"], row["Id"]))
MACROLANGUAGE = {row["I_Id"]: row["M_Id"] for row in table("-macrolanguages")}
CODES = sorted(
    {row["Id"] for row in RETIRED}
    | {row["Change_To"] for row in RETIRED if row["Change_To"]}
    | {code for pair in MACROLANGUAGE.items() for code in pair}
)
"""All that was ever retired, what it was changed to, and what belongs to a macrolanguage."""


def fact(type: str, code: str, date: str, **data: str) -> Event:
    return event(type, code, None, source="/languages", time=f"{date}T00:00:00Z", id=f"{type}/{code}", **data)


def added() -> list[Event]:
    """Returns a fact for each code: that there is one."""
    parents = {code: {"macrolanguage": macro} for code, macro in MACROLANGUAGE.items()}
    return [fact("LanguageAdded", code, BEGINNING, **parents.get(code, {})) for code in CODES]


def retirements() -> Iterator[tuple[str, list[Event]]]:
    """Yields (date, facts) for each date at which codes were retired."""
    for date, rows in groupby(RETIRED, key=lambda row: row["Effective"]):
        yield (
            date,
            [
                fact("LanguageMerged", row["Id"], date, change_to=row["Change_To"])
                if row["Change_To"]
                else fact("LanguageRetired", row["Id"], date)
                for row in rows
            ],
        )


def published(date: str) -> dict[str, str]:
    """Returns each code that goes on as another one → that code, as of a date, by the table alone."""
    follow = {row["Id"]: row["Change_To"] for row in RETIRED if row["Change_To"] and row["Effective"] <= date}
    found = {}
    for code in follow:
        last = code
        while last in follow:
            last = follow[last]
        found[code] = last
    return found


@pytest.fixture
async def languages(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of languages as well."""
    await migrate(pool, LANGUAGES)
    return StoreTenant(pool, LANGUAGES)


async def survivors(tenant: StoreTenant, revision: int) -> dict[str, str]:
    """Returns loser → survivor as of a revision."""
    rows = await tenant.pool.fetch(
        "select key, survivor from aliases where tenant = $1 and from_revision <= $2 and to_revision > $2",
        tenant.name,
        revision,
    )
    return {row["key"]: row["survivor"] for row in rows}


async def test_each_language_code_has_its_published_survivor_at_each_date(languages: StoreTenant) -> None:
    facts = added()
    await languages.record(*facts)
    revisions = {}
    for date, of_date in retirements():
        revisions[date] = (await languages.record(*of_date)).revision
        facts += of_date
    for date, revision in revisions.items():
        assert await survivors(languages, revision) == published(date), date
    expected = expected_lines(LANGUAGES, facts)
    assert await languages.lines() == expected
    assert (await languages.audit()).violated == []

    shuffled = languages.other_tenant()
    Random(639).shuffle(facts)
    await shuffled.record_batches(cut_into_batches(Random(3), facts, most=1_000))
    assert digest(await shuffled.lines()) == digest(expected)

    undo = [fact("LanguageUnmerged", loser, END, change_to=survivor) for loser, survivor in published(END).items()]
    await shuffled.record_batches(cut_into_batches(Random(3), undo, most=50))
    never = [one for one in facts if one["type"] != "LanguageMerged.v1"]
    assert digest(await shuffled.lines()) == digest(expected_lines(LANGUAGES, never))


def test_retired_language_codes_were_merged_or_are_of_no_language() -> None:
    merged = published(END)
    assert len(merged) > 200
    assert len(RETIRED) - len(merged) > 150
    assert merged["fri"] == "fry"
    assert {*merged.values()} <= {row["Id"] for row in table("")}
