"""The folders, ports and addresses of one stack, and the environment of its parts."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from config import Settings
from devstack.ports import LOOPBACK, claim

TEMPORAL_ELSEWHERE = "TEMPORAL_ADDRESS"
"""If this variable is set, that Temporal is used and none is started."""


@dataclass(frozen=True)
class Urls:
    """Addresses and folders of a running stack. Empty: runs elsewhere, and its address is not known here."""

    api: str
    docs: str
    temporal_ui: str
    temporal: str
    """host:port"""
    database: str
    """URL with the password."""
    credentials: Path
    logs: Path


def resolved(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with a free port in place of each 0. Raises PortTaken."""
    ports = {"port": claim(settings.port, "API", "TETHER_PORT", settings.host)}
    if not settings.database_url:
        ports["postgres_port"] = claim(settings.postgres_port, "PostgreSQL", "TETHER_POSTGRES_PORT")
    if TEMPORAL_ELSEWHERE not in environ:
        ports["temporal_port"] = claim(settings.temporal_port, "Temporal", "TETHER_TEMPORAL_PORT")
        ui = claim(settings.temporal_ui_port, "Temporal's Web UI", "TETHER_TEMPORAL_UI_PORT")
        ports["temporal_ui_port"] = ui
    return settings.model_copy(update=ports)


def environment(settings: Settings) -> dict[str, str]:
    """The environment variables from which a part reads exactly these settings."""
    variables = {}
    for model, prefix in ((settings, "TETHER_"), (settings.limits, "TETHER_LIMIT_")):
        for name, value in model.model_dump(mode="json", exclude={"limits"}).items():
            if value is not None:
                variables[prefix + name.upper()] = value if isinstance(value, str) else json.dumps(value)
    variables["TETHER_CATALOG"] = ":".join(str(path.resolve()) for path in settings.catalog)
    variables["TETHER_WEBHOOK_ALLOW"] = ",".join(settings.webhook_allow)
    return variables


def urls(settings: Settings, environ: Mapping[str, str]) -> Urls:
    """The addresses that follow from the settings so far."""
    host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(settings.host, settings.host)
    api = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    return Urls(
        api=api,
        docs=f"{api}/docs",
        temporal_ui=settings.temporal_ui_url,
        temporal=environ.get(TEMPORAL_ELSEWHERE, f"{LOOPBACK}:{settings.temporal_port}"),
        database=settings.database_url,
        credentials=settings.data_dir / "credentials.json",
        logs=settings.data_dir / "logs",
    )


def note(settings: Settings, environ: Mapping[str, str], pids: Mapping[str, int], *, ready: bool) -> None:
    """Writes ``stack.json``: `pid` of ``tether up``, `ready`, `pids` of its parts, `ports`, `urls`.

    The file is replaced atomically, and readable by its owner only, since it contains the database's password.
    """
    content = {
        "pid": os.getpid(),
        "ready": ready,
        "pids": dict(pids),
        "ports": {
            "api": settings.port,
            "postgres": settings.postgres_port,
            "temporal": settings.temporal_port,
            "temporal_ui": settings.temporal_ui_port,
        },
        "urls": asdict(urls(settings, environ)),
    }
    fresh = _file(settings).with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(content, indent=2, default=str) + "\n")
    fresh.rename(_file(settings))


def forget(settings: Settings) -> None:
    """Deletes ``stack.json``, since the stack has stopped."""
    _file(settings).unlink(missing_ok=True)


def _file(settings: Settings) -> Path:
    return settings.data_dir / "stack.json"
