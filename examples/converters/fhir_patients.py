"""FHIR Patients (R4, R5) of a Bundle or of NDJSON: their versions, their links, and the keys of what these name.

A *version* is one state of a resource. A Bundle of type ``history`` has several of one resource, and so may NDJSON.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from examples.converters.output import ConversionProblem

Json: TypeAlias = Mapping[str, Any]

_PATIENT = re.compile(r"(?:(https?://.+)/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class InputPlace:
    """Where something is in the input: a line, and a path such as ``Bundle.entry[3].resource``."""

    line: int
    path: str

    def __truediv__(self, name: str) -> "InputPlace":
        return InputPlace(self.line, f"{self.path}.{name}")

    def problem(self, reason: str, mend: str) -> ConversionProblem:
        """The problem with what is there."""
        return ConversionProblem(self.line, self.path, reason, mend)


@dataclass(frozen=True)
class PatientVersion:
    """One state of a Patient. ``full_url``: of its entry; ``modified``: the time that its entry says."""

    at: InputPlace
    resource: Json
    full_url: str = ""
    modified: str = ""

    @property
    def id(self) -> str:
        """The logical id. Raises ConversionProblem."""
        found = self.resource.get("id")
        if not isinstance(found, str) or not found:
            raise (self.at / "id").problem("is missing", "Convert resources of a server: only those have ids")
        return found

    @property
    def number(self) -> tuple[int, str]:
        """What orders versions of the same time."""
        named = str(_object(self.resource.get("meta"), self.at / "meta").get("versionId", ""))
        return (int(named), "") if named.isascii() and named.isdecimal() else (0, named)

    def time(self) -> datetime:
        """When this version came to be. Raises ConversionProblem."""
        text = _object(self.resource.get("meta"), self.at / "meta").get("lastUpdated") or self.modified
        try:
            if not isinstance(text, str) or not _ZONED.fullmatch(text):
                raise ValueError
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            reason = f"{text!r} is no instant" if text else "is missing"
            mend = "Have the server set it, such as 2026-01-31T12:00:00Z: it decides which statement is the later"
            raise (self.at / "meta.lastUpdated").problem(reason, mend) from None

    def links(self) -> Iterator[tuple[InputPlace, str, Json]]:
        """(place, type, reference) of each link. Raises ConversionProblem."""
        links = self.resource.get("link") or []
        if not isinstance(links, list):
            raise (self.at / "link").problem("is no list", "Write it as FHIR's JSON format does")
        for number, link in enumerate(links):
            at = self.at / f"link[{number}]"
            found = _object(link, at)
            yield at, str(found.get("type", "")), _object(found.get("other"), at / "other")

    def identifiers(self) -> Iterator[tuple[str, str]]:
        """(system, value) of its identifiers, without those that are no longer in use."""
        for one in self.resource.get("identifier") or []:
            found = _object(one, self.at / "identifier")
            if found.get("use") != "old" and isinstance(found.get("value"), str) and found["value"]:
                yield str(found.get("system", "")), found["value"]


@dataclass
class PatientKeys:
    """Finds keys of people. ``system``: of the identifier that is the key; empty: the id of the resource is.

    ``base``: URL of the server whose ids these are.
    """

    system: str = ""
    base: str = ""
    _by_url: dict[str, PatientVersion] = field(default_factory=dict)
    _by_id: dict[str, PatientVersion] = field(default_factory=dict)
    _by_identifier: dict[tuple[str, str], dict[str, PatientVersion]] = field(default_factory=dict)

    def add(self, version: PatientVersion) -> None:
        """Remembers which resource this is. Raises ConversionProblem."""
        self._by_id[version.id] = version
        if version.full_url:
            self._by_url[version.full_url] = version
        for identifier in version.identifiers():
            self._by_identifier.setdefault(identifier, {})[version.id] = version

    def of_patient(self, version: PatientVersion) -> str:
        """The key of a Patient. Raises ConversionProblem."""
        if not self.system:
            return version.id
        found = sorted({value for system, value in version.identifiers() if system == self.system})
        if len(found) != 1:
            reason = f"{len(found)} values of the system {self.system!r}, where the key is one"
            mend = 'Correct the identifiers (of former ones: "use": "old"), or convert without --identifier'
            raise (version.at / "identifier").problem(reason, mend)
        return found[0]

    def of_reference(self, at: InputPlace, other: Json, container: PatientVersion) -> str:
        """The key of the Patient that a link of ``container`` names. Raises ConversionProblem."""
        reference = other.get("reference")
        if isinstance(reference, str) and reference:
            return self._referred(at / "reference", reference, container)
        identifier = _object(other.get("identifier"), at / "identifier")
        named = str(identifier.get("system", "")), str(identifier.get("value", ""))
        if not named[1]:
            raise at.problem("names no patient", "Give `reference`, such as Patient/123, or `identifier`")
        if self.system and named[0] == self.system:
            return named[1]
        found = self._by_identifier.get(named, {})
        if len(found) != 1:
            reason = f"{len(found)} patients of the input have the identifier {'|'.join(named)}"
            raise (at / "identifier").problem(reason, "Give `reference`, or convert both patients together")
        return self.of_patient(next(iter(found.values())))

    def _referred(self, at: InputPlace, reference: str, container: PatientVersion) -> str:
        if (version := self._by_url.get(reference)) is not None:
            return self.of_patient(version)
        parsed = _PATIENT.fullmatch(reference)
        if parsed is None:
            kind = "contained" if reference.startswith("#") else "not a Patient of a server"
            raise at.problem(f"{reference!r} is {kind}", "Name one such as Patient/123, or convert its Bundle with it")
        base, id = parsed.groups()
        if base and base.rstrip("/") not in self._bases(container):
            raise at.problem(f"{reference!r} is of another server", f"If its ids are the same, give --base {base}")
        if not self.system:
            return str(id)
        if id not in self._by_id:
            mend = f"Convert both patients together, or give `identifier` of the system {self.system}"
            raise at.problem(f"{reference!r} is not in the input, so its identifier is not known", mend)
        return self.of_patient(self._by_id[id])

    def _bases(self, container: PatientVersion) -> set[str]:
        parsed = _PATIENT.fullmatch(container.full_url)
        return {one.rstrip("/") for one in (self.base, (parsed and parsed[1]) or "") if one}


def resources(text: str) -> Iterator[PatientVersion | ConversionProblem]:
    """The Patients of a text: of one resource (a Bundle or a Patient), or of one on each line."""
    try:
        documents: list[tuple[int, Any]] = [(1, json.loads(text))]
    except ValueError as error:
        documents = []
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        for number, line in lines:
            try:
                documents.append((number, json.loads(line)))
            except ValueError as of_line:
                if not documents:  # not even the first line is one: it is no NDJSON
                    where = getattr(error, "lineno", 1)
                    yield ConversionProblem(where, "JSON", f"cannot be read: {error}", "Correct it, as JSON or NDJSON")
                    return
                yield ConversionProblem(number, "JSON", f"cannot be read: {of_line}", "Write one resource on each line")
    for number, document in documents:
        yield from _of_document(InputPlace(number, ""), document)


def _of_document(at: InputPlace, document: Any) -> Iterator[PatientVersion | ConversionProblem]:
    kind = document.get("resourceType") if isinstance(document, dict) else None
    at = InputPlace(at.line, str(kind or "document"))
    if kind == "Patient":
        yield PatientVersion(at, document)
    elif kind == "Bundle":
        yield from _of_bundle(at, document)
    elif not isinstance(kind, str):
        yield at.problem("is no FHIR resource", "Give a Bundle or Patients: JSON objects with `resourceType`")


def _of_bundle(at: InputPlace, bundle: Json) -> Iterator[PatientVersion | ConversionProblem]:
    for number, entry in enumerate(bundle.get("entry") or []):
        place = at / f"entry[{number}]"
        try:
            found = _object(entry, place)
            resource = _object(found.get("resource"), place / "resource")
            if resource.get("resourceType") == "Patient":
                modified = _object(found.get("response"), place / "response").get("lastModified", "")
                yield PatientVersion(place / "resource", resource, str(found.get("fullUrl", "")), str(modified))
        except ConversionProblem as problem:
            yield problem


def _object(value: Any, at: InputPlace) -> Json:
    """The value as an object; empty if there is none. Raises ConversionProblem."""
    if value is not None and not isinstance(value, dict):
        raise at.problem("is no object", "Write it as FHIR's JSON format does")
    return value or {}
