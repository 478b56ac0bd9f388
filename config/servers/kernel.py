"""What Python 3.11 lacks of Linux: signals at a parent's death, user namespaces."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000

IS_LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


def follow_parent(parent: int, signum: signal.Signals) -> None:
    """
    Have the kernel send us `signum` when the process `parent` dies. Linux only.

    Ends the process if the parent is dead already.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def enter_user_namespace(inside_uid: int) -> None:
    """
    Go on as user `inside_uid` of a new user namespace, still ourselves outside.

    :raises OSError: if the kernel or the container refuses.
    """
    outside_uid = os.geteuid()
    if _libc is None or _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are refused")
    with open("/proc/self/uid_map", "w") as uid_map:
        uid_map.write(f"{inside_uid} {outside_uid} 1")
