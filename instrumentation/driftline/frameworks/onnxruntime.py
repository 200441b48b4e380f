"""ONNX Runtime: sessions of models that scikit-learn, PyTorch and others were exported to.

Not read: inputs that are bound (`run_with_iobinding`), for ONNX Runtime does not give them back, and values on a
device, which would be waited for. Their calls and rows are counted all the same.
"""

import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from contextvars import copy_context
from functools import partial
from typing import Any, Final, NamedTuple

from driftline.features.input_kinds import TABULAR, TOKENS, is_auxiliary
from driftline.features.models import Description, ModelFactsCache, description_of
from driftline.frameworks.call_wrappers import Switch
from driftline.frameworks.class_instrumentor import ClassInstrumentor
from driftline.recording.recorder import Adapter, Recorder
from driftline.records import CLASSIFICATION, REGRESSION, InputFacts, ModelFacts, NamedColumn
from driftline.runtime.import_hooks import Patches

SYSTEM: Final = "onnxruntime"

RUN_LATER: Final = "run_async"
"""The method that returns before the outputs are there."""

_MODULE: Final = "onnxruntime.capi.onnxruntime_inference_collection"
_ROOT: Final = "Session"

_LABELS: Final = frozenset({"label", "output_label"})
_PROBABILITIES: Final = frozenset({"probabilities", "output_probability", "probability"})
_NUMBERS: Final = frozenset({"variable", "variable1"})
"""Names of outputs that the converters of scikit-learn, XGBoost, LightGBM and CatBoost give."""

_CACHES: Final = ("past_key_values", "present")
"""How the names of what decoders hand from run to run begin: not read."""

_IDS: Final = "input_ids"
"""The one input of a model of texts that is no guide to another."""

_MAPS: Final = "seq(map("
_WRAPPED: Final = re.compile(r"ONNX\((\w+)\)")
_NOBODYS: Final = re.compile(r"(main_graph|torch[-_]jit.*|[0-9a-f]{32})?")
"""Names of graphs that a converter made up: they say nothing of the model."""

_UNSET_VERSION: Final = 2**63 - 1


class OnnxRuntimeInstrumentor(ClassInstrumentor):
    """Records the runs of sessions, those made before and those to come. Does not load ONNX Runtime."""

    roots = ((_MODULE, _ROOT),)
    calls = ("run", "run_with_ort_values", "run_with_iobinding")

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()  # there is a distribution a device (onnxruntime-gpu, …), all with the same module

    def _adapter(self, settings: Any) -> Adapter:
        return Adapter(ModelFactsCache(partial(facts_of, settings)), feeds_of, outputs_of)

    def _attach(self, recorder: Recorder, undo: ExitStack) -> None:
        super()._attach(recorder, undo)
        patches = Patches()
        undo.callback(patches.remove)
        patches.add(_MODULE, f"{_ROOT}.{RUN_LATER}", partial(recording_later, switch=self._methods.switch))


class AsynchronousError(RuntimeError):
    """What ONNX Runtime tells a callback of a run that failed."""


def recording_later(function: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
    """`run_async` with the run recorded when its callback is called, in the context of the caller."""

    @functools.wraps(function)
    def run_async(
        self: Any, output_names: Any, input_feed: Any, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        if not switch.on or ((token := switch.get()) is not None and token[0]):
            return function(self, output_names, input_feed, callback, *args, **kwargs)
        context = copy_context()
        started = context.run(switch.observer.begin, RUN_LATER, self, (output_names, input_feed), {})

        def recorded(results: Any, user_data: Any, failure: str) -> Any:
            error = AsynchronousError(failure) if failure else None
            context.run(switch.observer.end, started, results, error)
            return callback(results, user_data, failure)

        try:
            return function(self, output_names, input_feed, recorded, *args, **kwargs)
        except BaseException as error:
            context.run(switch.observer.end, started, None, error)
            raise

    return run_async


def feeds_of(operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The input of a session that has one, else the inputs by name; None where they are bound."""
    if operation == "run_with_iobinding":
        return None
    feeds = args[1] if len(args) > 1 else kwargs.get("input_feed", kwargs.get("input_dict_ort_values"))
    if not isinstance(feeds, Mapping):
        return None
    values = {name: _readable(value) for name, value in feeds.items() if not name.startswith(_CACHES)}
    return next(iter(values.values())) if len(values) == 1 else values


class _OnDevice:
    """A value that is not read: that would wait for the device. It has rows."""

    def __init__(self, shape: Sequence[int]) -> None:
        self._rows = int(shape[0]) if shape else 1

    def __len__(self) -> int:
        return self._rows


def _readable(value: Any) -> Any:
    """An array of what is in the memory of the host."""
    device = getattr(value, "device_name", None)
    if device is None:
        return value
    if device().lower() != "cpu" or not value.is_tensor():
        return _OnDevice(value.shape())
    return value.numpy()


def outputs_of(operation: str, session: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    """Outputs by name, of a session with one the output itself."""
    if operation == "run_with_iobinding":
        binding = args[0] if args else kwargs["iobinding"]
        asked, output = None, binding.get_outputs()
    else:
        asked = args[0] if args else kwargs.get("output_names")
    known = [each.name for each in session.get_outputs()]
    named = zip(asked or known, output, strict=True)
    found = {name: _table(_readable(value)) for name, value in named if not name.startswith(_CACHES)}
    return found if len(known) > 1 else next(iter(found.values()))


def _table(value: Any) -> Any:
    """The maps of ZipMap, one a row from class to probability, as an array with a column a class."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return value
    import numpy as np

    return np.array([list(row.values()) for row in value])


class _SessionFacts(NamedTuple):
    """What a session says of its model. outputs: names in their order. maps: those that ZipMap made."""

    graph: str
    producer: str
    version: int
    custom: Mapping[str, str]
    outputs: tuple[str, ...]
    maps: frozenset[str]

    @classmethod
    def of(cls, session: Any) -> "_SessionFacts":
        meta, outputs = session.get_modelmeta(), session.get_outputs()
        maps = frozenset(each.name for each in outputs if each.type.startswith(_MAPS))
        names = tuple(each.name for each in outputs)
        return cls(meta.graph_name, meta.producer_name, meta.version, meta.custom_metadata_map, names, maps)

    @property
    def probabilities(self) -> frozenset[str]:
        return self.maps | _PROBABILITIES.intersection(self.outputs)

    @property
    def model_class(self) -> str | None:
        """Class of the scikit-learn model that was exported."""
        wrapped = _WRAPPED.fullmatch(self.graph)
        return wrapped[1] if wrapped else None

    @property
    def model_name(self) -> str | None:
        named = self.custom.get("model_name") or self.model_class
        return named or (None if _NOBODYS.fullmatch(self.graph) else self.graph)

    @property
    def model_version(self) -> str | None:
        said = self.custom.get("model_version")
        return said or (str(self.version) if 0 < self.version < _UNSET_VERSION else None)

    @property
    def task(self) -> str | None:
        """Where the names of the outputs leave no doubt."""
        if self.probabilities:
            return CLASSIFICATION
        return REGRESSION if len(self.outputs) == 1 and _NUMBERS.issuperset(self.outputs) else None


def facts_of(settings: Any, session: Any) -> ModelFacts:
    """The facts of a session."""
    from driftline.features.tensors.output_reading import reading_of
    from driftline.features.tensors.task_evidence import Evidence

    said, facts = description_of(session), _SessionFacts.of(session)
    inputs = session.get_inputs()
    shape: Sequence[Any] = inputs[0].shape if len(inputs) == 1 else ()
    reading = reading_of(session, said, lambda: Evidence(facts.task))
    return ModelFacts(
        name=said.name or settings.model_name or facts.model_name or type(session).__name__,
        version=said.version or settings.model_version or facts.model_version,
        type=facts.model_class or type(session).__name__,
        system=SYSTEM,
        task=reading.task,
        features=said.feature_names,
        width=shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None,
        outputs=partial(read_outputs, facts, reading),
        inputs=InputFacts(
            kind=said.kind or _kind(said, facts, [each.name for each in inputs]),
            name=inputs[0].name if inputs else None,
            unknown=said.unknown_token,
            centroid=said.centroid,
        ),
        joined=bool(facts.probabilities),
    )


def _kind(said: Description, facts: _SessionFacts, names: Sequence[str]) -> str | None:
    """What its inputs are, where that is sure; else their shapes tell."""
    if said.feature_names or facts.model_class:
        return TABULAR
    return (
        TOKENS
        if [name for name in names if not is_auxiliary(name) and not name.startswith(_CACHES)] == [_IDS]
        else None
    )


def read_outputs(
    facts: _SessionFacts, reading: Any, operation: str, columns: Sequence[Any], head: int | str
) -> list[NamedColumn]:
    """One output of a run as named columns. head: its name, or 0 where a session has one."""
    from driftline.features import outputs
    from driftline.features.tensors.tensor_outputs import read_outputs as read_tensor

    name = head if isinstance(head, str) else facts.outputs[0]
    if not facts.probabilities:
        return read_tensor(reading, operation, columns, name)
    if name in facts.probabilities:
        # Which class a column is only the label says.
        return [column for column in outputs.probabilities(columns, ()) if not column.classes]
    if name in _LABELS:
        return outputs.results(columns, reading.task)
    return outputs.numbered(name, columns)
