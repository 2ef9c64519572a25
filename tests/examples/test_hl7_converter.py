"""HL7 v2 messages to facts about merges: A40 and A47 merge, A37 undoes, A24 does neither."""

import io
import json
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog import catalog as catalogs
from config import Limits
from examples.converters.hl7 import Hl7Options, PatientIdentifier, convert
from examples.converters.hl7_messages import Delimiters
from examples.converters.output import FactTypes
from facts.envelope import read
from facts.validation import Validator

OPTIONS = Hl7Options(FactTypes("/people/hl7"))
EVN = "EVN||20260131120000.5+0100"
VALIDATOR = Validator(catalogs.load(), Limits())


def message(event: str, *segments: str, head: str = r"MSH|^~\&", ending: str = "\r", id: str = "7") -> str:
    header = f"{head}|MPI|NORTH|EHR|NORTH|20260131115900+0100||{event}|{id}|P|2.5.1"
    return ending.join((header, *segments, ""))


def facts(*messages: str, options: Hl7Options = OPTIONS) -> list[tuple[str, str, str]]:
    """(type, loser, survivor) of each fact; there are no problems."""
    done = convert("".join(messages).encode(), options)
    assert done.problems == []
    for event in done.events:
        VALIDATOR.validate(read(event))
    return [(one["type"], *one["data"]["losers"], one["data"]["survivor"]) for one in done.unique]


def problem(text: str, options: Hl7Options = OPTIONS) -> str:
    """The one problem of a text, which has no facts."""
    done = convert(text.encode(), options)
    assert done.events == []
    (found,) = done.problems
    return str(found)


def merged(loser: str, survivor: str) -> tuple[str, str, str]:
    return "PersonMerged.v1", loser, survivor


def test_merge_joins_identifiers_of_one_authority_and_type() -> None:
    text = message(
        "ADT^A40^ADT_A39", EVN, "PID|1||12^^^NORTH^MR~99^^^STATE^SS~77^^^NORTH^AN||Lee^Ann", "MRG|34^^^NORTH^MR"
    )
    assert facts(text) == [merged("NORTH|34", "NORTH|12")]


def test_fact_has_the_recorded_time_and_names_its_message() -> None:
    (event,) = convert(message("ADT^A40", EVN, "PID|||1^^^A", "MRG|2^^^A").encode(), OPTIONS).events
    assert (event["time"], event["statedby"]) == ("2026-01-31T11:00:00.500000Z", "MPI/NORTH/7")
    assert (event["source"], event["subject"]) == ("/people/hl7", "A|1")


def test_groups_and_repeated_identifiers_each_merge() -> None:
    text = message(
        "ADT^A40",
        EVN,
        "PID|1||12^^^NORTH^MR~5^^^SOUTH^MR",
        "PD1|x",
        "MRG|34^^^NORTH^MR~6^^^SOUTH^MR~35^^^NORTH^MR",
        "PV1|1|O",
        "PID|2||40^^^NORTH",
        'MRG|41^^^NORTH~""',
    )
    assert facts(text) == [
        merged("NORTH|34", "NORTH|12"),
        merged("SOUTH|6", "SOUTH|5"),
        merged("NORTH|35", "NORTH|12"),
        merged("NORTH|41", "NORTH|40"),
    ]


def test_universal_id_names_an_authority_before_its_namespace() -> None:
    text = message("ADT^A40", EVN, "PID|||1^^^NORTH&1.2.3&ISO", "MRG|2^^^&1.2.3&ISO")
    assert facts(text) == [merged("1.2.3|2", "1.2.3|1")]


def test_authority_can_be_given_and_renamed() -> None:
    text = message("ADT^A40", EVN, "PID|||1", "MRG|2^^^OLD")
    options = Hl7Options(FactTypes("/people/hl7"), authority="NORTH", aliases={"OLD": "NORTH"})
    assert facts(text, options=options) == [merged("NORTH|2", "NORTH|1")]


def test_link_is_no_merge_and_unlink_undoes_both_directions() -> None:
    link = message("ADT^A24^ADT_A24", EVN, "PID|1||1^^^A~8^^^B", "PV1|1", "PID|2||2^^^A~9^^^C", id="1")
    unlink = message("ADT^A37^ADT_A37", EVN, "PID|1||1^^^A~8^^^B", "PID|2||2^^^A~9^^^C", id="2")
    assert facts(link) == []
    assert facts(unlink) == [("PersonUnmerged.v1", "A|2", "A|1"), ("PersonUnmerged.v1", "A|1", "A|2")]


def test_what_is_no_merge_is_counted() -> None:
    texts = [
        message("ADT^A08", EVN),
        message("ADT^A41", EVN),
        message("ORU^R01"),
        message("ADT^A37", EVN, "PID|||1^^^A", "PID|||2^^^B"),
    ]
    done = convert("".join(texts).encode(), OPTIONS)
    assert (done.events, done.problems) == ([], [])
    assert done.skipped == {"ADT^A08": 1, "ADT^A41": 1, "ORU^R01": 1, "ADT^A37": 1}


def test_changed_identifier_goes_on_as_the_new_one() -> None:
    text = message("ADT^A47^ADT_A30", EVN, "PID|||N1^^^A^MR~8^^^B", "MRG|O1^^^A^MR~8^^^B")
    assert facts(text) == [merged("A|O1", "A|N1")]


def test_survivor_may_list_the_identifiers_that_it_took_over() -> None:
    assert facts(message("ADT^A40", EVN, "PID|||1^^^A~2^^^A", "MRG|2^^^A")) == [merged("A|2", "A|1")]


@pytest.mark.parametrize("event", ["A18", "A34", "A36", "A39", "A46"])
def test_former_kind_of_merge_is_a_problem(event: str) -> None:
    assert f"line 1, MSH-9: ADT^{event} merges in a way that is not converted. Have the sender publish ADT^A40" in (
        problem(message(f"ADT^{event}", EVN, "PID|||1^^^A", "MRG|2^^^A"))
    )


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n"])
def test_messages_are_read_in_mllp_frames_and_in_batches(ending: str) -> None:
    one = message("ADT^A40", EVN, "PID|||1^^^A", "MRG|2^^^A", ending=ending, id="1")
    two = message("ADT^A40", EVN, "PID|||1^^^A", "MRG|3^^^A", ending=ending, id="2")
    wanted = [merged("A|2", "A|1"), merged("A|3", "A|1")]
    assert facts(f"\x0b{one}\x1c\r\x0b{two}\x1c\r") == wanted
    assert facts(ending.join(("FHS|x", "BHS|x", one + two + "BTS|2", "FTS|1"))) == wanted


def test_encoding_is_that_of_the_header() -> None:
    head = "MSH|^~\\&|M|N|E|N|20260131115900+0100||ADT^A40|7|P|2.5.1||||||8859/1"
    text = "\r".join((head, "PID|||ä^^^A", "MRG|ö^^^A"))
    (event,) = convert(text.encode("latin-1"), OPTIONS).events
    assert event["data"] == {"survivor": "A|ä", "losers": ["A|ö"]}
    assert "MSH-18: the message is no utf-8" in str(
        convert(text.replace("8859/1", "").encode("latin-1"), OPTIONS).problems[0]
    )
    assert "MSH-18: is 'ISO IR87'" in problem(text.replace("8859/1", "ISO IR87"))


@pytest.mark.parametrize(
    ("segments", "wanted"),
    [
        (["PID|||1^^^A", "MRG|2"], "line 4, MRG-1: '2' has no assigning authority. Have the sender name it"),
        (["PID|||1^^^A", "MRG|2^^^B"], "line 4, MRG-1: '2' has no identifier of authority 'B' in PID-3"),
        (["PID|||1^^^A^MR", "MRG|2^^^A^SS"], "has no identifier of authority 'A' and type SS in PID-3"),
        (["PID|||1^^^A~3^^^A", "MRG|2^^^A"], "has several identifiers of authority 'A' in PID-3"),
        (["PID|||1^^^A", "MRG|1^^^A"], "line 4, MRG-1: all identifiers are in PID-3 too, so that none is merged. Name"),
        (["PID|||1^^^A"], "line 3, PID: a PID without an MRG. Send PID and MRG in pairs"),
        (["MRG|2^^^A"], "line 3, MRG: no PID comes before this MRG"),
        (["PID|||1^^^A", "PID|||3^^^A", "MRG|2^^^A"], "line 3, PID: no MRG follows this PID"),
        (["PID|||1^^^A", "MRG|"], "line 4, MRG-1: no identifier of the patient. Name at least one"),
        (["PID|||1\\Z1\\^^^A", "MRG|2^^^A"], r"line 3, PID-3: has the escape sequence \Z1\, which stands for no text"),
        (["PID|||1\\F^^^A", "MRG|2^^^A"], "line 3, PID-3: has an escape sequence without an end"),
    ],
)
def test_problem_names_line_field_reason_and_mend(segments: list[str], wanted: str) -> None:
    assert wanted in problem(message("ADT^A40", EVN, *segments))


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        (
            "20260131120000",
            "line 2, EVN-2: '20260131120000' has no offset from UTC. Give that of the sender: --offset=",
        ),
        ("20260131", "line 2, EVN-2: '20260131' is no time to the minute"),
        ("20260231120000+0100", "line 2, EVN-2: '20260231120000+0100' is not in the calendar"),
    ],
)
def test_time_that_decides_no_order_is_a_problem(time: str, wanted: str) -> None:
    assert wanted in problem(message("ADT^A40", f"EVN||{time}", "PID|||1^^^A", "MRG|2^^^A"))


def test_offset_is_given_for_times_without_one() -> None:
    options = Hl7Options(FactTypes("/people/hl7"), offset=timezone(timedelta(hours=-5)))
    text = message("ADT^A40", "EVN||202601311200", "PID|||1^^^A", "MRG|2^^^A")
    (event,) = convert(text.encode(), options).events
    assert event["time"] == "2026-01-31T17:00:00Z"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("PID|||1^^^A", "line 1, MSH: a message begins without it"),
        ("MSH|^~\\", None),
        ("MSH|^^\\&|", "line 1, MSH-2: MSH-1 and MSH-2 are '|^^\\\\&'"),
        ("MSH", "line 1, MSH-2"),
        ("MSH|^~\\&|a|b|c|d|20260131115900||", "line 1, MSH-9: the type of the message is missing"),
    ],
)
def test_header_that_cannot_be_read_is_a_problem(text: str, wanted: str | None) -> None:
    assert (wanted or "MSH-9") in problem(text)


def test_problem_of_one_message_does_not_keep_others_back() -> None:
    bad = message("ADT^A40", EVN, "PID|||1^^^A", "MRG|2")
    good = message("ADT^A40", EVN, "PID|||1^^^A", "MRG|3^^^A")
    done = convert((bad + good).encode(), OPTIONS)
    out, errors = io.StringIO(), io.StringIO()
    assert done.show(out, errors) == 1
    assert json.loads(out.getvalue())["data"] == {"survivor": "A|1", "losers": ["A|3"]}
    assert errors.getvalue().endswith("facts: 1; problems: 1; no merges: none\n")


PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=8).filter(
    lambda text: text == text.strip() and text != '""'
)


@st.composite
def delimiters(draw: st.DrawFn) -> Delimiters:
    count = draw(st.integers(5, 6))
    return Delimiters(*draw(st.lists(st.sampled_from(PUNCTUATION), min_size=count, max_size=count, unique=True)))


def escaped(text: str, marks: Delimiters) -> str:
    """A text as a sender writes it."""
    names = {"F": marks.field, "S": marks.component, "R": marks.repetition, "E": marks.escape, "T": marks.subcomponent}
    if marks.truncation:
        names["P"] = marks.truncation
    by_mark = {mark: name for name, mark in names.items()}
    return "".join(f"{marks.escape}{by_mark[c]}{marks.escape}" if c in by_mark else c for c in text)


@given(delimiters(), st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=3))
@example(Delimiters("^", "|", "~", "\\", "&"), [("N|O%RTH", "1^2&3", "\\F\\")])
def test_any_identifiers_are_read_by_any_delimiters(marks: Delimiters, groups: list[tuple[str, str, str]]) -> None:
    groups = [group for group in groups if group[1] != group[2]] or [("A", "1", "2")]

    def cx(value: str, authority: str) -> str:
        return escaped(value, marks) + marks.component * 3 + escaped(authority, marks)

    f = marks.field
    others = "".join(list(vars(marks).values())[1:])
    head = f"MSH{f}{others}{f * 5}202601311159{f}{f}ADT{marks.component}A40{f}7"
    segments = [head]
    for authority, kept, lost in groups:
        segments += [f"PID{f * 3}{cx(kept, authority)}", f"MRG{f}{cx(lost, authority)}"]
    options = Hl7Options(FactTypes("/people/hl7"), offset=UTC)
    done = convert("\r".join(segments).encode(), options)
    assert [str(one) for one in done.problems] == []
    wanted = [
        (PatientIdentifier(authority, lost, "").key, PatientIdentifier(authority, kept, "").key)
        for authority, kept, lost in groups
    ]
    assert [(one["data"]["losers"][0], one["data"]["survivor"]) for one in done.events] == wanted


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@example("A", "B|1", "A|B", "1")
def test_different_identifiers_have_different_keys(one: str, value: str, other: str, other_value: str) -> None:
    same = PatientIdentifier(one, value, "").key == PatientIdentifier(other, other_value, "").key
    assert same == ((one, value) == (other, other_value))


@given(st.binary(max_size=200).map(lambda noise: b"MSH|^~\\&|" + noise) | st.binary(max_size=200))
def test_no_input_fails_without_a_problem(content: bytes) -> None:
    done = convert(content, OPTIONS)
    assert all(str(one).startswith("line ") for one in done.problems)


def test_command_line_prints_facts_and_fails_with_problems(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[Any], tmp_path: Path
) -> None:
    from examples.converters import hl7

    text = message("ADT^A40", "EVN||202601311200", "PID|||1", "MRG|2") + message("ADT^A24", id="8")
    arguments = ["hl7", "--authority", "A", "--offset=+01:00", "--source", "/people/mpi", "--alias", "A=NORTH"]
    monkeypatch.setattr("sys.argv", arguments)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert hl7.main() == 0
    captured = capsys.readouterr()
    event = json.loads(captured.out)
    assert (event["source"], event["data"]["losers"]) == ("/people/mpi", ["NORTH|2"])
    assert captured.err == "facts: 1; problems: 0; no merges: ADT^A24 1\n"
