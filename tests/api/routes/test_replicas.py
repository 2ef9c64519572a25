"""Declared replicas and their rows over HTTP."""

from facts import tokens
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder


async def test_replicas_are_listed_with_their_fields(api: Api) -> None:
    declared = {"name": "shopping_customer", "of": "user", "owner": "users", "fields": ["name", "email"]}
    listed = await api.get("replicas")
    assert declared in listed["items"]
    assert await api.get("replicas/shopping_customer") == {**declared, "token": listed["token"]}
    assert (await api.ask("replicas/none"))[0] == 404


async def test_row_of_a_replica_has_the_declared_fields_alone(api: Api, facts: FactRecorder) -> None:
    first = await facts.record(event("UserCreated", "a/b", 1, name="Ann", email="a@x", phone="1"))
    second = await facts.record(event("UserChanged", "a/b", 2, email="b@x"))
    row = await api.get("replicas/shopping_customer/a%2Fb")
    assert (row["state"], row["data"]) == ("live", {"name": "Ann", "email": "b@x"})
    assert row["revision"] == row["token"] == tokens.token(TENANT, second)
    earlier = await api.get("replicas/shopping_customer/a%2Fb", as_of=tokens.token(TENANT, first))
    assert (earlier["data"]["email"], earlier["token"]) == ("a@x", tokens.token(TENANT, first))
    await facts.record(event("UserDeleted", "a/b", 3))
    assert (await api.get("replicas/shopping_customer/a%2Fb"))["data"] == {}
    assert (await api.ask("replicas/shopping_customer/none"))[0] == 404
