"""Java programs from Maven's artifacts, fetched once."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

FETCH_SECONDS = 600

Artifact: TypeAlias = tuple[str, str, str]
"""Group, name and version."""


def cache() -> Path:
    """Return the folder of what is fetched once."""
    folder = os.environ.get("MONITOR_TEST_CACHE")
    return Path(folder) if folder else Path.home() / ".cache" / "news-monitor"


def folder_of(artifacts: Sequence[Artifact]) -> Path:
    """Return where artifacts are kept with all that they need, called after the first of them."""
    _, name, version = artifacts[0]
    return cache() / f"{name}-{version}" / "jars"


def jars_of(artifacts: Sequence[Artifact]) -> Path:
    """Return the folder of artifacts and all that they need, fetched where they are missing."""
    jars = folder_of(artifacts)
    if jars.is_dir():
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    # Renamed when it is whole, so that neither a second session nor a broken fetch sees a part.
    with tempfile.TemporaryDirectory(dir=jars.parent) as name:
        work = Path(name)
        (work / "pom.xml").write_text(_pom(artifacts))
        fetch = ("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars")
        subprocess.run(fetch, cwd=work, check=True, timeout=FETCH_SECONDS)
        try:
            (work / "jars").rename(jars)
        except OSError:
            if not jars.is_dir():
                raise
    return jars


def _pom(artifacts: Sequence[Artifact]) -> str:
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, name, version in artifacts
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>monitor.tests</groupId><artifactId>jars</artifactId><version>1</version>"
        f"<packaging>pom</packaging><dependencies>{wanted}</dependencies></project>"
    )
