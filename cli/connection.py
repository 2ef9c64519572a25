"""Where Tether is and which key to show it: flag, then environment, then what the embedded stack wrote."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from cli.environment import admin_key, read_settings, stack
from errors import Refused

DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Connection:
    """A base URL without a slash at its end, and a key that may be empty."""

    url: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def local(self) -> bool:
        """On this machine: no proxy lies between, and the embedded stack's key may be shown."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def connect(url: str, key: str) -> Connection:
    """The connection in force. ``url`` and ``key`` come from flag or environment and may be empty."""
    settings = None if url and key else read_settings()
    if not url:
        url = (stack(settings) if settings else {}).get("api", DEFAULT_URL)
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise Refused(f"--url {url}: is no HTTP address. Write it like {DEFAULT_URL}.")
    if not (key.isascii() and (key.isprintable() or not key)):
        raise Refused("--key: holds characters that no key has. Copy it again, without a line break.")
    connection = Connection(url.rstrip("/"), key)
    # The embedded stack's key is never shown to another machine.
    if settings and not key and connection.local:
        return Connection(connection.url, admin_key(settings))
    return connection
