"""Describes contracts as one xRegistry document: schemas with their versions, and messages that name them."""

from collections import defaultdict
from typing import Any

from catalog.evolution.document import ContractDocument, DeclaredFact

SPECIFICATION = "1.0-rc2"
FORMAT = "JsonSchema/draft/2020-12"
ENVELOPE = "CloudEvents/1.0"


def xregistry(document: ContractDocument) -> dict[str, Any]:
    """The document: a group of schemas and one of messages for each owner. A version of a fact is one of its schema."""
    owners: defaultdict[str, list[DeclaredFact]] = defaultdict(list)
    for fact in document.items:
        owners[fact.owner].append(fact)
    return {
        "specversion": SPECIFICATION,
        "registryid": "tether",
        "schemagroups": {owner: _schemas(owner, facts) for owner, facts in sorted(owners.items())},
        "messagegroups": {owner: _messages(owner, facts) for owner, facts in sorted(owners.items())},
    }


def _schemas(owner: str, facts: list[DeclaredFact]) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for fact in sorted(facts, key=lambda one: (one.name, one.version)):
        schema = schemas.setdefault(fact.name, {"schemaid": fact.name, "versions": {}})
        schema["versions"][str(fact.version)] = {
            "versionid": str(fact.version),
            "schemaid": fact.name,
            "name": fact.type,
            "format": FORMAT,
            "schema": fact.schema_,
        }
    return {"schemagroupid": owner, "schemas": schemas}


def _messages(owner: str, facts: list[DeclaredFact]) -> dict[str, Any]:
    return {
        "messagegroupid": owner,
        "envelope": ENVELOPE,
        "messages": {fact.type: _message(owner, fact) for fact in facts},
    }


def _message(owner: str, fact: DeclaredFact) -> dict[str, Any]:
    return {
        "messageid": fact.type,
        "name": fact.name,
        "envelope": ENVELOPE,
        "envelopemetadata": {
            "specversion": {"type": "string", "value": "1.0", "required": True},
            "type": {"type": "string", "value": fact.type, "required": True},
            "source": {"type": "uri-reference", "required": True},
            "id": {"type": "string", "required": True},
            "subject": {"type": "string", "required": fact.key_field is None and fact.about is None},
            "time": {"type": "timestamp", "required": False},
        },
        "datacontenttype": "application/json",
        "dataschemaformat": FORMAT,
        "dataschemauri": f"#/schemagroups/{owner}/schemas/{fact.name}/versions/{fact.version}",
    }
