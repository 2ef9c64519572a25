"""The user as which PostgreSQL runs. It refuses to run as root, and as a user that has no name in the system."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import DataUnusable

CHILD = Path(__file__).with_name("child.py")

NAMESPACES = sys.platform == "linux"
"""Whether user namespaces are tried. The kernel may still refuse them, as in many containers."""

ENTER = ("/bin/sh", "-c", 'cd "$0"')


@dataclass(frozen=True)
class Identity:
    """`user`: argument USER of ``child.py``. `uid`, `gid`: owner of the files, as seen from outside."""

    user: str
    uid: int
    gid: int


def own() -> Identity:
    """The user of this process."""
    return Identity("-", os.geteuid(), os.getegid())


def able_to_run(program: Path, beside: Path) -> Identity:
    """The first identity under which `program` starts and can enter the directory `beside`.

    Does not change the users of the system, nor permissions of directories above. Raises DataUnusable if there is none.
    """
    if os.geteuid() != 0 and _named(os.geteuid()):
        return own()
    tried = []
    for identity in _candidates(beside):
        probe = [sys.executable, "-I", "-S", str(CHILD), str(os.getpid()), "0", identity.user]
        wrong = _tried(*probe, str(program), "--version") or _tried(*probe, *ENTER, str(beside))
        if not wrong:
            return identity
        tried.append(f"{identity.user}: {wrong}")
    raise DataUnusable(
        f"PostgreSQL does not run as this user (uid {os.geteuid()}), and no other user was found "
        f"that can access {program} and {beside} ({'; '.join(tried)}); "
        "run as an ordinary user, or set TETHER_DATA_DIR to a directory that everyone may enter"
    )


def _tried(*argv: str) -> str:
    """The last line of a command's errors if it failed; empty if it succeeded."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["failed"])[-1]


def _candidates(beside: Path) -> Iterator[Identity]:
    seen_as = next((entry for entry in pwd.getpwall() if entry.pw_uid != 0), None)
    if seen_as is not None and NAMESPACES:
        yield Identity(f"map:{seen_as.pw_uid}:{seen_as.pw_gid}", os.geteuid(), os.getegid())
    if os.geteuid() != 0:
        return
    owner = beside.stat()
    if owner.st_uid != 0 and _named(owner.st_uid):
        yield Identity(f"set:{owner.st_uid}:{owner.st_gid}", owner.st_uid, owner.st_gid)
    for name in ("nobody", "daemon"):  # given name
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Identity(f"set:{entry.pw_uid}:{entry.pw_gid}", entry.pw_uid, entry.pw_gid)


def _named(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
