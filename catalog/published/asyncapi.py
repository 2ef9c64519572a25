"""Describes one owner as an application, in AsyncAPI 3: it sends facts to Tether, and receives commands."""

import re
from typing import Any
from urllib.parse import urlsplit

from catalog.evolution.document import ContractDocument, DeclaredCommand, DeclaredFact
from catalog.schemas.contract_schema import Schema

VERSION = "3.0.0"
_NAMED = re.compile(r"\{(\w+)\}")
_LEFT_OUT = ("$schema", "$id", "$defs", "discriminator")
"""Keywords that AsyncAPI's schemas don't have, or with another meaning."""
_TETHER, _OWNER = {"$ref": "#/servers/tether"}, {"$ref": "#/servers/owner"}


def asyncapi(document: ContractDocument, owner: str, url: str) -> dict[str, Any]:
    """The AsyncAPI document of an owner; ``url``: of Tether's API, where it publishes."""
    facts = [one for one in document.items if one.owner == owner]
    commands = [one for one in document.commands if one.owner == owner]
    schemas: dict[str, Any] = {}
    messages = {one.type: _fact(one, schemas) for one in facts} | {c.name: _command(c, schemas) for c in commands}
    channels = {"facts": _facts_channel(facts)} if facts else {}
    operations = {f"send.{one.type}": _operation("send", "facts", one.type, {"method": "POST"}) for one in facts}
    for one in commands:
        channels[f"command.{one.name}"] = _channel(one)
        operations[f"receive.{one.name}"] = _operation(
            "receive", f"command.{one.name}", one.name, _request(one, schemas)
        )
    return {
        "asyncapi": VERSION,
        "info": {
            "title": f"The owner {owner}",
            "version": str(max((one.version for one in facts), default=1)),
            "description": f"What {owner} publishes to Tether and what it carries out for it.",
        },
        "defaultContentType": "application/json",
        "servers": _servers(owner, url),
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _servers(owner: str, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    tether = {"host": parts.netloc, "protocol": parts.scheme, "description": "Tether's API."}
    if parts.path.strip("/"):
        tether["pathname"] = f"/{parts.path.strip('/')}"
    host = {"default": "localhost", "description": "As TETHER_OWNERS has it."}
    return {
        "tether": tether,
        "owner": {
            "host": "{host}",
            "protocol": "http",
            "variables": {"host": host},
            "description": f"The API of {owner}.",
        },
    }


def _facts_channel(facts: list[DeclaredFact]) -> dict[str, Any]:
    return {
        "address": "/v1/events",
        "description": "Facts, as CloudEvents in any of their forms; here in the binary one.",
        "servers": [_TETHER],
        "messages": {one.type: {"$ref": f"#/components/messages/{one.type}"} for one in facts},
    }


def _fact(fact: DeclaredFact, schemas: dict[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "ce-specversion": {"type": "string", "const": "1.0"},
        "ce-type": {"type": "string", "const": fact.type},
        "ce-source": {"type": "string", "description": "The owner's source, or a path below it."},
        "ce-id": {"type": "string", "description": "The same fact has the same id."},
        "ce-subject": {"type": "string", "description": f"Key of the {fact.kind}."},
        "ce-time": {"type": "string", "format": "date-time"},
        "ce-sequence": {"type": "string", "description": "Orders the facts about one entity."},
    }
    needed = ["ce-specversion", "ce-type", "ce-source", "ce-id"]
    if fact.key_field is None and fact.about is None:
        needed.append("ce-subject")
    return {
        "name": fact.type,
        "title": fact.name,
        "summary": fact.description.partition("\n")[0],
        "headers": {"type": "object", "properties": attributes, "required": needed},
        "payload": _component(fact.type, fact.schema_, schemas),
    }


def _channel(command: DeclaredCommand) -> dict[str, Any]:
    channel = {
        "address": command.path,
        "servers": [_OWNER],
        "messages": {command.name: {"$ref": f"#/components/messages/{command.name}"}},
    }
    if named := _NAMED.findall(command.path):
        channel["parameters"] = {name: {"description": f"`{name}` of {command.name}."} for name in named}
    return channel


def _command(command: DeclaredCommand, schemas: dict[str, Any]) -> dict[str, Any]:
    message = {"name": command.name, "summary": command.description.partition("\n")[0]}
    if command.method == "DELETE":
        return message
    return {**message, "payload": _component(command.name, _body(command), schemas)}


def _request(command: DeclaredCommand, schemas: dict[str, Any]) -> dict[str, Any]:
    query = _body(command) if command.method == "DELETE" else {}
    if not query.get("properties"):
        return {"method": command.method}
    return {"method": command.method, "query": _component(f"{command.name}.query", query, schemas)}


def _body(command: DeclaredCommand) -> Schema:
    """What is not in the path."""
    named, schema = set(_NAMED.findall(command.path)), command.schema_
    fields = {name: one for name, one in schema.get("properties", {}).items() if name not in named}
    needed = [name for name in schema.get("required", ()) if name not in named]
    return {**schema, "properties": fields, **({"required": needed} if "required" in schema else {})}


def _component(name: str, schema: Schema, schemas: dict[str, Any]) -> dict[str, str]:
    """Adds a schema and its definitions to the document's; returns a reference to it."""
    schemas[name] = _moved(schema, name)
    for inner, one in schema.get("$defs", {}).items():
        schemas[f"{name}.{inner}"] = _moved(one, name)
    return {"$ref": f"#/components/schemas/{name}"}


def _moved(node: Any, name: str) -> Any:
    if isinstance(node, list):
        return [_moved(one, name) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _moved(value, name) for key, value in node.items() if key not in _LEFT_OUT}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = found["$ref"].replace("#/$defs/", f"#/components/schemas/{name}.")
    return found


def _operation(action: str, channel: str, message: str, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
        "bindings": {"http": {**request, "bindingVersion": "0.3.0"}},
    }
