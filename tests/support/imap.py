"""A real IMAP server for tests: Dovecot on free ports of this machine, with a certificate of its
own. It runs without root's rights; messages come in through its Maildir."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port

HOST = "localhost"
USER = "news@desk.example"
PASSWORD = 'a "wörd" of \\ ours'
START_SECONDS = 30.0
STOP_SECONDS = 10.0


class ImapServer:
    """One server with one mailbox. It is started with `start`, or by `with`, which also ends it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.plain_port = free_port()
        self._home = Path(tempfile.mkdtemp(prefix="monitor-imap-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._prepare()

    @property
    def location(self) -> str:
        """The address of its inbox, over TLS."""
        return f"imaps://{USER.replace('@', '%40')}@{HOST}:{self.port}/INBOX"

    @property
    def plain_location(self) -> str:
        """The same without TLS."""
        return f"imap://{USER.replace('@', '%40')}@{HOST}:{self.plain_port}"

    @property
    def tls(self) -> ssl.SSLContext:
        """What trusts its certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    @property
    def certificate(self) -> Path:
        """Its certificate's file."""
        return self._home / "cert.pem"

    def start(self) -> None:
        """Start; returns when it takes connections, raises RuntimeError where it does not."""
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program(), "-F", "-c", str(self._home / "dovecot.conf")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._home,
                **_run_as(),
            )
        deadline = time.monotonic() + START_SECONDS
        ready = self._home / "run" / "master.pid"
        while not ready.exists() or not _listens(self.plain_port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                end = "".join(path.read_text()[-1000:] for path in self._home.glob("*.log"))
                raise RuntimeError(f"Dovecot did not start:\n{end}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it; the mailbox stays."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def remove(self) -> None:
        """Stop, and delete all of it."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> ImapServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def deliver(self, *messages: EmailMessage | bytes, age: float = 0.0) -> None:
        """Put messages into the inbox, as if they had come `age` seconds ago."""
        came = time.time() - age
        for message in messages:
            raw = message if isinstance(message, bytes) else message.as_bytes()
            name = f"{int(came)}.M{next(self._numbers):06d}P1.desk"
            path = self._mail / "tmp" / name
            path.write_bytes(raw)
            _give(path)
            os.utime(path, (came, came))
            path.rename(self._mail / "new" / name)

    def messages(self) -> list[Path]:
        """Return the files of the inbox; their names end with the messages' flags."""
        return [path for folder in ("new", "cur") for path in (self._mail / folder).iterdir()]

    def renumber(self) -> None:
        """Give all messages new numbers under a new UIDVALIDITY, as a mailbox that was rebuilt."""
        self.stop()
        numbers = self._mail / "dovecot-uidlist"
        head, *lines = numbers.read_text().splitlines()
        head = re.sub(r"\bV(\d+)", lambda found: f"V{int(found[1]) + 1}", head)
        for path in self._mail.glob("dovecot*"):
            path.unlink()
        numbers.write_text("\n".join([head, *lines, ""]))
        _give(numbers)
        self.start()

    @property
    def _mail(self) -> Path:
        return self._home / "mail"

    def _prepare(self) -> None:
        for folder in ("tmp", "new", "cur"):
            (self._mail / folder).mkdir(parents=True)
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
                "-keyout", str(self._home / "key.pem"), "-out", str(self._home / "cert.pem"),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        (self._home / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        (self._home / "dovecot.conf").write_text(self._settings())
        for path in (self._home, *self._home.rglob("*")):
            _give(path)

    def _settings(self) -> str:
        who = pwd.getpwuid(_run_as().get("user", os.geteuid()))
        group = _run_as().get("group", who.pw_gid)
        home = self._home
        return f"""
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/dovecot.log
default_internal_user = {who.pw_name}
default_internal_group = {grp.getgrgid(group).gr_name}
default_login_user = {who.pw_name}
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{home}/mail
mail_max_userip_connections = 100
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={who.pw_uid} gid={group} home={home}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.plain_port}
  }}
  inet_listener imaps {{
    port = {self.port}
    ssl = yes
  }}
}}
"""


def available() -> str | None:
    """Return why Dovecot cannot be started here, in one line; None where it can."""
    if not Path(_program()).exists():
        return "the IMAP server Dovecot is missing (Debian: dovecot-imapd)"
    if shutil.which("openssl") is None:
        return "openssl, which makes the IMAP server's certificate, is missing"
    if os.geteuid() == 0 and not _run_as():
        return "Dovecot does not run as root here, and there is no user nobody"
    return None


@pytest.fixture
def imap_server() -> Iterator[ImapServer]:
    """A server with an empty inbox; skips where there is no Dovecot."""
    reason = available()
    if reason is not None:
        if os.environ.get("MONITOR_TEST_REQUIRE_ALL") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with ImapServer() as server:
        yield server


def _program() -> str:
    # Debian keeps it off the PATH of users.
    return shutil.which("dovecot") or "/usr/sbin/dovecot"


def _listens(port: int) -> bool:
    table = Path("/proc/net/tcp").read_text()
    return re.search(rf":{port:04X} 00000000:0000 0A ", table) is not None


def _run_as() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _give(path: Path) -> None:
    if _run_as():
        os.chown(path, _run_as()["user"], _run_as()["group"])
