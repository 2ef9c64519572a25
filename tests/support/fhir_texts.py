"""Resources of FHIR as text, for tests of the converter."""

import json
from typing import Any

BASE = "https://registry.example.org/fhir"


def link(type: str, other: str) -> dict[str, Any]:
    return {"other": {"reference": other}, "type": type}


def patient(id: str, *links: dict[str, Any], version: int = 1, **more: Any) -> dict[str, Any]:
    """A Patient as servers of R4 and of R5 write it; version n is of the n-th minute."""
    meta = {"versionId": str(version), "lastUpdated": f"2026-01-31T12:{version:02}:00.000+01:00"}
    return {"resourceType": "Patient", "id": id, "meta": meta, "active": True, "link": list(links), **more}


def bundle(*patients: dict[str, Any], base: str = BASE, type: str = "history") -> str:
    entries = [
        {"fullUrl": f"{base}/Patient/{one['id']}", "resource": one, "request": {"method": "PUT"}} for one in patients
    ]
    return json.dumps({"resourceType": "Bundle", "type": type, "entry": entries}, indent=2)


def ndjson(*resources: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in resources)
