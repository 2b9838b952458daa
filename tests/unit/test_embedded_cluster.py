"""The embedded PostgreSQL at its edges: who runs it, who gets in, and what a kill leaves."""

from __future__ import annotations

import codecs
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.pgfixtures import TEST_SETTINGS, TestServer, pg_binaries
from warroom.embedded.binaries import Binaries, find_binaries, reachable_binaries
from warroom.embedded.boot import refuse_second, supervisor_of
from warroom.embedded.cluster import Cluster
from warroom.embedded.identity import find_identity
from warroom.embedded.paths import DataPaths, check_socket_length, private_socket_dir
from warroom.embedded.processes import ProcessRef, is_alive, process_ref, send_signal, wait_until
from warroom.errors import AlreadyRunning, ClusterError, WrongMajorVersion


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that the server's user can enter."""
    with tempfile.TemporaryDirectory(prefix="wrc-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster of one's own, not yet made; stopped at the end."""
    identity = find_identity()
    sockets = folder / "s"
    sockets.mkdir(mode=0o700)
    identity.own(sockets)
    found = Cluster(
        folder / "pg",
        sockets,
        reachable_binaries(pg_binaries(18), identity),
        identity,
        TEST_SETTINGS,
    )
    yield found
    found.stop("immediate")


def rows(cluster: Cluster, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(cluster.conninfo(dbname="postgres"), autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_killed_server_starts_again_with_its_data(cluster: Cluster) -> None:
    cluster.init()
    cluster.start()
    with psycopg.connect(cluster.conninfo(dbname="postgres"), autocommit=True) as connection:
        connection.execute("set synchronous_commit to on")  # the tests' default may lose it
        connection.execute("create table kept as select 42 as answer")
    process = cluster.status().process
    assert process is not None
    assert send_signal(process, signal.SIGKILL)
    cluster.start()
    assert rows(cluster, "select answer from kept") == [(42,)]
    assert cluster.stop() is True
    assert cluster.stop() is False
    assert cluster.status().state == "stopped"


def test_a_pid_file_that_names_another_process_is_not_believed(cluster: Cluster) -> None:
    cluster.init()
    # The number of a living process that is no server: PostgreSQL itself would refuse to start.
    sleeper = subprocess.Popen(["sleep", "600"], **cluster.identity.switch())
    try:
        (cluster.data_dir / "postmaster.pid").write_text(f"{sleeper.pid}\n", encoding="ascii")
        assert cluster.status().state == "stopped"
        assert cluster.stop() is False
        cluster.start()
        assert cluster.is_running()
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_two_servers_never_share_the_data(cluster: Cluster) -> None:
    cluster.init()
    cluster.start()
    again = Cluster(
        cluster.data_dir,
        cluster.socket_dir,
        cluster.binaries,
        cluster.identity,
        log_file=cluster.log_file,
    )
    with pytest.raises(AlreadyRunning, match="already runs"):
        again.launch()
    assert cluster.is_running()


def test_data_of_another_version_and_foreign_files_stay_untouched(cluster: Cluster) -> None:
    cluster.data_dir.mkdir()
    (cluster.data_dir / "diary.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ClusterError, match="nothing was changed"):
        cluster.init()
    (cluster.data_dir / "PG_VERSION").write_text("15\n", encoding="ascii")
    with pytest.raises(WrongMajorVersion, match=r"PostgreSQL 15.*pg_dump"):
        cluster.start()
    assert sorted(path.name for path in cluster.data_dir.iterdir()) == ["PG_VERSION", "diary.txt"]


def test_a_broken_configuration_is_told_with_the_log(cluster: Cluster) -> None:
    cluster.init()
    (cluster.data_dir / "local.conf").write_text("no_such_setting = 1\n", encoding="ascii")
    (cluster.data_dir / "local.conf").chmod(0o644)
    with pytest.raises(ClusterError, match="no_such_setting"):
        cluster.start()
    assert cluster.status().state == "stopped"


@pytest.mark.parametrize("version", [15, 18])
def test_nobody_is_trusted_and_nothing_listens_on_tcp(
    request: pytest.FixtureRequest, version: int
) -> None:
    server: TestServer = request.getfixturevalue(f"server{version}")
    methods = rows(server.cluster, "select type, auth_method from pg_hba_file_rules order by 2")
    # One of the passwords is that of standbys, for replication only.
    assert methods == [("local", "peer"), ("local", "scram-sha-256"), ("local", "scram-sha-256")]
    assert rows(server.cluster, "show listen_addresses") == [("",)]
    with pytest.raises(psycopg.OperationalError, match=r"password|fe_sendauth"):
        psycopg.connect(server.conninfo(role="postgres"))


def test_peer_authentication_refuses_every_other_user(cluster: Cluster) -> None:
    if os.geteuid() != 0:
        return  # nobody but root can pretend to be another user
    cluster.init()
    cluster.start()
    cluster.socket_dir.chmod(0o755)  # even if the folder were open, the lock must hold
    script = (
        "import os, sys, psycopg\n"
        "os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))\n"
        "try:\n    psycopg.connect(sys.argv[3]); print('in')\n"
        "except psycopg.OperationalError as error:\n    print(error)\n"
    )
    for uid, gid in ((cluster.identity.uid, cluster.identity.gid), (65534, 65534)):
        done = subprocess.run(
            [sys.executable, "-c", script, str(uid), str(gid), cluster.conninfo(dbname="postgres")],
            check=True,
            capture_output=True,
            text=True,
        )
        assert "Peer authentication failed" in done.stdout


def test_binaries_in_a_closed_folder_are_copied_once(folder: Path) -> None:
    identity = find_identity()
    wheel = find_binaries()
    if not identity.switched:
        assert reachable_binaries(wheel, identity, folder / "copy") == wheel
        return  # an ordinary user runs its own files; only root hands over to somebody else
    package = wheel.folder.parent.parent
    closed = folder / "closed"
    closed.mkdir(mode=0o700)  # as /root is
    for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
        shutil.copytree(package.parent / part, closed / part, symlinks=True)
    original = Binaries(closed / package.name / "pginstall18" / "bin", wheel.version, True)
    assert not identity.can_run(original.program("postgres"))

    copy = reachable_binaries(original, identity, folder / "copy")
    assert copy.folder.is_relative_to(folder / "copy")
    assert copy.folder.stat().st_uid == 0
    assert reachable_binaries(original, identity, folder / "copy") == copy
    assert len(list((folder / "copy").iterdir())) == 1
    size = sum(path.stat().st_size for path in (folder / "copy").rglob("*") if path.is_file())
    assert size < 30_000_000
    assert closed.stat().st_mode & 0o777 == 0o700

    sockets = folder / "s"
    sockets.mkdir(mode=0o700)
    identity.own(sockets)
    cluster = Cluster(folder / "pg", sockets, copy, identity, TEST_SETTINGS)
    cluster.init()
    cluster.start()
    try:
        assert rows(cluster, "select 1") == [(1,)]
    finally:
        cluster.stop()
    with pytest.raises(ClusterError, match="WARROOM_PG_BIN"):
        reachable_binaries(Binaries(original.folder, original.version), identity, folder / "copy")


def test_a_socket_path_that_the_kernel_would_cut_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_socket_length(Path("/" + "x" * 92))
    with pytest.raises(ClusterError, match="at most 107"):
        check_socket_length(Path("/" + "x" * 93))
    deep = folder / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    found = private_socket_dir(folder, find_identity())
    try:
        check_socket_length(found)
        assert found.stat().st_mode & 0o777 == 0o700
        assert private_socket_dir(folder, find_identity()) == found
    finally:
        shutil.rmtree(found)


def test_a_planted_link_is_not_followed_for_the_socket(folder: Path) -> None:
    identity = find_identity()
    expected = private_socket_dir(folder, identity)
    expected.rmdir()
    expected.symlink_to(folder)
    try:
        other = private_socket_dir(folder, identity)
        assert other != expected
        assert not other.is_symlink()
        other.rmdir()
    finally:
        expected.unlink()


def test_a_process_is_known_by_its_start_not_by_its_number() -> None:
    child = subprocess.Popen(["sleep", "600"])
    try:
        found = process_ref(child.pid)
        assert is_alive(found)
        assert send_signal(ProcessRef(child.pid, "1"), signal.SIGKILL) is False
        assert child.poll() is None
    finally:
        child.kill()
    assert wait_until(lambda: not is_alive(found), 10.0)
    child.wait()


def test_a_second_start_while_the_first_still_boots_is_refused(folder: Path) -> None:
    import fcntl

    with (folder / "supervisor.lock").open("ab") as lock:
        refuse_second(folder)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AlreadyRunning, match="being started"):
            refuse_second(folder)
        me = process_ref(os.getpid())
        assert me is not None
        lock.write(f"{me.pid} {me.started}".encode())
        lock.flush()
        assert supervisor_of(folder) == me
    refuse_second(folder)
    assert supervisor_of(folder) is None


def test_a_log_that_has_grown_is_put_aside(folder: Path) -> None:
    paths = DataPaths(folder)
    paths.prepare()
    paths.log("api").write_text("x" * 11, encoding="ascii")
    paths.log("engine").write_text("x" * 10, encoding="ascii")
    paths.turn_logs(("api", "engine", "postgres"), limit=10)
    assert sorted(path.name for path in paths.logs.iterdir()) == ["api.log.1", "engine.log"]


def _as_an_ordinary_user(folder: Path, binaries: Binaries) -> str:
    """Become nobody for good, run a cluster of one's own, and say how it went."""
    entry = pwd.getpwnam("nobody")
    # Our own library may lie where nobody can read: what is loaded late is loaded before.
    for codec in ("ascii", "utf-8", "idna", "latin-1"):
        codecs.lookup(codec)
    psycopg.conninfo.make_conninfo(host="x")
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    identity = find_identity()
    sockets = folder / "s"
    sockets.mkdir(mode=0o700)
    made = Cluster(folder / "pg", sockets, binaries, identity, TEST_SETTINGS)
    made.init()
    made.start()
    try:
        with psycopg.connect(made.conninfo(dbname="postgres"), autocommit=True) as connection:
            who = connection.execute("select current_user").fetchone()
    finally:
        made.stop("fast")
    owners = {path.stat().st_uid for path in (folder / "pg").rglob("*")}
    return f"{identity.name} {identity.switched} {who} {owners == {entry.pw_uid}}"


def test_an_ordinary_user_runs_it_as_themselves(folder: Path) -> None:
    """Without exec: our own Python may lie where other users cannot reach it."""
    binaries = reachable_binaries(pg_binaries(18), find_identity())
    if os.geteuid() != 0:
        pytest.fail("this test becomes another user, which only root can: run the suite as root")
    folder.chmod(0o777)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = _as_an_ordinary_user(folder, binaries)
        except BaseException as error:  # noqa: BLE001 # told to the parent, which asserts
            said = repr(error)
        os.write(writer, said.encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    assert said == "nobody False ('warroom_super',) True"
