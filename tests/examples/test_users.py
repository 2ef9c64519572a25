"""Users: each change writes the row and the fact about it, with the row's version as the sequence."""

from pathlib import Path

from examples.owner.testing import RecordingTether, inside
from examples.users.service import USERS

ANN = {"id": "ann", "name": "Ann", "email": "ann@example.org", "phone": "1"}


async def test_facts_about_a_user_have_the_versions_of_the_row(tmp_path: Path, tether: RecordingTether) -> None:
    async with inside(USERS, tmp_path / "users.db", tether) as users:
        await users.post("/users", json=ANN)
        changed = await users.patch("/users/ann", json={"email": "a@example.org"})
        same = await users.patch("/users/ann", json={"email": "a@example.org"})
        await users.delete("/users/ann")
        await users.post("/users", json=ANN)
        facts = await tether.heard(4)
    assert changed.json() == same.json() == {**ANN, "birthday": None, "email": "a@example.org", "version": 2}
    assert [(fact["type"], fact["sequence"]) for fact in facts] == [
        ("UserCreated.v1", "1"),
        ("UserChanged.v1", "2"),
        ("UserDeleted.v1", "3"),
        ("UserCreated.v1", "4"),
    ]
    assert facts[1]["data"] == {"email": "a@example.org"}
