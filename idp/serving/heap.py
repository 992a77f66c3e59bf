"""How the process uses memory: one arena of malloc for all threads, and when garbage is collected.

Most objects are freed at once, when nothing refers to them; the collector is for cycles alone.
"""

import ctypes
import gc

_COLLECT_AFTER = (5_000, 20, 100)
"""Objects, and younger collections, after which each generation is collected."""
_M_ARENA_MAX = -8
"""mallopt(3), of glibc."""


def use_one_arena() -> None:
    """Let all threads share one arena. Call it before any thread starts.

    Python allocates under its own lock, so arenas of their own would only hold more memory for the
    threads. Other C libraries than glibc have nothing to set.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def keep_what_is_built(*, anew: bool = False) -> None:
    """Leave what building the application made out of later collections.

    A collection that walked through all modules and classes would hold up every request. ``anew``:
    the application was renewed, so what was kept before is collected where nothing uses it. The
    first time there is next to nothing to collect, and a look at it all would delay the start.
    """
    if anew:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
