"""No network for whoever reads hostile bytes: the kernel refuses every socket to this process and its children.

The law: the strongest means that the machine allows, and the one in force is told, never assumed. A filter of system
calls comes first, because it also refuses unix sockets, which a network namespace leaves open. Neither needs root.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

SYSTEM_CALLS = "system-call filter"
NAMESPACE = "network namespace"
NONE = "none"

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2
_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _EPERM = 0x7FFF0000, 0x80000000, 0x00050001
_X32 = 0x40000000  # a second numbering of the same calls on x86_64, which would pass unseen
# What opens, connects or sends on a socket, and the ways around that: io_uring, and acting through another process.
_COMMON = (425, 426, 438)  # io_uring_setup, io_uring_enter, pidfd_getfd
_REFUSED: dict[str, tuple[int, tuple[int, ...]]] = {
    # socket connect accept sendto sendmsg bind listen socketpair ptrace accept4 sendmmsg process_vm_writev
    "x86_64": (0xC000003E, (41, 42, 43, 44, 46, 49, 50, 53, 101, 288, 307, 311, *_COMMON)),
    # ptrace socket socketpair bind listen accept connect sendto sendmsg accept4 sendmmsg process_vm_writev
    "aarch64": (0xC00000B7, (117, 198, 199, 200, 201, 202, 203, 206, 211, 242, 269, 271, *_COMMON)),
}


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def refuse_network() -> str:
    """Take the network from this process for good, and say by what means. Call it before any thread starts."""
    if sys.platform != "linux":
        return NONE
    libc = ctypes.CDLL(None, use_errno=True)
    if _filter_system_calls(libc):
        return SYSTEM_CALLS
    return NAMESPACE if libc.unshare(_NEW_USER_AND_NETWORK) == 0 else NONE


def means_in_force() -> str:
    """What a sandboxed process of this machine has in force, found by starting one that then asks for a socket."""
    asked = subprocess.run(
        [sys.executable, "-s", "-P", "-m", "app.documents.child.no_network"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        cwd="/",
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return asked.stdout.strip()


def _filter_system_calls(libc: ctypes.CDLL) -> bool:
    known = _REFUSED.get(platform.machine())
    if known is None:
        return False
    steps = _steps(*known)
    program = _Program(len(steps), (_Instruction * len(steps))(*steps))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _steps(architecture: int, refused: tuple[int, ...]) -> list[_Instruction]:
    """The filter: kill a foreign architecture, answer EPERM to a refused call, allow the rest."""
    count = len(refused)
    steps = [
        _Instruction(_LOAD, 0, 0, 4),
        _Instruction(_EQUAL, 1, 0, architecture),
        _Instruction(_RETURN, 0, 0, _KILL),
        _Instruction(_LOAD, 0, 0, 0),
        _Instruction(_AT_LEAST, count + 1, 0, _X32),
    ]
    steps += [_Instruction(_EQUAL, count - place, 0, number) for place, number in enumerate(refused)]
    return [*steps, _Instruction(_RETURN, 0, 0, _ALLOW), _Instruction(_RETURN, 0, 0, _EPERM)]


def _tell() -> None:
    means = refuse_network()
    if means == SYSTEM_CALLS:
        try:
            socket.socket().close()
            means = NONE
        except PermissionError:
            pass
    os.write(1, means.encode())


if __name__ == "__main__":
    _tell()
