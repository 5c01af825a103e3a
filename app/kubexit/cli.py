"""The composition root: options in, everything wired, one exit out. The only place that ends the process."""

from __future__ import annotations

import posix
import sys

from kubexit import __version__
from kubexit.build_info import COMMIT
from kubexit.domain import exit_codes, tombstone
from kubexit.domain.config import Config, ConfigError, is_disabled, parse_config
from kubexit.domain.dependencies import GRAVEYARD
from kubexit.domain.endings import Ending
from kubexit.domain.lifecycle import DEATH_WATCHER
from kubexit.domain.unknown_variables import unknown_variable_warnings
from kubexit.graveyard import DuplicateNameError, Graveyard, GraveyardUnusableError, NoGraveyard
from kubexit.help import HELP
from kubexit.linux import files, signals
from kubexit.linux.fd import reserve_standard_descriptors
from kubexit.linux.handover import Start, take_over
from kubexit.linux.process import Command
from kubexit.linux.stderr import StandardError
from kubexit.log import Log, describe
from kubexit.supervisor import Supervisor
from kubexit.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import NoReturn

# Roles that we take by the name that we are called by; any other name is kubexit's own
COPIER, KOORDINATOR = b"cp", b"koordinator"
KOORDINATORS = ("KOORDINATOR_SPEC", "KOOORDINATOR_SPEC")  # the latter is the spelling of its README
USAGE = "usage: kubexit [--] COMMAND [ARG...], see kubexit --help"


def main() -> NoReturn:
    """Run the program and end the process, whatever happens. Skips the interpreter's own farewell: it takes 1 ms."""
    code = exit_codes.FAILURE
    try:
        start = take_over()
        closed = reserve_standard_descriptors()
        code = run(start, [argument.encode(sys.getfilesystemencoding(), "surrogateescape") for argument in sys.argv[1:]], closed)
    except BaseException as error:  # noqa: BLE001  nothing below this line could tell of it
        StandardError(closed=False).write(f"kubexit: internal error: {error!r} {_stack(error.__traceback__)}\n".encode("utf-8", "replace"))
    finally:
        posix._exit(code)


def run(start: Start, arguments: list[bytes], closed: frozenset[int]) -> int:
    """Do what the command line asks for; give the exit status."""
    output = StandardError(closed=2 in closed)
    if start.name == COPIER:
        return copy(arguments, start, output)
    faults: list[str] = []
    while arguments[:1] and arguments[0].startswith(b"-"):
        option = arguments.pop(0)
        if option == b"--":
            break
        if option in (b"--help", b"-h", b"--version"):
            signals.restore(start.mask, start.ignored)
            text = f"kubexit {__version__} (commit {COMMIT or 'unknown'}, {start.form})\n" if option == b"--version" else HELP
            return answer(text.encode())
        if option == b"--install":
            return install(arguments, start, output)
        faults.append(f"unknown option {option.decode('utf-8', 'replace')}; accepted are --help, --version, --install DIR and --; {USAGE}")
    if not arguments:
        faults.append(f"no command given; {USAGE}")
    return supervise_by(start.variables(b"K"), arguments, faults, start, output)


def supervise_by(variables: Mapping[str, str], arguments: list[bytes], faults: list[str], start: Start, output: StandardError) -> int:
    """Understand the configuration, where the command line may have had `faults` already, and supervise the command."""
    try:
        if is_disabled(variables) and arguments:
            return execute(start, arguments, output)
    except ValueError as error:
        faults.append(f'KUBEXIT_DISABLED="{variables["KUBEXIT_DISABLED"]}" {error}')
    warnings = unknown_variable_warnings(variables)
    try:
        if is_koordinator(start, variables):
            from kubexit.domain.koordinator import parse_koordinator  # noqa: PLC0415  0.3 ms that others need not pay

            config, more = parse_koordinator(variables, faults, files.read_text)
            warnings += more
        else:
            config = parse_config(variables, faults, files.read_text)
    except ConfigError as error:
        return reject(error, warnings, output)
    log = Log(output, config.log_format, config.log_level)
    log.info("kubexit initialized", config=describe(config))
    for warning in warnings:
        log.warning(warning)
    return supervise(config, arguments, start, log)


def is_koordinator(start: Start, variables: Mapping[str, str]) -> bool:
    """Tell whether koordinator's place is taken: by its name, or by a spec of its."""
    return start.name == KOORDINATOR or any(variables.get(variable) for variable in KOORDINATORS)


def copy(arguments: list[bytes], start: Start, output: StandardError) -> int:
    """Be `cp`; give the exit status."""
    from kubexit.commands.copy import copy as copy_files  # noqa: PLC0415  only who is called cp pays for it

    signals.restore(start.mask, start.ignored)
    return copy_files(arguments, output.write)


def install(arguments: list[bytes], start: Start, output: StandardError) -> int:
    """Install the tree form into a folder; give the exit status."""
    from kubexit.commands.install import NotInstalledError  # noqa: PLC0415  the same
    from kubexit.commands.install import install as install_into  # noqa: PLC0415

    signals.restore(start.mask, start.ignored)
    if len(arguments) != 1 or not arguments[0]:
        output.write(b"kubexit: --install takes one folder to install into: kubexit --install DIR\n")
        return exit_codes.USAGE
    try:
        return answer(install_into(start, arguments[0]) + b"\n")
    except NotInstalledError as error:
        output.write(f"kubexit: {error}\n".encode("utf-8", "replace"))
        return exit_codes.FAILURE


def answer(text: bytes) -> int:
    """Print what was asked for; give the exit status."""
    try:
        posix.write(1, text)
    except OSError:  # nobody wants to read it
        return exit_codes.FAILURE
    return 0


def execute(start: Start, arguments: list[bytes], output: StandardError) -> int:
    """Become the command (KUBEXIT_DISABLED); give the exit status if that fails."""
    command = Command(arguments, start.environment)
    signals.restore(start.mask, start.ignored)
    try:
        command.execute()
    except OSError as error:
        shown = arguments[0].decode("utf-8", "replace")
        output.write(f"kubexit: cannot start {shown}: {error.strerror}\n".encode("utf-8", "replace"))
        return exit_codes.NOT_FOUND if isinstance(error, (FileNotFoundError, NotADirectoryError)) else exit_codes.CANNOT_EXECUTE


def reject(error: ConfigError, warnings: list[str], output: StandardError) -> int:
    """Tell all that is wrong with the configuration, and tell the peers, who would wait for us."""
    partial = error.partial
    log = Log(output, partial.log_format, partial.log_level)
    for warning in warnings:
        log.warning(warning)
    log.error(f"configuration error: {error}", [], traces=False)
    if partial.name and partial.graveyard:
        try:
            _open(partial, log).record_death(Ending(exit_codes.USAGE, tombstone.CONFIG_ERROR, str(error)).bury)
        except (DuplicateNameError, GraveyardUnusableError):
            pass  # nobody to tell
    return exit_codes.USAGE


def supervise(config: Config, arguments: list[bytes], start: Start, log: Log) -> int:
    """Supervise the command to its end, and write that down."""
    try:
        graveyard = _open(config, log)
    except GraveyardUnusableError as error:
        log.error(str(error), [])
        return exit_codes.FAILURE
    except DuplicateNameError:
        log.error(
            f"a kubexit named {config.name} runs already in graveyard {config.graveyard}, nothing was touched: "
            "give each container a KUBEXIT_NAME of its own",
            [],
        )
        return exit_codes.USAGE
    supervisor, stack = None, []
    try:
        supervisor = Supervisor(config, arguments, start, graveyard, _watch(config, graveyard, log), log)
        ending = supervisor.run()
    except Exception as error:  # noqa: BLE001  whatever it was: the child must not live on alone, and peers must learn of the end
        if supervisor:
            supervisor.abandon()
        ending = Ending(exit_codes.FAILURE, tombstone.INTERNAL, f"internal error: {error!r}; please report it")
        stack = _stack(error.__traceback__)
    graveyard.record_death(ending.bury)
    if supervisor:
        supervisor.close()
    if ending.failed:
        log.error(ending.message, stack)
    elif config.verbose_level:
        log.finished()
    return ending.exit_code


def _open(config: Config, log: Log) -> Graveyard | NoGraveyard:
    if not config.graveyard:
        return NoGraveyard()
    return Graveyard(config.graveyard, config.name, log.warning, lambda message: log.event(f"{config.name} tombstone", message))


def _watch(config: Config, graveyard: Graveyard | NoGraveyard, log: Log) -> Watch | None:
    """Watch the dependencies, if there are any: an inotify descriptor makes the exit take 10 ms longer."""
    names = dict.fromkeys(dependency.name for dependency in config.birth_deps + config.death_deps if dependency.source == GRAVEYARD)
    if not names or isinstance(graveyard, NoGraveyard):
        return None
    if warning := graveyard.volume_warning():
        log.warning(warning)
    return Watch(graveyard, names, log.warning, lambda message: log.event(DEATH_WATCHER, message))


def _stack(traceback: TracebackType | None) -> list[str]:
    """Give the frames of a traceback, the innermost first: `traceback` would have to be imported."""
    frames = []
    while traceback:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_qualname}\n\t{code.co_filename}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return frames[::-1]
