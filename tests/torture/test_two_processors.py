"""Two processors are given one store: they are kept apart, and when one takes over, nothing is lost."""

import time
from collections.abc import Mapping

import pytest

from e2e.processes import wait_until
from postgres_cluster import PostgresCluster
from torture.backend import Backend
from torture.otlp_stream import Stream
from torture.processors import Processor
from torture.rig import Rig
from torture.traffic import normal, sending


def processor(rig: Rig, backend: Backend, store: str) -> Processor:
    settings: Mapping[str, object] = {"store": store, "window": {"size": "10s", "step": "2s", "lateness": "60s"}}
    return rig.processor(export=backend.port, settings=settings)


def wait_for_end(process: Processor) -> tuple[int, str]:
    """Its exit status, and its last line."""
    wait_until(lambda: not process.alive, "it ends")
    return process.stop(), process.log.strip().splitlines()[-1]


@pytest.mark.full
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_second_processor(kind: str, rig: Rig, request: pytest.FixtureRequest) -> None:
    """It ends with a line that names the store; the first does not notice. When that is gone, it gets in."""
    url = f"sqlite:///{rig.folder}/shared.db"
    if kind == "postgresql":
        url = request.getfixturevalue("cluster").new_database()
    backend = rig.backend()
    first, second = processor(rig, backend, url), processor(rig, backend, url)
    first.start()
    with sending([Stream("m", "spans")], first.port, values=normal(10.0), pause=0.1) as traffic:
        second.launch()
        status, line = wait_for_end(second)
    counted = backend.counted(traffic.rows)
    first.kill()
    backend.rows.clear()
    second.start()
    kept = backend.counted(traffic.rows)

    rig.figures |= {
        "the second ends": f"{status}: {line.replace(str(rig.folder), '…')}",
        "rows sent": sum(traffic.rows.values()),
        "counted by the first": dict(counted),
        "by the second, after it": dict(kept),
    }
    assert status == 1
    assert line == f"store {url}: in use by another process"
    assert counted == kept == traffic.rows
    assert not traffic.refused


def test_takeover(rig: Rig, cluster: PostgresCluster) -> None:
    """A standby gets in when the owner's connection is cut: the owner ends, and no row that either took is lost."""
    backend, url = rig.backend(), cluster.new_database()
    owner, standby = processor(rig, backend, url), processor(rig, backend, url)
    owner.start()
    stream, values, ends, seconds = Stream("m", "spans"), normal(10.0), set(), []
    rounds = rig.choose(short=1, full=5)
    for _ in range(rounds):
        message = stream.next(values())
        assert rig.client(owner.port).deliver(message).taken
        standby.launch()
        wait_until(lambda: cluster.locks(granted=False), "the standby waits for the lock")
        begun = time.monotonic()
        cluster.cut_owners()
        assert rig.client(standby.port).deliver(message).taken  # its sender did not hear that it was taken
        seconds.append(time.monotonic() - begun)
        ends.add(wait_for_end(owner))
        owner, standby = standby, owner
    counted = backend.counted({"m": stream.rows})

    rig.figures |= {
        "takeovers": rounds,
        "longest": f"{max(seconds):.1f} s",
        "the owner ended": ", ".join(f"{status}: {line}" for status, line in ends),
        "rows sent": stream.rows,
        "counted": dict(counted),
    }
    assert counted == {"m": stream.rows}
    assert ends == {(1, f"store {url}: another processor took over while the connection was lost")}
