"""How often a process searches for garbage: objects that refer to each other and nothing else does."""

import gc

YOUNG_OBJECTS = 20_000
"""Allocations, less those freed, after which young objects are collected: more than a group of facts has in use."""


def collect_rarely() -> None:
    """Excludes what exists now from garbage collection, and collects after more allocations than by default.

    A batch of facts, or a task of a workflow, allocates thousands of objects, which are freed without the collector
    once it is done. With the default settings they are taken for long-lived ones in the meantime, so that after every
    few thousand of them the collector looks at all objects of the process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
