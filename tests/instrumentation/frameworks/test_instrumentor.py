"""Switching instrumentation on and off."""

import asyncio
import types
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

import driftline
from driftline.frameworks.method_wrappers import MethodWrappers
from driftline.frameworks.sklearn import SklearnInstrumentor
from driftline.recording import recorder as recorder_module
from driftline.recording.shared_recorder import SHARED_RECORDER
from driftline.runtime.import_hooks import Patches, cancel_when_imported, when_imported
from driftline.runtime.self_faults import FAULTS, SelfFaults
from driftline.runtime.servers import flush_on_shutdown
from telemetry import Telemetry


def broken(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("injected")


def test_the_public_names_are_there() -> None:
    """Each name of `__all__` can be fetched; others are attribute errors."""
    for name in driftline.__all__:
        assert callable(getattr(driftline, name))
    assert set(driftline.__all__) <= set(dir(driftline))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = driftline.nonsense


@pytest.mark.parametrize("options", [{"capture": "some"}, {"colour": "red"}])
def test_a_wrong_option_is_an_error_and_nothing_is_switched_on(options: dict[str, str]) -> None:
    """Users who call it are told."""
    with pytest.raises((TypeError, ValueError)):
        driftline.instrument(**options)

    assert not SklearnInstrumentor().is_instrumented_by_opentelemetry
    assert not hasattr(LogisticRegression.predict, "__wrapped__")


def test_the_loader_never_meets_an_exception(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An exception from `_instrument` would abort the loading of every instrumentor."""
    monkeypatch.setattr(recorder_module, "choose", broken)
    instrumentor = SklearnInstrumentor()
    try:
        instrumentor.instrument(skip_dep_check=True)
        assert ("instrument", "RuntimeError") in FAULTS.counts()
        assert "Internal Driftline fault" in caplog.text
    finally:
        instrumentor.uninstrument()
        FAULTS.reset()


@pytest.mark.parametrize("fault", [(SklearnInstrumentor, "_adapter"), (MethodWrappers, "add")])
def test_a_framework_that_fails_leaves_the_others_on(
    fault: tuple[Any, str],
    instrumented: Callable[..., Telemetry],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They go on with the recorder, which is closed with the last of them; the framework can be switched on again."""
    instrumented()
    recorder = SHARED_RECORDER._recorder
    SklearnInstrumentor().uninstrument()
    with monkeypatch.context() as patch:
        patch.setattr(*fault, broken)
        SklearnInstrumentor().instrument(skip_dep_check=True)
    assert FAULTS.counts() == {("instrument", "RuntimeError"): 1}
    assert "Internal Driftline fault" in caplog.text
    assert SHARED_RECORDER._recorder is recorder
    assert not hasattr(LogisticRegression.predict, "__wrapped__")

    SklearnInstrumentor().uninstrument()
    SklearnInstrumentor().instrument(skip_dep_check=True)
    assert hasattr(LogisticRegression.predict, "__wrapped__")
    driftline.uninstrument()
    assert SHARED_RECORDER._recorder is None


def test_a_framework_that_is_off_has_no_part_in_exports(instrumented: Callable[..., Telemetry]) -> None:
    """However often it was on while others stay on: what it does before an export goes with it."""
    instrumented()
    recorder = SHARED_RECORDER._recorder
    assert recorder is not None
    before = len(recorder.before_export)
    for _ in range(3):
        SklearnInstrumentor().uninstrument()
        assert len(recorder.before_export) == before - 1
        SklearnInstrumentor().instrument(skip_dep_check=True)

    assert len(recorder.before_export) == before


def test_a_framework_may_be_switched_off_during_an_export(instrumented: Callable[..., Telemetry]) -> None:
    """What the others do before it is still done."""
    instrumented()
    recorder = SHARED_RECORDER._recorder
    assert recorder is not None
    asked: list[str] = []

    def leave() -> None:
        recorder.before_export.remove(leave)

    recorder.before_export += [leave, lambda: asked.append("next")]
    recorder._on_export()

    assert asked == ["next"]


def test_what_cannot_be_taken_off_again_is_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where taking off what is on fails: the loader goes on, and nobody uses the recorder."""
    monkeypatch.setattr(MethodWrappers, "add", broken)
    monkeypatch.setattr(MethodWrappers, "remove", broken)
    FAULTS.reset()
    instrumentor = SklearnInstrumentor()
    try:
        instrumentor.instrument(skip_dep_check=True)
        assert FAULTS.counts() == {("instrument", "RuntimeError"): 1}
        assert SHARED_RECORDER._recorder is None
    finally:
        instrumentor.uninstrument()
        FAULTS.reset()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"captuer": "none"}, "unknown settings ['captuer']"), ({"capture": "some"}, "capture: must be one of")],
)
def test_a_wrong_option_from_a_loader_records_nothing(
    options: dict[str, str], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistyped option is named in the log; what it was to hide is not recorded, and the program goes on."""
    instrumentor = SklearnInstrumentor()
    try:
        instrumentor.instrument(skip_dep_check=True, **options)
        assert not hasattr(LogisticRegression.predict, "__wrapped__")
    finally:
        instrumentor.uninstrument()

    assert message in caplog.text
    assert not FAULTS.counts()


def test_options_are_those_of_the_process(instrumented: Callable[..., Telemetry]) -> None:
    """A second switch with other options is refused, by name; with the same ones it changes nothing."""
    instrumented(capture="none")
    driftline.instrument(capture="none")
    with pytest.raises(ValueError, match="capture: already set to 'none' for all frameworks in this process"):
        driftline.instrument(capture="all")


def test_an_old_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader skips the check of versions; we do not."""
    monkeypatch.setattr(SklearnInstrumentor, "instrumentation_dependencies", lambda _: ("scikit-learn >= 999",))
    instrumentor = SklearnInstrumentor()
    instrumentor.instrument(skip_dep_check=True)
    try:
        assert not hasattr(LogisticRegression.predict, "__wrapped__")
    finally:
        instrumentor.uninstrument()


def test_uninstrument_sends_what_is_left(instrumented: Callable[..., Telemetry]) -> None:
    """Nobody has to flush first."""
    telemetry = instrumented()
    LogisticRegression().fit([[0.0], [1.0]], [0, 1]).predict([[0.5]])
    driftline.uninstrument()

    assert telemetry.total("ml.inference.rows") == 1


def test_a_server_that_stops_is_flushed() -> None:
    """After the original shutdown, also when that fails."""
    calls: list[str] = []

    class Server:
        async def shutdown(self, sockets: Any = None) -> None:
            calls.append("shutdown")
            raise OSError("port")

    wrapped = flush_on_shutdown(Server.shutdown, lambda: calls.append("flush"))
    with pytest.raises(OSError, match="port"):
        asyncio.run(wrapped(Server(), sockets=None))

    assert calls == ["shutdown", "flush"]


def test_patches_are_put_on_and_taken_off() -> None:
    """What somebody else has put over ours is left in place."""
    module = types.ModuleType("patched")

    class Owner:
        def a(self) -> str:
            return "a"

        def b(self) -> str:
            return "b"

    module.Owner = Owner  # type: ignore[attr-defined]
    originals = dict(vars(Owner))
    patches = Patches()
    with pytest.MonkeyPatch.context() as context:
        context.setitem(__import__("sys").modules, "patched", module)
        patches.add("patched", "Owner.a", lambda original: lambda self: original(self) + "!")
        patches.add("patched", "Owner.b", lambda original: lambda self: original(self) + "!")
        assert Owner().a() + Owner().b() == "a!b!"
        theirs = lambda self: "theirs"  # noqa: E731  # somebody's
        Owner.b = theirs  # type: ignore[method-assign]
        patches.remove()

    assert vars(Owner)["a"] is originals["a"]
    assert vars(Owner)["b"] is theirs


def test_an_import_survives_our_error(caplog: pytest.LogCaptureFixture) -> None:
    """What we do at somebody's import cannot fail it."""
    when_imported("json", broken)
    cancel_when_imported("json", broken)

    assert "Could not instrument json" in caplog.text


def test_faults_are_logged_once_a_kind(caplog: pytest.LogCaptureFixture) -> None:
    """Counted each time, by stage and exception."""
    faults = SelfFaults()
    for stage in ("begin", "begin", "end"):
        faults.note(stage, ValueError("x"))

    assert faults.counts() == {("begin", "ValueError"): 2, ("end", "ValueError"): 1}
    assert len(caplog.records) == 2
