"""What matching costs: `python -m tests.benchmarks.matching [--queries N …] [--lucene [tuned]]`.

Documents per CPU second of one thread, the cutting into words included: ours in plain Python and,
where Numba is installed, in machine code; and Lucene Monitor's on the same articles and queries in
the same run, as shipped and tuned (two passes, weights of 1/df, no query cache, FILTER clauses).
All must find the same; that is looked at first.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path

from monitor.text.words import words
from monitor.topics.matcher import Finder, Matcher, fastest, frequencies_of
from monitor.topics.patterns import Patterns
from monitor.topics.plain import PlainFinder
from monitor.topics.tree import Node
from tests.benchmarks.matching.workload import Workload, make
from tests.support.maven import jars_of

VERSION = "9.11.1"
SOURCE = Path(__file__).with_name("LuceneMonitor.java")
ARTICLES = 1_000
WINDOWS, LEAST = 5, 50
"""As in LuceneMonitor.java."""
MODES = ("shipped", "tuned")
SEVERAL = (1_000, 10_000, 100_000, 1_000_000)


FINDERS: dict[str, Callable[[Patterns], Finder]] = {"plain": PlainFinder, "fast": fastest}


def finders() -> list[str]:
    """Return what can be measured here."""
    return list(FINDERS) if find_spec("numba") else ["plain"]


def filled(
    finder: str, queries: tuple[Node, ...], workload: Workload, memory: bool = False
) -> Matcher:
    """Return a matcher of the queries, and print what it takes."""
    matcher = Matcher(frequencies_of(workload.articles), FINDERS[finder])
    if memory:
        tracemalloc.start()
    started = time.process_time()
    for number, query in enumerate(queries):
        matcher.put(str(number), query)
    took = time.process_time() - started
    if memory:
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        print(f"  {finder}: {size / len(queries):.0f} bytes a query without its tree", flush=True)
        return matcher
    one = time.perf_counter()
    matcher.put("one more", queries[0])
    one = time.perf_counter() - one
    print(f"  {finder}: filled in {took:.1f} s; one more takes {one * 1e3:.2f} ms")
    matcher.drop("one more")
    return matcher


def measured(matcher: Matcher, workload: Workload, seconds: float) -> float:
    """Return how many articles, one by one, are matched in a CPU second: in the best of some
    windows, as other programs on the machine take its caches."""
    matcher.match(workload.articles)  # words are new once
    each, best = cycle([(article,) for article in workload.articles]), 0.0
    for _ in range(WINDOWS):
        started, done = time.thread_time(), 0
        while (spent := time.thread_time() - started) < seconds / WINDOWS or done < LEAST:
            matcher.match(next(each))
            done += 1
        best = max(best, done / spent)
    return best


def lucene(workload: Workload, count: int, mode: str, options: argparse.Namespace) -> float:
    """Return Lucene Monitor's figure, after comparing what it found with `expected`."""
    jars = jars_of([("org.apache.lucene", "lucene-monitor", VERSION)])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "queries").write_text("\n".join(workload.lines[:count]) + "\n")
        (folder / "documents").write_text(
            "".join(
                f"{' '.join(words(item.title))}\t{' '.join(words(item.body))}\n"
                for item in workload.articles
            )
        )
        paths = [str(folder / name) for name in ("queries", "documents")]
        seconds = [str(options.warm), str(options.seconds)]
        command = ["java", "-Xmx10g", "-XX:+UseSerialGC", "-cp", f"{jars}/*", str(SOURCE)]
        done = subprocess.run(
            [*command, *paths, mode, *seconds, str(folder / "matches")],
            check=True,
            capture_output=True,
            text=True,
        )
        options.found = (folder / "matches").read_text()
        return float(done.stdout)


def compared(matcher: Matcher, workload: Workload, found: str) -> int:
    """Return in how many matches both agree; fails where they do not."""
    total = 0
    for line in found.splitlines():
        number, *theirs = line.split()
        (ours,) = matcher.match([workload.articles[int(number)]])
        assert set(ours) == set(theirs), (number, set(ours) ^ set(theirs))
        total += len(ours)
    return total


def main() -> None:
    """Measure each number of queries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, nargs="+", default=list(SEVERAL))
    parser.add_argument("--lucene", nargs="*", choices=MODES, help="needs Java and Maven")
    parser.add_argument("--memory", action="store_true", help="what a query takes; slow")
    parser.add_argument("--warm", type=float, default=15.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    workload = make(ARTICLES, max(options.queries))
    print(
        f"{ARTICLES} articles of 400 words, Python {sys.version.split()[0]}, {os.cpu_count()} cores"
    )
    for count in options.queries:
        print(f"{count} queries", flush=True)
        compare(count, workload, options)


def compare(count: int, workload: Workload, options: argparse.Namespace) -> None:
    """Measure everything that is to be measured with so many queries."""
    queries, ours = workload.queries[:count], dict[str, float]()
    some, found = workload.articles[:200], list[list[tuple[str, ...]]]()
    for finder in finders():
        if options.memory:
            filled(finder, queries, workload, memory=True)
        matcher = filled(finder, queries, workload)
        ours[finder] = measured(matcher, workload, options.seconds)
        found.append(matcher.match(some))
        assert found[0] == found[-1]
        each = sum(map(len, found[0])) / len(some)
        print(
            f"  {finder}: {ours[finder]:,.0f} articles a CPU second, {each:.1f} matches an article",
            flush=True,
        )
    for mode in () if options.lucene is None else options.lucene or MODES:
        theirs = lucene(workload, count, mode, options)
        same = compared(matcher, workload, options.found)
        ratios = ", ".join(f"{figure / theirs:.1f} ({finder})" for finder, figure in ours.items())
        print(
            f"  Lucene Monitor, {mode}: {theirs:,.1f}; ours is {ratios} times that;"
            f" the same {same} matches",
            flush=True,
        )


if __name__ == "__main__":
    main()
