"""What matching costs: `python -m tests.benchmarks.matching [--queries N …] [--lucene]`.

Documents per CPU second of one thread, the cutting into words included: ours, and Lucene Monitor's
on the same articles and queries in the same run, as shipped and tuned (two passes, weights of
1/df, no query cache, FILTER clauses). Both must find the same; that is looked at first.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from monitor.text.words import words
from monitor.topics.matcher import Matcher, frequencies_of
from monitor.topics.tree import Node
from tests.benchmarks.matching.workload import Workload, make
from tests.support.maven import jars_of

VERSION = "9.11.1"
SOURCE = Path(__file__).with_name("LuceneMonitor.java")
ARTICLES = 1_000
SEVERAL = (1_000, 10_000, 100_000, 1_000_000)


def filled(queries: tuple[Node, ...], workload: Workload) -> Matcher:
    """Return a matcher of the queries, and print what it takes."""
    memory, started = psutil.Process().memory_info().rss, time.process_time()
    matcher = Matcher(frequencies_of(workload.articles))
    for number, query in enumerate(queries):
        matcher.put(str(number), query)
    took = time.process_time() - started
    size = psutil.Process().memory_info().rss - memory
    one = time.perf_counter()
    matcher.put("one more", queries[0])
    one = time.perf_counter() - one
    print(
        f"  ours: filled in {took:.1f} s, {size / len(queries):.0f} bytes a query without its tree;"
        f" one more takes {one * 1e3:.2f} ms"
    )
    matcher.drop("one more")
    return matcher


def measured(matcher: Matcher, workload: Workload, seconds: float) -> float:
    """Return how many articles, one by one, are matched in a CPU second."""
    articles, done = workload.articles, 0
    matcher.match(articles)  # words are new once
    started = time.thread_time()
    while (spent := time.thread_time() - started) < seconds:
        matcher.match(articles[done % len(articles) :][:1])
        done += 1
    return done / spent


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
    parser.add_argument("--lucene", action="store_true", help="needs Java and Maven")
    parser.add_argument("--warm", type=float, default=15.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    workload = make(ARTICLES, max(options.queries))
    print(
        f"{ARTICLES} articles of 400 words, Python {sys.version.split()[0]}, {os.cpu_count()} cores"
    )
    for count in options.queries:
        print(f"{count} queries", flush=True)
        matcher = filled(workload.queries[:count], workload)
        ours = measured(matcher, workload, options.seconds)
        each = sum(map(len, matcher.match(workload.articles[:200]))) / 200
        print(
            f"  ours: {ours:,.0f} articles a CPU second, {each:.1f} matches an article", flush=True
        )
        if not options.lucene:
            continue
        for mode in ("shipped", "tuned"):
            theirs = lucene(workload, count, mode, options)
            same = compared(matcher, workload, options.found)
            print(
                f"  Lucene Monitor, {mode}: {theirs:,.0f}; ours is {ours / theirs:.1f} times that;"
                f" the same {same} matches",
                flush=True,
            )


if __name__ == "__main__":
    main()
