"""Links of FHIR Patients to facts about merges, as of each version of a resource; a second run states nothing new."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog import catalog as catalogs
from config import Limits
from examples.converters import fhir
from examples.converters.fhir import convert
from examples.converters.fhir_patients import PatientKeys
from examples.converters.output import Conversion, Event, FactTypes
from facts.envelope import read
from facts.validation import Validator
from tests.support.fhir_texts import BASE, bundle, link, ndjson, patient

FACTS = FactTypes("/people/fhir")
VALIDATOR = Validator(catalogs.load(), Limits())


def converted(text: str, keys: PatientKeys | None = None, earlier: Iterable[Event] = ()) -> Conversion:
    """The conversion of a text without problems; Tether takes each of its facts."""
    done = convert(text, FACTS, keys or PatientKeys(), earlier)
    assert [str(one) for one in done.problems] == []
    for event in done.events:
        VALIDATOR.validate(read(event))
    return done


def facts(text: str, keys: PatientKeys | None = None, earlier: Iterable[Event] = ()) -> list[tuple[str, str, str]]:
    """(what, loser, survivor) of each fact, in order."""
    events = converted(text, keys, earlier).unique
    return [(one["type"][6:-3].lower(), *one["data"]["losers"], one["data"]["survivor"]) for one in events]


def problem(text: str, keys: PatientKeys | None = None) -> str:
    """The one problem of a text, which has no facts."""
    done = convert(text, FACTS, keys or PatientKeys())
    assert done.events == []
    (found,) = done.problems
    return str(found)


def test_replaced_by_and_replaces_are_the_same_merge() -> None:
    old, new = patient("old", link("replaced-by", "Patient/new")), patient("new", link("replaces", "Patient/old"))
    for text in (bundle(old), bundle(new), bundle(old, new), ndjson(old, new), json.dumps(new)):
        assert facts(text) == [("merged", "old", "new")]


def test_fact_has_the_time_of_the_version_that_states_it() -> None:
    (event,) = converted(bundle(patient("old", link("replaced-by", "Patient/new"), version=7))).events
    assert (event["time"], event["statedby"]) == ("2026-01-31T11:07:00Z", "Patient/old")
    assert (event["source"], event["subject"]) == ("/people/fhir", "new")


def test_refer_and_seealso_are_no_merges() -> None:
    done = converted(bundle(patient("a", link("refer", "Patient/b"), link("seealso", "RelatedPerson/c"))))
    assert (done.events, done.skipped) == ([], {"refer": 1, "seealso": 1})


def test_withdrawn_link_becomes_an_undo_whatever_the_order_of_versions() -> None:
    versions = [
        patient("old", link("replaced-by", "Patient/new"), version=1),
        patient("old", link("replaced-by", "Patient/new"), version=2, gender="female"),
        patient("old", version=3),
        patient("old", link("replaced-by", "Patient/other"), version=4),
    ]
    wanted = [("merged", "old", "new"), ("unmerged", "old", "new"), ("merged", "old", "other")]
    for text in (bundle(*versions), bundle(*reversed(versions)), ndjson(*versions)):
        assert facts(text) == wanted


def test_merge_that_both_state_is_undone_when_both_have_withdrawn_it() -> None:
    stated = [patient("old", link("replaced-by", "Patient/new")), patient("new", link("replaces", "Patient/old"))]
    half = [*stated, patient("old", version=2)]
    assert facts(bundle(*half)) == [("merged", "old", "new")]
    assert facts(bundle(*half, patient("new", version=3))) == [("merged", "old", "new"), ("unmerged", "old", "new")]


def test_link_that_moves_to_the_other_side_at_once_undoes_nothing() -> None:
    old = [patient("old", link("replaced-by", "Patient/new")), patient("old", version=2)]
    assert facts(bundle(*old, patient("new", link("replaces", "Patient/old"), version=2))) == [("merged", "old", "new")]


def test_deleted_or_absent_patient_withdraws_nothing() -> None:
    first = converted(bundle(patient("old", link("replaced-by", "Patient/new")))).events
    deleted = {"fullUrl": f"{BASE}/Patient/old", "request": {"method": "DELETE", "url": "Patient/old"}}
    text = json.dumps({"resourceType": "Bundle", "type": "history", "entry": [deleted]})
    assert facts(text, earlier=first) == facts(bundle(), earlier=first) == []


def test_later_export_is_compared_with_what_was_converted_before() -> None:
    first = converted(bundle(patient("old", link("replaced-by", "Patient/new")))).events
    unchanged = patient("old", link("replaced-by", "Patient/new"), version=5)
    assert facts(bundle(unchanged), earlier=first) == []
    assert facts(bundle(patient("old", version=6)), earlier=first) == [("unmerged", "old", "new")]


def test_same_link_in_a_later_version_has_another_id_only_after_an_undo() -> None:
    one, two = (patient("old", link("replaced-by", "Patient/new"), version=n) for n in (1, 3))
    events = converted(bundle(one, patient("old", version=2), two)).events
    assert [event["type"] for event in events] == ["PersonMerged.v1", "PersonUnmerged.v1", "PersonMerged.v1"]
    assert len({event["id"] for event in events}) == 3


@pytest.mark.parametrize(
    "reference",
    ["Patient/new", f"{BASE}/Patient/new", f"{BASE}/Patient/new/_history/3", "Patient/new/_history/1", "urn:uuid:7"],
)
def test_references_in_every_form_name_a_patient(reference: str) -> None:
    old = {"fullUrl": f"{BASE}/Patient/old", "resource": patient("old", link("replaced-by", reference))}
    new = {"fullUrl": "urn:uuid:7", "resource": patient("new")}
    text = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [old, new]})
    assert facts(text) == [("merged", "old", "new")]


def test_logical_reference_names_the_patient_with_that_identifier() -> None:
    other = {"identifier": {"system": "urn:oid:1.2", "value": "9"}, "type": "Patient"}
    old = patient("old", {"other": other, "type": "replaced-by"})
    new = patient("new", identifier=[{"system": "urn:oid:1.2", "value": "9"}])
    assert facts(ndjson(old, new)) == [("merged", "old", "new")]
    assert "Patient.link[0].other.identifier: 0 patients of the input have the identifier urn:oid:1.2|9" in (
        problem(json.dumps(old))
    )


def test_key_can_be_an_identifier_of_a_system() -> None:
    keys = PatientKeys("urn:mrn")
    old = patient("1", link("replaced-by", "Patient/2"), identifier=[{"system": "urn:mrn", "value": "A|1"}])
    former = {"system": "urn:mrn", "value": "B0", "use": "old"}
    new = patient("2", identifier=[former, {"system": "urn:mrn", "value": "B2"}, {"system": "x", "value": "y"}])
    assert facts(bundle(old, new), PatientKeys("urn:mrn")) == [("merged", "A|1", "B2")]
    assert "'Patient/2' is not in the input, so its identifier is not known" in problem(bundle(old), keys)
    named = {"type": "replaced-by", "other": {"identifier": {"system": "urn:mrn", "value": "C3"}}}
    assert facts(json.dumps({**old, "link": [named]}), PatientKeys("urn:mrn")) == [("merged", "A|1", "C3")]
    both = {**old, "identifier": [*old["identifier"], {"system": "urn:mrn", "value": "A2"}]}
    assert "Patient.identifier: 2 values of the system 'urn:mrn'" in problem(ndjson(both, new), PatientKeys("urn:mrn"))


@pytest.mark.parametrize(
    ("links", "wanted"),
    [
        (link("replaced-by", "Patient/a"), "link[0].other: 'a' would be merged with itself. Remove this link"),
        (link("replace", "Patient/b"), "link[0].type: 'replace' is no type of link. FHIR has replaced-by"),
        (link("", "Patient/b"), "link[0].type: is missing"),
        (link("replaces", "RelatedPerson/b"), "'RelatedPerson/b' is not a Patient of a server"),
        (link("replaces", "#b"), "link[0].other.reference: '#b' is contained"),
        (link("replaces", "https://x.org/Patient/b"), "is of another server. If its ids are the same, give --base"),
        ({"type": "replaces"}, "link[0].other: names no patient. Give `reference`, such as Patient/123"),
        ({"type": "replaces", "other": {"display": "Ann"}}, "link[0].other: names no patient"),
        ("no link", "link[0]: is no object"),
    ],
)
def test_problem_names_line_field_reason_and_mend(links: Any, wanted: str) -> None:
    assert problem(ndjson({"resourceType": "Patient", "id": "0"}, patient("a", links))).startswith("line 2, Patient.")
    assert wanted in problem(ndjson(patient("a", links)))
    assert "line 1, Bundle.entry[0].resource.link[0]" in problem(bundle(patient("a", links)))


def test_base_of_a_server_can_be_given() -> None:
    text = ndjson(patient("a", link("replaces", "https://x.org/r4/Patient/b")))
    assert facts(text, PatientKeys(base="https://x.org/r4/")) == [("merged", "b", "a")]


def test_only_a_patient_that_states_merges_needs_a_time() -> None:
    stating, silent = patient("a", link("replaces", "Patient/b")), patient("c")
    for one in (stating, silent):
        del one["meta"]
    assert facts(ndjson(silent)) == []
    assert "line 1, Patient.meta.lastUpdated: is missing. Have the server set it" in problem(ndjson(stating))
    entry = {"resource": stating, "response": {"status": "200", "lastModified": "2026-01-31T12:00:00Z"}}
    assert facts(json.dumps({"resourceType": "Bundle", "entry": [entry]})) == [("merged", "b", "a")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"resourceType": "Bundle",\n "entry": [}', "line 2, JSON: cannot be read"),
        ("[]", "line 1, document: is no FHIR resource. Give a Bundle or Patients"),
        ('{"resourceType": "Patient", "id": "a"}\n{"resou', "line 2, JSON: cannot be read"),
        ('{"resourceType": "Patient"}', "line 1, Patient.id: is missing"),
        ('{"resourceType": "Bundle", "entry": [7]}', "line 1, Bundle.entry[0]: is no object"),
        ('{"resourceType": "Patient", "id": "a", "link": {}, "meta": 7}', None),
        ('{"resourceType": "Patient", "id": "a", "link": {"type": "refer"}}', "line 1, Patient.link: is no list"),
        ('{"resourceType": "Patient", "id": "a", "identifier": [7]}', "line 1, Patient.identifier: is no object"),
    ],
)
def test_what_is_no_fhir_is_a_problem(text: str, wanted: str | None) -> None:
    if wanted is None:
        assert facts(text) == []
    else:
        assert wanted in problem(text)


STATES = st.frozensets(st.sampled_from(["replaced-by b", "replaces b", "replaced-by c", "replaces c"]), max_size=3)
HISTORIES = st.lists(st.tuples(st.sampled_from("abc"), STATES), max_size=8)


def versions_of(history: list[tuple[str, frozenset[str]]]) -> list[dict[str, Any]]:
    """Successive versions of Patients, each a minute after the one before."""
    return [
        patient(
            id, *(link(type, f"Patient/{key}") for type, key in map(str.split, sorted(links)) if key != id), version=n
        )
        for n, (id, links) in enumerate(history, 1)
    ]


def in_force(events: Iterable[Event]) -> set[tuple[str, str]]:
    """The pairs of which the latest fact merges them, as Tether decides it."""
    latest = {(one["data"]["losers"][0], one["data"]["survivor"]): one for one in sorted(events, key=by_time)}
    return {pair for pair, one in latest.items() if one["type"] == FACTS.merged}


def by_time(event: Event) -> str:
    return str(event["time"])


def stated_last(history: list[tuple[str, frozenset[str]]]) -> set[tuple[str, str]]:
    """The pairs that the newest versions state."""
    pairs = set()
    for id, links in dict(history).items():
        for type, key in map(str.split, links):
            if key != id:
                pairs.add((id, key) if type == "replaced-by" else (key, id))
    return pairs


@given(HISTORIES, st.randoms())
def test_facts_say_what_the_newest_versions_state(history: list[tuple[str, frozenset[str]]], random: Any) -> None:
    versions = versions_of(history)
    events = converted(bundle(*versions)).events
    assert in_force(events) == stated_last(history)
    random.shuffle(versions)
    assert converted(ndjson(*versions)).events == events


@given(HISTORIES, st.integers(0, 8))
@example(
    [
        ("a", frozenset({"replaced-by b"})),
        ("b", frozenset({"replaces a"})),
        ("b", frozenset({"replaces a", "replaces c"})),
        ("a", frozenset()),
    ],
    3,
)
def test_conversion_in_two_runs_states_the_same_and_nothing_twice(
    history: list[tuple[str, frozenset[str]]], cut: int
) -> None:
    versions = versions_of(history)
    first = converted(bundle(*versions[:cut])).events
    second = converted(bundle(*versions), earlier=first).events
    assert in_force([*first, *second]) == stated_last(history)
    assert converted(bundle(*versions), earlier=[*first, *second]).events == []


def test_command_line_prints_facts_and_reads_earlier_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def run(text: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["fhir", *arguments])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return fhir.main(), *capsys.readouterr()

    text = bundle(patient("old", link("replaced-by", "Patient/new")))
    code, out, errors = run(text, "--source", "/people/registry")
    assert (code, json.loads(out)["source"], errors) == (
        0,
        "/people/registry",
        "facts: 1; problems: 0; no merges: none\n",
    )
    before = tmp_path / "before.ndjson"
    before.write_text(out)
    assert run(text, "--earlier", str(before)) == (0, "", "facts: 0; problems: 0; no merges: none\n")
    code, out, errors = run(bundle(patient("old", link("replaces", "#1"))))
    assert (code, out) == (1, "")
    assert errors.startswith("line 1, Bundle.entry[0].resource.link[0].other.reference: '#1' is contained.")
    before.write_text('{"type": "x"}')
    assert run(text, "--earlier", str(before))[0] == 2
    assert run(text, "--earlier", str(tmp_path / "missing"))[0] == 2
