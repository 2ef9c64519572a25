"""Reads a command's settings, and the files that the embedded stack writes to its data directory."""

import json
from typing import TYPE_CHECKING, Any

from errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from config import Settings


def read_settings(**flags: Any) -> "Settings":
    """Returns the settings of the environment, overridden by flags that are not None.

    Raises Refused, naming the variable that cannot be used.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from config import Settings

    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as problem:
        first = problem.errors()[0]
        variable = "TETHER_" + "_".join(str(part) for part in first["loc"]).upper()
        raise Refused(f"{variable}: {first['msg']}, but it is {first['input']!r}. Correct or unset it.") from None
    except SettingsError as problem:
        raise Refused(f"The environment: {problem}. Correct or unset that variable.") from None


def read_database(purpose: str) -> "Settings":
    """Returns the settings with the database of TETHER_DATABASE_URL, or else that of the running embedded stack.

    ``purpose``: what is to be done with it: "to verify". Raises Refused if there is neither.
    """
    settings = read_settings()
    address = settings.database_url or stack(settings).get("database", "")
    if not address:
        raise Refused(
            f"No database {purpose}: TETHER_DATABASE_URL is not set and no embedded stack runs in "
            f"{settings.data_dir}. Set it, or start `tether up`."
        )
    return settings.model_copy(update={"database_url": address})


def stack(settings: "Settings") -> dict[str, str]:
    """Returns the URLs of the running embedded stack by name (``api``, ``database``, …); empty if none runs."""
    urls = _read(settings.data_dir / "stack.json").get("urls", {})
    return {name: value for name, value in urls.items() if isinstance(value, str)}


def admin_key(settings: "Settings") -> str:
    """Returns the embedded stack's key of scope ``admin``, preferably of the settings' tenant; else empty."""
    keys = _read(settings.data_dir / "credentials.json").get("keys", [])
    admins = {entry["tenant"]: str(entry["key"]) for entry in keys if entry.get("scope") == "admin"}
    return admins.get(settings.tenant) or next(iter(admins.values()), "")


def _read(path: "Path") -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise Refused(
            f"{path}: cannot be read ({problem}). Give --url and --key, or delete it and run `tether up`."
        ) from None
    return content if isinstance(content, dict) else {}
