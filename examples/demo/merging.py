"""Situation 4: people have two profiles each, since an identifier was changed. They are merged, and nothing is lost."""

from functools import partial
from typing import Any

from examples.demo import profiles
from examples.demo.operations import ended
from examples.demo.patient_links import merged_by_a_registry
from examples.demo.profiles import ANN, BOB, CLEO, DAN, PEOPLE, REL, activity, at_tickets, counts, entity, tickets
from examples.demo.stage import Stage
from examples.demo.tether import Json, Refusal

LATE = 5
"""Activities that are recorded under the old key after the merge."""


async def play(on: Stage) -> None:
    """Merges profiles, refuses to merge those of two people, undoes a merge, and deletes a person."""
    on.play.situation(
        "One person, two profiles",
        "People was keyed by number and now is by e-mail. Activities and Tickets know a person by either key, or both.",
    )
    await entered(on)
    await previewed(on)
    before = await latest(on)
    await merged(on)
    await late_under_the_old_key(on)
    await the_past(on, before)
    await forbidden(on)
    await undone(on)
    await merged_by_a_registry(on)
    await deleted(on)
    await announced(on)


async def entered(on: Stage) -> None:
    """Creates people with two profiles each, with activity and tickets under both."""
    on.play.say("POST /people, /activities, /tickets at their owners: four names, each with two profiles")
    for person in PEOPLE:
        await profiles.enter(on, person)
    for person in PEOPLE:
        await on.play.reaches(
            f"activity of {person.old} and of {person.new}",
            [person.old_activity, person.new_activity],
            partial(counts, on, person.old, person.new),
        )
    wanted = [ANN.old_tickets, ANN.new_tickets]
    await on.play.reaches(f"tickets of {ANN.old} and of {ANN.new}", wanted, partial(ticket_counts, on))


async def previewed(on: Stage) -> None:
    """A plan says what a merge would do. It changes nothing."""
    on.play.say(f"POST /v1/entities/person/merges/plan: preview the merge of {ANN.old} into {ANN.new}")
    plan = await on.tether.request("POST", "entities/person/merges/plan", "operate", body=profiles.order(ANN))
    moving = [(part["links"], part["relationship"], part["key"]) for part in plan["links"]]
    on.play.check("links that would move", [(ANN.old_tickets, REL, ANN.old)], moving)
    retired = {"command": plan["command"], "retired": plan["retired"], "refused": plan["refused"]}
    on.play.check("what would follow", {"command": "RetirePerson", "retired": [ANN.old], "refused": []}, retired)
    on.play.check("key that the old one stands for, still", ANN.old, (await entity(on, ANN.old))["key"])


async def merged(on: Stage) -> None:
    """Merges the two profiles: one list of activity, one set of tickets, by either key; the proof counts both sides."""
    on.play.say(f"POST /v1/entities/person/merges: {ANN.old} is the same person as {ANN.new}")
    end = await merge_to_its_end(on, ANN)
    proof = await on.tether.request("GET", f"merges/{end['id']}/proof")
    on.play.say(f"GET /v1/merges/{end['id']}/proof: count and hash of all that each key has, before and after")
    for key in (ANN.old, ANN.new):
        on.play.check(f"proof of {key}", profiles.proven(proof, key, "before"), profiles.proven(proof, key, "after"))
    totals = [sum(key["after"][part]["count"] for key in proof["keys"]) for part in ("activity", "links")]
    on.play.check("activities and links that it counts", [ANN.activity, ANN.tickets], totals)
    on.play.check("everything is conserved", True, proof["conserved"])
    on.play.check("activity, by either key", [ANN.activity] * 2, await counts(on, ANN.old, ANN.new))
    same = sum(
        one == other for one, other in zip(await activity(on, ANN.new), await activity(on, ANN.old), strict=True)
    )
    on.play.check("the same at the same place of both lists", ANN.activity, same)
    on.play.check("tickets of the merged person", ANN.tickets, await tickets(on, ANN.new))
    found = await entity(on, ANN.old)
    names = {name: found["data"].get(name) for name in ("name", "email", "phone", "labels")}
    wanted = {"name": "Ann Lee", "email": ANN.new, "phone": "555-01", "labels": ["vip", "newsletter"]}
    on.play.check(f"fields, each by its rule, as {ANN.old} reads them", wanted, names)
    on.play.check(f"HTTP status of {ANN.old} at People, which has retired it", 410, await profiles.status(on, ANN.old))
    wanted_tickets = [ANN.old_tickets, ANN.new_tickets]
    on.play.check("tickets at Tickets: none is removed", wanted_tickets, await at_tickets(on, ANN))


async def late_under_the_old_key(on: Stage) -> None:
    """An app that was offline reports under the old key: it belongs to the person, at the time at which it happened."""
    on.play.say(f"An app that was offline still reports under {ANN.old}: {LATE} activities, and a ticket")
    await profiles.together(profiles.record(on, ANN.old, minute) for minute in range(LATE))  # before all others
    await profiles.open_ticket(on, ANN.old, ANN.old_tickets)
    total = ANN.activity + LATE
    await on.play.reaches("activity now, by either key", [total] * 2, partial(counts, on, ANN.old, ANN.new))
    first = [f"{ANN.old}-{minute}" for minute in range(LATE)]
    on.play.check(
        "the late ones are where they happened, at the beginning", first, (await activity(on, ANN.new))[:LATE]
    )
    await on.play.reaches("tickets of the merged person", ANN.tickets + 1, partial(tickets, on, ANN.new))


async def the_past(on: Stage, before: str) -> None:
    """Reads as of the revision before the merge show two people."""
    on.play.say("GET …?as_of=<token from before the merge>")
    keys = [(await entity(on, key, as_of=before))["key"] for key in (ANN.old, ANN.new)]
    on.play.check("two people then", [ANN.old, ANN.new], keys)
    wanted = [ANN.old_activity, ANN.new_activity]
    on.play.check("activity of each then", wanted, await counts(on, ANN.old, ANN.new, as_of=before))


async def forbidden(on: Stage) -> None:
    """Two people of one name: they are never merged, by whatever chain."""
    on.play.say(f"POST /v1/entities/person/forbidden-merges: {DAN.old} and {DAN.new} are father and son")
    pair = {"one": DAN.old, "other": DAN.new, "reason": "father and son"}
    await on.tether.request("POST", "entities/person/forbidden-merges", "operate", body=pair)
    try:
        await profiles.merge(on, DAN)
        found: tuple[Any, ...] = (202,)
    except Refusal as refusal:
        found = (refusal.status, refusal.problem["type"].rpartition("/")[2], *sorted(refusal.problem["path"]))
        on.play.quote(str(refusal.problem["detail"]))
    on.play.check("merge of the two", (409, "forbidden-merge", *sorted((DAN.old, DAN.new))), found)
    listed = await on.tether.request("GET", "entities/person/forbidden-merges", query={"key": DAN.old})
    on.play.check("why they must not be merged", ["father and son"], [one["reason"] for one in listed["items"]])
    wanted = [DAN.old_activity, DAN.new_activity]
    on.play.check("activity of each, as before", wanted, await counts(on, DAN.old, DAN.new))


async def undone(on: Stage) -> None:
    """A merge by mistake is undone: what has arrived since follows the key that it came under."""
    on.play.say(f"{BOB.old} is merged into {BOB.new} by mistake; meanwhile {LATE} activities arrive under {BOB.old}")
    id = str((await merge_to_its_end(on, BOB))["id"])
    await profiles.together(profiles.record(on, BOB.old, minute) for minute in range(LATE))
    total = BOB.activity + LATE
    await on.play.reaches("activity by either key", [total] * 2, partial(counts, on, BOB.old, BOB.new))
    meanwhile = await latest(on)
    on.play.say(f"GET /v1/merges/{id}/undo: what the undo would do")
    preview = await on.tether.request("GET", f"merges/{id}/undo")
    on.play.check("profiles that their owner has retired", [BOB.old], preview["deleted"])
    on.play.say(f"POST /people at People: create {BOB.old} again; then POST /v1/merges/{id}/undo")
    await profiles.create(on, BOB.old, {"name": "Bob"})
    await on.play.reaches("retired profiles in the preview", [], partial(retired, on, id))
    operation = await on.tether.request("POST", f"merges/{id}/undo", "operate", body={"reason": "two people"})
    on.play.check("state of the undo", "done", operation["state"])
    wanted = [BOB.old_activity + LATE, BOB.new_activity]
    on.play.check("activity of each: under the key it came under", wanted, await counts(on, BOB.old, BOB.new))
    on.play.check("tickets of each", [1, 1], [await tickets(on, key) for key in (BOB.old, BOB.new)])
    then = await counts(on, BOB.old, BOB.new, as_of=meanwhile)
    on.play.check("activity as of the merged time, by either key", [total] * 2, then)
    on.play.say(f"One more activity under {BOB.old}")
    await profiles.record(on, BOB.old, LATE)
    wanted = [BOB.old_activity + LATE + 1, BOB.new_activity]
    await on.play.reaches("activity of each", wanted, partial(counts, on, BOB.old, BOB.new))


async def deleted(on: Stage) -> None:
    """The deletion of a merged person sweeps the tickets of all its keys, each named to its owner as that stated it."""
    on.play.say(f"DELETE /people/{ANN.new} at People: the person is deleted")
    (await on.people.http.delete(f"/people/{ANN.new}")).raise_for_status()
    await on.play.reaches("tickets of both keys at Tickets", [0, 0], partial(at_tickets, on, ANN))
    begun = await on.play.until("the end of the cascade", partial(cascade, on))
    total = ANN.tickets + 1
    found = {"by": begun["actor"], "total": begun["progress"]["total"], "done": begun["progress"]["confirmed"]}
    on.play.check("the operation that Tether began", {"by": "/tether", "total": total, "done": total}, found)
    on.play.check("tickets of Bob at Tickets, still", [1, 1], await at_tickets(on, BOB))


async def announced(on: Stage) -> None:
    """Consumers of the feed are informed of each key that has another survivor now."""
    on.play.say("GET /v1/feed?kind=person from the beginning")
    changes = [one for one in await on.tether.feed(kind="person") if one["type"] in ("Merged", "Unmerged")]
    wanted = [("Merged", one.old, one.new) for one in (ANN, BOB)]
    wanted += [("Unmerged", BOB.old, ""), ("Merged", CLEO.old, CLEO.new)]
    found = [(one["type"], one["subject"], one["data"].get("survivor", "")) for one in changes]
    on.play.check("merges in the feed", wanted, found)


async def merge_to_its_end(on: Stage, person: profiles.PersonWithTwoProfiles) -> Json:
    """Merges the two profiles of a person; waits until the loser is retired. Returns the operation."""
    id = str((await profiles.merge(on, person))["id"])
    end = await on.play.until(f"the merge of {person.name}", partial(ended, on, id))
    found = {"state": end["state"], "retired": end["progress"]["confirmed"]}
    on.play.check(f"the merge of {person.name}", {"state": "done", "retired": 1}, found)
    return end


async def ticket_counts(on: Stage) -> list[int]:
    """How many tickets are linked to each key of Ann."""
    return [await tickets(on, key) for key in (ANN.old, ANN.new)]


async def retired(on: Stage, id: str) -> list[str]:
    """The profiles of a merge that their owner has deleted, by the preview of its undo."""
    return list((await on.tether.request("GET", f"merges/{id}/undo"))["deleted"])


async def latest(on: Stage) -> str:
    """Token of the newest revision."""
    return str((await entity(on, ANN.new))["token"])


async def cascade(on: Stage) -> Json | None:
    """The cascade that Tether began for Ann, once it is done; None before."""
    found = (await on.tether.request("GET", "operations", query={"kind": "cascade", "state": "done"}))["items"]
    return next((one for one in found if one["entity"] == {"kind": "person", "key": ANN.new}), None)
