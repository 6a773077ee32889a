"""Java programs from Maven's artifacts, fetched once."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

FETCH_SECONDS = 600


def jars_of(group: str, artifact: str, version: str, *more: tuple[str, str, str]) -> Path:
    """Return the folder of an artifact and all that it needs, fetched where they are missing."""
    folder = os.environ.get("MONITOR_TEST_CACHE")
    home = Path(folder) if folder else Path.home() / ".cache" / "news-monitor"
    jars = home / f"{artifact}-{version}" / "jars"
    if jars.is_dir():
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    # Renamed when it is whole, so that neither a second session nor a broken fetch sees a part.
    with tempfile.TemporaryDirectory(dir=jars.parent) as name:
        work = Path(name)
        (work / "pom.xml").write_text(_pom([(group, artifact, version), *more]))
        fetch = ("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars")
        subprocess.run(fetch, cwd=work, check=True, timeout=FETCH_SECONDS)
        try:
            (work / "jars").rename(jars)
        except OSError:
            if not jars.is_dir():
                raise
    return jars


def _pom(artifacts: list[tuple[str, str, str]]) -> str:
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, artifact, version in artifacts
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>monitor.tests</groupId><artifactId>jars</artifactId><version>1</version>"
        f"<packaging>pom</packaging><dependencies>{wanted}</dependencies></project>"
    )
