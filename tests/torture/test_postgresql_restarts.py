"""PostgreSQL goes away under load, in every way: is a row lost or counted twice, and how long is nothing taken?"""

import random
import signal
import time
from collections.abc import Callable

from e2e.processes import wait_until
from postgres_cluster import PostgresCluster
from torture.otlp_stream import Kind, Stream
from torture.rig import Rig
from torture.traffic import normal, sending

KINDS: tuple[Kind, ...] = ("spans", "cumulative", "delta")


def restart(how: int) -> Callable[[PostgresCluster], None]:
    """Ends the server, and starts it after a while that is long enough to be noticed."""

    def fault(cluster: PostgresCluster) -> None:
        cluster.end(how)
        time.sleep(0.5)
        cluster.start()

    return fault


FAULTS = {
    "connections cut": PostgresCluster.cut_connections,
    "crash": restart(signal.SIGQUIT),
    "shutdown": restart(signal.SIGINT),
}


def test_postgresql_restarts(rig: Rig, cluster: PostgresCluster) -> None:
    """Each row counts once, half of the requests being sent twice; health follows; a kill in the end costs nothing."""
    backend, url = rig.backend(), cluster.new_database()
    settings = {"store": url, "window": {"size": "10s", "step": "2s", "lateness": "60s"}}
    processor = rig.processor(export=backend.port, settings=settings)
    processor.start()
    client, chance = rig.client(processor.port), random.Random(1)
    away: dict[str, list[float]] = {name: [] for name in FAULTS}
    streams = [Stream(kind, kind, number=number) for number, kind in enumerate(KINDS)]
    with sending(streams, processor.port, values=normal(10.0), pause=0.1, again=0.5) as traffic:
        for name, fault in rig.choose(short=[("crash", FAULTS["crash"])], full=list(FAULTS.items()) * 10):
            time.sleep(chance.uniform(0.0, rig.choose(short=0.5, full=3.0)))
            begun = time.monotonic()
            fault(cluster)
            wait_until(lambda: client.serving, f"it serves after: {name}")
            before = sum(traffic.rows.values())
            wait_until(lambda before=before: sum(traffic.rows.values()) > before + 500, "requests are taken again")
            away[name].append(time.monotonic() - begun)
        if rig.full:
            begun = time.monotonic()
            with cluster.stopped():
                wait_until(lambda: not client.serving, "health tells that the server hangs", 60)
                rig.figures["s until health tells that the server hangs"] = round(time.monotonic() - begun, 1)
            wait_until(lambda: client.serving, "it serves after: hangs")
            before = sum(traffic.rows.values())
            wait_until(lambda: sum(traffic.rows.values()) > before + 500, "requests are taken again")
            rig.figures["s until requests are taken again"] = round(time.monotonic() - begun, 1)
    counted = backend.counted(traffic.rows)
    processor.kill()
    backend.rows.clear()
    processor.start()
    kept = backend.counted(traffic.rows)

    rig.figures |= {
        "faults": {name: len(seconds) for name, seconds in away.items()},
        "longest until requests are taken again": {name: f"{max(each):.1f} s" for name, each in away.items() if each},
        "rows sent": sum(traffic.rows.values()),
        "counted too few or too many": {model: int(counted.get(model, 0) - n) for model, n in traffic.rows.items()},
        "after a kill": {model: int(kept.get(model, 0) - n) for model, n in traffic.rows.items()},
        "requests refused for good": len(traffic.refused),
    }
    assert counted == kept == traffic.rows
    assert not traffic.refused
    assert "Traceback" not in processor.log
    assert "Store recovered" in processor.log
