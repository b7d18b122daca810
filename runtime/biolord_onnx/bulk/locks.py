"""Locks on files and folders, which end with the process that took them, however it ends: they tell what is in use."""

from __future__ import annotations


def take_lock(descriptor: int) -> bool:
    """Lock an open file or folder for as long as it is open.

    Args:
        descriptor: Of the file; a file must be open for writing, which NFS asks for.

    Returns:
        Whether it is ours; False if another process holds it.

    Raises:
        OSError: The file system has no locks.
    """
    try:
        import fcntl
    except ImportError:  # pragma: no cover - Windows, where a file that is open can't be removed or made again
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
