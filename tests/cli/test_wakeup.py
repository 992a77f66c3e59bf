"""An event for signal handlers: it wakes, it stays awake, and no handler waits for another."""

import signal
import threading

from idp.cli.wakeup import Wakeup


def test_it_is_an_event() -> None:
    event = Wakeup()
    assert not event.wait(0)
    event.set()
    event.set()
    assert event.wait()
    assert event.wait(0)
    event.clear()
    assert not event.wait(0)
    event.clear()
    threading.Timer(0.05, event.set).start()
    assert event.wait(10)


def test_it_takes_any_number_of_wishes() -> None:
    event = Wakeup()
    for _ in range(200_000):
        event.set()
    event.clear()
    assert not event.wait(0)


def test_handlers_may_interrupt_each_other() -> None:
    """threading.Event hangs here within a few rounds: each handler is interrupted by the next."""
    event, begun = Wakeup(), 0

    def handler(*_: object) -> None:
        nonlocal begun
        begun += 1
        if begun % 10:
            signal.raise_signal(signal.SIGUSR1)
        event.set()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        for _ in range(200):
            signal.raise_signal(signal.SIGUSR1)
            assert event.wait(10)
            event.clear()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert begun == 2_000
