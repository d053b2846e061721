"""A map over tasks, by this process or by a pool of workers that ends with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

from .allocation import keep_memory

Over = Callable[[], bool]  # whether no further task may begin


class WorkerDied(Exception):  # noqa: N818
    """A worker process ended without an answer; what was done is stored."""


def never() -> bool:
    """Return that there is always time."""
    return False


@contextmanager
def executor(workers: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Return a map of a function over tuples of arguments, whose results come as they are done.

    The tuples are taken one by one; a None among them says that none can begin before another call has ended and its
    result was taken. A third argument: once that says that the time is over, no further call begins; what runs is
    finished.

    Args:
        workers: 1 for this process, more for a pool; a pool is never ahead by more than its workers can hold.

    Raises:
        WorkerDied: if a worker process was killed.
    """
    if workers == 1:
        yield _mapped_here
        return
    with _pool(workers) as pool:

        def mapped(
            function: Callable[..., Any], arguments: Iterable[tuple[Any, ...] | None], over: Over = never
        ) -> Iterator[Any]:
            left, running = iter(arguments), set[Future[Any]]()

            def refill() -> BrokenProcessPool | None:
                try:
                    with _without_interrupts():  # submit starts workers, which inherit that they are not interrupted
                        while len(running) < workers and not over() and (one := next(left, None)) is not None:
                            running.add(pool.submit(function, *one))
                except BrokenProcessPool as error:
                    return error
                return None

            broken = refill()
            while running and broken is None:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                running.difference_update(done)
                broken = refill()  # before results are stored, so that no worker waits for the disk
                for future in done:
                    yield future.result()
                broken = broken or refill()  # with what waited for these results
            if broken is not None:
                raise broken

        try:
            yield mapped
        except BrokenProcessPool as error:
            raise WorkerDied("a worker process was killed (out of memory?); what was done is stored") from error


def _mapped_here(
    function: Callable[..., Any], arguments: Iterable[tuple[Any, ...] | None], over: Over = never
) -> Iterator[Any]:
    for one in arguments:
        if over():
            return
        assert one is not None, "in one process nothing runs that could be waited for"
        yield function(*one)


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Return a pool of fresh processes that end with this one; on an error they are ended, not waited for."""
    resource_tracker.ensure_running()  # else the first worker's start would, and let interrupts through
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_become_worker)
    try:
        yield pool
    except BaseException:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        raise
    pool.shutdown()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back until the end of the block; processes started within never get it: it is the parent's."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _become_worker() -> None:
    """Keep memory, leave Ctrl-C to the parent, and end when the parent does, even if it was killed."""
    keep_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
