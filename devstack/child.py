"""Executes a program that ends with its parent, optionally as another user. Uses the standard library only.

``python -I -S child.py PARENT DEATH_SIGNAL USER PROGRAM [ARGUMENT…]``

USER is ``-`` (the present user), ``map:UID:GID`` (the present user, seen as UID:GID inside a new user namespace, which
changes nothing outside) or ``set:UID:GID`` (drop the privileges).

It is a separate program, not a ``preexec_fn``, because code between fork and exec can deadlock in a process that has
threads.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Replaces this process by PROGRAM; never returns. Raises OSError if that fails.

    ``argv``: the arguments above, without the name of this file.
    """
    parent, death_signal, user = int(argv[0]), int(argv[1]), argv[2]
    how, _, ids = user.partition(":")
    if how == "map":
        _map_user(*map(int, ids.split(":")))
    elif how == "set":
        _set_user(*map(int, ids.split(":")))
    if sys.platform == "linux":
        # After the change of user, which clears the death signal.
        _check(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0))
        if os.getppid() != parent:
            sys.exit(f"the parent process {parent} ended before {argv[3]} was started")
    # Python ignores these two signals, and an ignored signal stays ignored after exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execv(argv[3], argv[3:])


def _map_user(uid: int, gid: int) -> None:
    outside_uid, outside_gid = os.geteuid(), os.getegid()
    _check(ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER))
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outside_uid} 1"),
        ("gid_map", f"{gid} {outside_gid} 1"),
    ):
        Path("/proc/self", name).write_text(line)


def _set_user(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(sys.argv[1:])
