"""The contracts of a catalog as one JSON document: what is published, exported, and compared."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from catalog.catalog import Catalog
from catalog.key_forms import KeyForm
from catalog.lists import element_field
from catalog.registry import Contract
from catalog.relationship import Relationship
from catalog.schemas.contract_schema import Schema, schema_of
from catalog.upcasting import meaning
from catalog.vocabulary import Command, ExpectedParentField, KeyField


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class DeclaredFact(_Declared):
    """The contract of one fact. ``effect``: null for facts about identity, and for activity."""

    type: str = Field(description="The CloudEvents `type`.", examples=["UserCreated.v1"])
    name: str = Field(description="The type without its version.", examples=["UserCreated"])
    version: int
    kind: str = Field(description="Kind of the entity that it is about.", examples=["user"])
    owner: str = Field(description="Who publishes it.", examples=["users"])
    effect: str | None = Field(description="What it does to its entity; null: it is about identity, or activity.")
    identity: str | None = Field(description="What it says about the identity of entities; null: nothing.")
    about: str | None = Field(
        description="Of activity: the kind whose activity it is, and the field with its key.",
        examples=["person.person_id"],
    )
    element: str | None = Field(
        description="Which list of its entity it adds an element to, or removes one from.",
        examples=["adds to member_ids"],
    )
    key_field: str | None = Field(description="The field with the key; null: the key is the `subject`.")
    key_form: str | None = Field(description="Normal form of the keys of its kind; null: they are taken as they are.")
    description: str
    schema_: Schema = Field(alias="schema", description="JSON Schema of its data.")


class DeclaredCommand(_Declared):
    """A request that an owner carries out."""

    name: str = Field(examples=["DeleteTeam"])
    owner: str = Field(description="Who carries it out.", examples=["teams"])
    method: str = Field(examples=["DELETE"])
    path: str = Field(description="Of the owner; names of fields in braces.", examples=["/teams/{team_id}"])
    description: str
    schema_: Schema = Field(alias="schema", description="JSON Schema of all its fields, those of the path included.")


class UsedField(_Declared):
    """A field that a relationship reads from facts about a kind."""

    kind: str
    field: str


class DeclaredRelationship(_Declared):
    """What other declarations of a relationship depend on."""

    name: str
    parent: str
    child: str
    cardinality: str
    announce: str
    uses: list[UsedField]


class DeclaredReplica(_Declared):
    """Which fields of which kind are copied."""

    name: str
    of: str
    fields: list[str]


class DeclaredUpcaster(_Declared):
    """From which version of a fact to which a function leads."""

    from_: str = Field(alias="from")
    to: str
    meaning: str = Field(default="", description="Stands for the text of the function.")


class DeclaredMapping(_Declared):
    """Which facts the messages of another system say."""

    type: str = Field(description="The CloudEvents `type` of the messages.", examples=["com.example.issues"])
    owner: str
    to: list[str] = Field(description="Types of the facts that they may say.")


class ContractDocument(_Declared):
    """Everything that is declared, as far as others depend on it."""

    items: list[DeclaredFact] = Field(description="The facts, by type.")
    commands: list[DeclaredCommand] = []
    relationships: list[DeclaredRelationship] = []
    replicas: list[DeclaredReplica] = []
    upcasters: list[DeclaredUpcaster] = []
    mappings: list[DeclaredMapping] = []

    def of_owner(self, owner: str) -> ContractDocument:
        """The facts and commands of one owner, and the upcasters between them."""
        items = [one for one in self.items if one.owner == owner]
        types = {one.type for one in items}
        return ContractDocument(
            items=items,
            commands=[one for one in self.commands if one.owner == owner],
            upcasters=[one for one in self.upcasters if one.to in types],
            mappings=[one for one in self.mappings if one.owner == owner],
        )


def document(catalog: Catalog) -> ContractDocument:
    """The document of a catalog; everything in it is sorted by name."""
    contracts = catalog.contracts
    return ContractDocument(
        items=[
            _fact(contract, contracts.key_forms.get(contract.kind)) for _, contract in sorted(contracts.by_type.items())
        ],
        commands=sorted((_command(c, owner) for c, owner in contracts.commands.items()), key=lambda one: one.name),
        relationships=[_relationship(r) for _, r in sorted(catalog.relationships.items())],
        replicas=[
            DeclaredReplica(name=r.name, of=r.of, fields=list(r.fields)) for _, r in sorted(catalog.replicas.items())
        ],
        upcasters=[
            DeclaredUpcaster(from_=earlier, to=later, meaning=meaning(one.function))
            for (earlier, later), one in sorted(contracts.upcasters.items(), key=lambda item: item[0])
        ],
        mappings=[
            DeclaredMapping(type=type, owner=one.owner, to=sorted(fact.wire_type() for fact in one.to))
            for type, one in sorted(contracts.mappings.items())
        ],
    )


def _fact(contract: Contract, form: KeyForm | None) -> DeclaredFact:
    return DeclaredFact(
        type=contract.wire_type,
        name=contract.name,
        version=contract.version,
        kind=contract.kind,
        owner=contract.owner,
        effect=contract.effect,
        identity=contract.identity,
        about=contract.about and ".".join(contract.about),
        element=_element(contract),
        key_field=contract.key_field,
        key_form=form,
        description=inspect.getdoc(contract.model) or "",
        schema_=schema_of(contract.model),
    )


def _element(contract: Contract) -> str | None:
    if contract.element is None:
        return None
    return f"{'adds to' if contract.element.adds else 'removes from'} {contract.element.each}"


def _command(command: type[Command], owner: str) -> DeclaredCommand:
    return DeclaredCommand(
        name=command.__name__,
        owner=owner,
        method=command.method,
        path=command.path,
        description=inspect.getdoc(command) or "",
        schema_=schema_of(command),
    )


def _relationship(declared: Relationship) -> DeclaredRelationship:
    uses = sorted(set(_used(declared)))
    return DeclaredRelationship(
        name=declared.name,
        parent=declared.parent,
        child=declared.child,
        cardinality=declared.cardinality,
        announce=declared.announce,
        uses=[UsedField(kind=kind, field=field) for kind, field in uses],
    )


def _used(declared: Relationship) -> Iterable[tuple[str, str]]:
    if declared.field is not None:
        yield declared.child, declared.field
    if declared.list_field is not None:
        yield declared.listing_kind, declared.list_field
    if declared.requested is not None:
        yield from ((declared.parent, field) for field in declared.requested.plain.values())
    for command in (declared.sweep, declared.move, declared.detach):
        if command is not None:
            marked = {command.marked(KeyField), command.marked(ExpectedParentField), element_field(command)}
            given = command.model_fields.keys() - marked - ({declared.parameter} if command is declared.move else set())
            yield from ((declared.child, field) for field in given)


def as_json(found: ContractDocument) -> dict[str, Any]:
    """The document as JSON values."""
    return found.model_dump(mode="json", by_alias=True)
