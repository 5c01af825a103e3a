"""The other front door: a koordinator's environment in (KOORDINATOR_SPEC and its neighbours), one Config out."""

from __future__ import annotations

from kubexit.domain import unknown_variables
from kubexit.domain.config import Config, ConfigError, Reader, general_settings, parse_name
from kubexit.domain.dependencies import EXITED, KUBERNETES, READY, Dependency
from kubexit.domain.exit_codes import KILLED, NOT_STARTED, TOLD, ExitRule
from kubexit.domain.koordinator_spec import Spec, parse_spec
from kubexit.domain.pod_identity import NAME_FILE, NAMESPACE_FILE, PodIdentity, from_podinfo
from kubexit.domain.unknown_variables import is_service_variable, nearest_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SPEC = "KOORDINATOR_SPEC"
SPEC_OF_README = "KOOORDINATOR_SPEC"  # as koordinator's README spells it
POD_NAME = "KOORDINATOR_POD_NAME"
POD_NAMESPACE = "KOORDINATOR_POD_NAMESPACE"
KNOWN = (SPEC_OF_README, SPEC, POD_NAME, POD_NAMESPACE)
PREFIXES = ("KOORDINATOR_", "KOOORDINATOR_")
OBEYED = (  # of kubexit's own variables
    "KUBEXIT_NAME",
    "KUBEXIT_SIGNAL_GROUP",
    "KUBEXIT_VERBOSE_LEVEL",
    "KUBEXIT_INSTANT_LOGGING",
    "KUBEXIT_LOG_FORMAT",
    "KUBEXIT_LOG_LEVEL",
    "KUBEXIT_DISABLED",
)
API_SERVER = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
LONGEST = 60  # letters of an unknown name that are shown


def parse_koordinator(environment: Mapping[str, str], faults: list[str], read: Callable[[str], str]) -> tuple[Config, list[str]]:
    """Give the Config, and warnings for the log. A ConfigError names every fault, those found earlier (`faults`) included.

    `read` gives the trimmed text of a small file, "" if there is none.
    """
    reader = Reader(environment, list(faults))
    warnings = list(_variable_warnings(environment))
    spec = _spec(environment, reader.faults, warnings)
    pod = _identity(environment, reader.faults, read)
    config = Config(
        name=reader.read("KUBEXIT_NAME", parse_name, ""),
        graveyard="",
        birth_deps=tuple(Dependency(name, READY, name, KUBERNETES) for name in spec.start_deps),
        birth_timeout=0,
        death_deps=tuple(Dependency(name, EXITED, name, KUBERNETES) for name in spec.stop_deps),
        grace_period=spec.term_timeout,
        stop_signal=spec.stop_signal,
        stop_request=spec.stop_request,
        stop_delay=spec.stop_delay,
        delayed_signals=(spec.term_signal,),
        exit_rules=_exit_rules(spec),
        readiness=KUBERNETES,
        death_source=KUBERNETES,
        pod_name=pod.name,
        pod_name_from=pod.name_from,
        namespace=pod.namespace,
        **general_settings(reader),
    )
    if config.waits_for_pod or config.watches_pod:
        _require_cluster(environment, reader.faults)
    if reader.faults:
        raise ConfigError(reader.faults, config)
    return config, warnings


def _spec(environment: Mapping[str, str], faults: list[str], warnings: list[str]) -> Spec:
    """Read the spec, in either spelling of its variable. Unset, not empty, means none."""
    variable = SPEC if SPEC in environment else SPEC_OF_README
    given = environment.get(variable, "{}")
    if environment.get(SPEC_OF_README, given) != given:
        warnings.append(f"{SPEC} and {SPEC_OF_README} are set and differ: {SPEC} counts")
    return parse_spec(variable, given, faults, warnings)


def _exit_rules(spec: Spec) -> tuple[ExitRule, ...]:
    """Give the rules; of a code, one byte counts: 300 is 44."""
    killed = ExitRule(KILLED, spec.killed_code & 255)
    if spec.terminated_code < 0:  # the child's own; where there was no child, there is nothing to complain of
        return killed, ExitRule(NOT_STARTED, 0)
    told = spec.terminated_code & 255
    return killed, ExitRule(TOLD, told), ExitRule(NOT_STARTED, told)


def _identity(environment: Mapping[str, str], faults: list[str], read: Callable[[str], str]) -> PodIdentity:
    """Find this pod. It must be known even where nothing depends on it, as koordinator has it: a mistake is seen at the first start."""
    name, namespace = environment.get(POD_NAME, "").strip(), environment.get(POD_NAMESPACE, "").strip()
    files = from_podinfo(read)
    found = PodIdentity(name or files.name, POD_NAME if name else files.name_from, namespace or files.namespace)
    for value, variable, file in ((found.name, POD_NAME, NAME_FILE), (found.namespace, POD_NAMESPACE, NAMESPACE_FILE)):
        if not value:
            item = file.rpartition("/")[2]
            faults.append(
                f"{variable} is not set and there is no {file}, so this pod is not known: set the variable by "
                f"valueFrom: {{fieldRef: {{fieldPath: metadata.{item}}}}}, or mount a downwardAPI volume at /etc/podinfo with "
                f"{{path: {item}, fieldRef: {{fieldPath: metadata.{item}}}}} among its items"
            )
    return found


def _require_cluster(environment: Mapping[str, str], faults: list[str]) -> None:
    missing = [variable for variable in API_SERVER if not environment.get(variable)]
    if missing:
        faults.append(
            f"{' and '.join(missing)} not set, so there is no API server to ask for the containers of startDeps and stopDeps; "
            "in a pod the kubelet sets this, elsewhere it has to be set by hand"
        )


def _variable_warnings(environment: Mapping[str, str]) -> Iterable[str]:
    """Warn of variables that have no effect: kubexit's own, but for a few, and those that look like koordinator's."""
    idle = [name for name in unknown_variables.KNOWN if environment.get(name) and name not in OBEYED]
    if idle:
        yield f"{', '.join(idle)} set without effect: where a koordinator spec is used, that alone says what to do"
    known = {_word(name): name for name in KNOWN}
    for name in environment:
        if name.startswith(PREFIXES) and name not in KNOWN and not is_service_variable(name):
            meant = known[nearest_word(_word(name), known)]
            yield f"{name[:LONGEST]} is no variable of koordinator and has no effect: did you mean {meant}?"


def _word(name: str) -> str:
    return name.partition("_")[2]
