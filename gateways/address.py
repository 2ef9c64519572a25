"""Checks the configured base URLs of owners."""

import httpx2 as httpx

from errors import Refused

_MEND = "set it in TETHER_OWNERS as http://host:port/path, or https"


def checked(owner: str, url: str) -> str:
    """Returns the base URL without a slash at its end.

    Raises Refused; its message never shows the URL, which may hold a password.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise Refused(f"the address of the owner {owner!r} is no URL; {_MEND}") from None
    problem = _problem(url, parsed)
    if problem:
        raise Refused(f"the address of the owner {owner!r} {problem}; {_MEND}")
    return str(parsed).rstrip("/")


def _problem(url: str, parsed: httpx.URL) -> str:
    if any(letter.isspace() for letter in url):
        return "has blanks in it"
    if parsed.scheme not in ("http", "https"):
        return "begins with neither http:// nor https://"
    if not parsed.host:
        return "names no host"
    if parsed.userinfo:
        return "has a user or a password in it"
    if "?" in url or "#" in url:
        return "has a query or a fragment"
    if parsed.port is not None and not 0 < parsed.port < 65536:
        return f"has no port of 1 to 65535 but {parsed.port}"
    return ""
