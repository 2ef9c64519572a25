"""Situation 2: Shopping keeps a copy of basic fields of users, whom Users owns."""

from functools import partial

from examples.demo.groups_and_channels import posted
from examples.demo.profiles import together
from examples.demo.stage import Stage
from examples.demo.tether import Json
from examples.shopping.service import CONSUMER, FILTER, REPLICA
from tether.audits import total

BEFORE, CHANGED, WHILE_AWAY = 120, 40, 60
"""Users that sign up before Shopping exists; how many of them change; how many users sign up while it is away."""


async def play(on: Stage) -> None:
    """Changes users before and after Shopping starts, and while it is killed; reads them stale and latest."""
    on.play.situation(
        "Users and Shopping",
        "Shopping copies name and e-mail of users, and nothing else, into its own table: a snapshot, then the feed.",
    )
    await users_before_shopping(on)
    await shopping_starts(on)
    await killed_and_started_again(on)
    await stale_or_latest(on)
    await proven(on)


async def users_before_shopping(on: Stage) -> None:
    """Users sign up, and some change, while there is no copy."""
    on.play.say(f"{BEFORE} users sign up at Users, {CHANGED} change their e-mail, one closes the account")
    await sign_up(on, "u", BEFORE)
    await together(posted(on.users.http.patch(f"/users/u{n}", json={"email": f"new{n}@x.org"})) for n in range(CHANGED))
    await posted(on.users.http.delete("/users/u7"))
    await on.play.reaches("users that Tether knows", BEFORE - 1, partial(known, on))
    declared = await on.tether.request("GET", f"replicas/{REPLICA}")
    on.play.check("fields that the replica declares", ["name", "email"], declared["fields"])


async def shopping_starts(on: Stage) -> None:
    """Shopping is new: it takes a snapshot, and then follows."""
    await on.tether.request("PUT", f"consumers/{CONSUMER}", "admin", body={"filter": FILTER, "offset": "now"})
    made = await on.command.answer("keys", "create", CONSUMER, "--scope", f"consume:{CONSUMER}")
    await on.shopping.introduce(on.where.api, on.where.database, made["key"], on.command.environ)
    on.play.say("Shopping is registered as a consumer, gets a key of its own, and is started for the first time")
    await on.shopping.start()
    await on.play.reaches("customers that differ from Users", [], partial(differing, on))
    names = {name for fields in (await on.shopping.customers()).values() for name in fields}
    on.play.check("fields in Shopping's table", {"email", "name"}, names)
    on.play.say("u1 changes the name, u2 the phone only, u3 closes the account, v1 signs up")
    await posted(on.users.http.patch("/users/u1", json={"name": "Una"}))
    await posted(on.users.http.patch("/users/u2", json={"phone": "555-02"}))
    await posted(on.users.http.delete("/users/u3"))
    await sign_up(on, "v", 1)
    await on.play.reaches("customers that differ from Users", [], partial(differing, on))


async def killed_and_started_again(on: Stage) -> None:
    """Shopping is killed, and comes back to a table that it goes on with."""
    await on.shopping.kill()
    on.play.say(f"kill -9 Shopping; {WHILE_AWAY} more users sign up, u1 changes the name again")
    await sign_up(on, "w", WHILE_AWAY)
    await posted(on.users.http.patch("/users/u1", json={"name": "Ulla"}))
    await on.play.reaches("users that Tether knows", BEFORE - 1 + WHILE_AWAY, partial(known, on))
    found = await consumer(on)
    on.play.check("state of the consumer meanwhile, and whether it has a lag", ("behind", True), lagging(found))
    await on.shopping.start()
    await on.play.reaches("customers that differ from Users", [], partial(differing, on))
    await on.play.reaches("state of the consumer", "current", partial(state, on))


async def stale_or_latest(on: Stage) -> None:
    """A read accepts what the copy holds, or wants all that is known; both say as of when they are."""
    await on.shopping.kill()
    on.play.say("kill -9 Shopping again; u5 changes the e-mail")
    await posted(on.users.http.patch("/users/u5", json={"email": "u5@latest.org"}))
    await on.play.reaches("e-mail of u5, latest", "u5@latest.org", partial(email, on, "u5", "latest"))
    stale = await row(on, "u5", "stale")
    on.play.check("e-mail of u5, stale: what Shopping's copy holds", "new5@x.org", stale["data"]["email"])
    latest = await row(on, "u5", "latest")
    on.play.check("whether the copy differs from the latest", True, latest["copy"]["differs"])
    apart = latest["copy"]["lag"]["revisions"]
    on.play.check("the copy is behind", True, apart > 0)
    on.play.say(f"they are {apart} revision(s) apart, {latest['copy']['lag']['seconds']:.1f} s")
    await on.shopping.start()
    await on.play.reaches(
        "e-mail of u5, stale, after Shopping is back", "u5@latest.org", partial(email, on, "u5", "stale")
    )
    shown = [(await on.shopping.customer("u5", freshness))["email"] for freshness in ("stale", "latest")]
    on.play.check("what Shopping shows, stale and latest", ["u5@latest.org"] * 2, shown)


async def proven(on: Stage) -> None:
    """The copy is compared with Tether's rows by an order-free checksum."""
    await on.play.reaches("state of the consumer", "current", partial(state, on))
    at = (await consumer(on))["token"]
    audit = await on.tether.request("GET", "audits", query={"replica": REPLICA, "at": at})
    there = (sum(b["count"] for b in audit["buckets"]), sum(int(b["sum"], 16) for b in audit["buckets"]) % 2**64)
    here = total([key, fields] for key, fields in (await on.shopping.customers()).items())
    on.play.check("rows in Shopping's table and in Tether, at its position", there[0], here.rows)
    on.play.check("checksum of Shopping's table equals that of Tether", f"{there[1]:016x}", f"{here.sum:016x}")


async def sign_up(on: Stage, prefix: str, count: int) -> None:
    """Creates users ``u0``, ``u1``, …, with more fields than Shopping copies."""
    more = {"phone": "555", "birthday": "2000-01-31"}
    bodies = [
        {"id": f"{prefix}{n}", "name": f"{prefix} {n}", "email": f"{prefix}{n}@x.org", **more} for n in range(count)
    ]
    await together(posted(on.users.http.post("/users", json=body)) for body in bodies)


async def known(on: Stage) -> int:
    """The number of users in Tether that are live."""
    audit = await on.tether.request("GET", "audits", query={"replica": REPLICA})
    return sum(bucket["count"] for bucket in audit["buckets"])


async def differing(on: Stage) -> list[str]:
    """Users whose fields in Shopping are not those in Users, and customers that are no users."""
    found = (await on.users.http.get("/users", params={"limit": 1000})).raise_for_status().json()["items"]
    users = {user["id"]: {name: user[name] for name in ("name", "email")} for user in found}
    customers = await on.shopping.customers()
    return sorted(key for key in users.keys() | customers.keys() if users.get(key) != customers.get(key))


async def consumer(on: Stage) -> Json:
    """Shopping as Tether knows it: its position, lag and state."""
    return await on.tether.request("GET", f"consumers/{CONSUMER}")


async def state(on: Stage) -> str:
    """State of the consumer."""
    return str((await consumer(on))["state"])


async def row(on: Stage, key: str, freshness: str) -> Json:
    """What Tether answers about a row of the replica."""
    query = {"freshness": freshness, "consumer": CONSUMER}
    return await on.tether.request("GET", f"replicas/{REPLICA}/{key}", query=query)


async def email(on: Stage, key: str, freshness: str) -> object:
    """The e-mail in that row."""
    return (await row(on, key, freshness))["data"].get("email")


def lagging(found: Json) -> tuple[str, bool]:
    """State of a consumer, and whether it has a lag."""
    return found["state"], found["lag"]["revisions"] > 0
