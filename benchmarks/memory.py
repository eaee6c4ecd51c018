"""Run a command and measure it: peak memory, wall and CPU time over its process tree.

    python benchmarks/memory.py habitat run sample_tiles/recipe.toml

Memory is the resident set, summed over the command and everything it starts, looked at every 0.05 s: pages that
processes share count once for each of them, so that the sum is never too small but for peaks shorter than that.
Prints one line of JSON to standard error, and exits with the command's own status.
"""

from __future__ import annotations

import json
import sys
import time

import psutil

EVERY_S = 0.05


def measure(command: list[str]) -> tuple[int, dict[str, float]]:
    """Exit status and figures of a command."""
    began = time.perf_counter()
    root = psutil.Popen(command)
    peak, cpu = 0, {}
    while True:
        total = 0
        for process in _tree(root):
            try:
                total += process.memory_info().rss
                times = process.cpu_times()
                cpu[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:  # it ended meanwhile
                continue
        peak = max(peak, total)
        if root.poll() is not None:
            break
        time.sleep(EVERY_S)
    figures = {"peak_mb": peak / 1e6, "wall_s": time.perf_counter() - began, "cpu_s": sum(cpu.values())}
    return root.returncode, {name: round(value, 1) for name, value in figures.items()}


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


if __name__ == "__main__":
    status, figures = measure(sys.argv[1:])
    print(json.dumps(figures), file=sys.stderr)
    sys.exit(status)
