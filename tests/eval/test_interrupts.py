"""Signals end a command as an exception does, and tools of ours do their work in the background."""

from __future__ import annotations

import signal
import threading

import pytest

from vrft_eval.interrupts import Terminated, interruptible, stopped_by
from vrft_eval.ticking import every


@pytest.mark.parametrize(
    ("number", "raised", "code", "name"),
    [(signal.SIGTERM, Terminated, 143, "SIGTERM"), (signal.SIGINT, KeyboardInterrupt, 130, "Ctrl-C")],
)
def test_a_signal_is_an_exception_and_an_exit_code(
    number: signal.Signals, raised: type[KeyboardInterrupt], code: int, name: str
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(raised) as interrupt, interruptible(), interruptible():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before
    stopped = stopped_by(interrupt.value, "4 answered are kept")
    assert (str(stopped), stopped.code) == (f"stopped by {name}; 4 answered are kept", code)


def test_the_second_signal_ends_the_process_at_once() -> None:
    with interruptible():
        with pytest.raises(Terminated), interruptible():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_a_library_that_takes_the_signal_is_overruled_inside() -> None:
    with interruptible():
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        with pytest.raises(Terminated), interruptible():
            signal.raise_signal(signal.SIGTERM)


def test_outside_of_the_main_thread_signals_are_left_alone() -> None:
    done: list[bool] = []

    def work() -> None:
        with interruptible():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_work_is_done_again_and_again_until_the_block_ends() -> None:
    times: list[int] = []
    thrice = threading.Event()

    def work() -> None:
        times.append(1)
        if len(times) == 3:
            thrice.set()

    with every(0.001, work) as check:
        assert thrice.wait(30)
        check()
    assert len(times) >= 3


def test_what_the_work_raises_is_raised_where_it_is_asked_for() -> None:
    failed = threading.Event()

    def work() -> None:
        failed.set()
        raise OSError("no space")

    def block() -> None:
        with every(0.001, work) as check:
            assert failed.wait(30)
            while True:
                check()

    with pytest.raises(OSError, match="no space"):
        block()
