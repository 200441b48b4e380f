"""Clocks that are wrong: is a row lost, and who is blamed?"""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from torture.otlp_stream import Stream
from torture.rig import Rig
from torture.traffic import normal

_SETTINGS = {"window": {"size": "3s", "step": "1s", "lateness": "2s"}}
_SOURCE = Path(__file__).parent / "stepping_clock.c"
_HOUR = 3600
_STRANGE = {
    "an hour ahead": _HOUR,
    "74 years ahead": 74 * 365 * 24 * _HOUR,
    "3 s ahead": 3,
    "10 minutes behind": -600,
    "1970": None,
}
_STEPS = {"an hour back": -_HOUR, "an hour forward": _HOUR, "3 s back": -3, "a day back": -24 * _HOUR}


def test_own_clock(rig: Rig) -> None:
    """The processor's own clock is set while rows come, and it restarts with it: none is late, and nobody is blamed."""
    backend, library = rig.backend(), _library(rig.folder)
    lost, said, judged = {}, set(), {}
    for what, step in list(_STEPS.items())[: rig.choose(short=1, full=len(_STEPS))]:
        steps = rig.folder / f"step-{step}"
        steps.write_text("0")
        env = {"LD_PRELOAD": str(library), "STEP_FILE": str(steps)}
        processor = rig.processor(export=backend.port, settings=_SETTINGS, env=env)
        processor.start()
        client, stream, values = rig.client(processor.port), Stream(what, "spans"), normal(10.0, rows=2)
        for number in range(rig.choose(short=45, full=120)):
            if number == 15:
                steps.write_text(str(step))
            if number == 30:
                processor.kill()
                processor.start()
            answer = client.deliver(stream.next(values()))
            said |= {answer.message} if answer.rejected else set()
            time.sleep(0.1)
        sent = {**backend.rows, what: stream.rows}
        lost[what] = stream.rows - backend.counted(sent, 15.0).get(what, 0)
        judged[what] = len({r.end for r in backend.results if r.attributes.get("ml.model.name") == what})
        processor.stop()

    rig.figures |= {"rows lost": lost, "windows judged": judged}
    assert not any(lost.values()), said
    assert not said
    assert min(judged.values()) >= rig.choose(short=1, full=5)


def test_senders_clocks(rig: Rig) -> None:
    """One row of twelve has a strange time, the first or a later one: only what is older than `retention` is late."""
    backend = rig.backend()
    processor = rig.processor(export=backend.port, settings=_SETTINGS)
    processor.start()
    client, values, sent, late = rig.client(processor.port), normal(10.0, rows=1), {}, {}
    offsets = {
        "an hour ahead": _HOUR,
        "74 years ahead": 74 * 365 * 24 * _HOUR,
        "3 s ahead": 3,
        "10 minutes behind": -600,
    }
    for what, offset in {**offsets, "1970": None}.items():
        for strange in (0, 6):
            model = f"{what}, {strange}"
            stream = Stream(model, "spans", number=len(sent))
            for number in range(12):
                now = time.time_ns()
                other = 1000 if offset is None else now + offset * 10**9
                answer = client.deliver(stream.next(values(), other if number == strange else now))
                late[model] = late.get(model, 0) + answer.rejected
            sent[model] = stream.rows - late[model]
    counted = backend.counted(sent)

    rig.figures |= {"rows late": {model: rows for model, rows in late.items() if rows}}
    assert counted == sent
    assert {model: rows for model, rows in late.items() if rows} == {"1970, 6": 1}


def _library(folder: Path) -> Path:
    compiler = shutil.which("cc") or pytest.skip("needs a C compiler")
    library = folder / "stepping_clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True)
    return library
