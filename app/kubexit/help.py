"""The page that `kubexit --help` prints."""

from __future__ import annotations

HELP = """\
kubexit: starts and stops the containers of a Kubernetes pod in the right order.

usage: KUBEXIT_NAME=... kubexit [--] COMMAND [ARG...]
       kubexit --install DIR    put kubexit into DIR, for other containers; prints its path
       kubexit --help | --version

kubexit waits for its birth dependencies, starts COMMAND, writes a tombstone named
KUBEXIT_NAME into the graveyard (a folder that the pod's containers share), and stops
COMMAND when a death dependency has died. Exit status: that of COMMAND, 128+n if
signal n killed it. All settings are environment variables:

  KUBEXIT_NAME            name of this container's tombstone (required)
  KUBEXIT_GRAVEYARD       the shared folder                                  [/graveyard]

  KUBEXIT_BIRTH_DEPS      start only when these are ready: NAME or NAME:CONDITION,...
  KUBEXIT_BIRTH_TIMEOUT   how long to wait for all of them; 0: for ever              [30s]
  KUBEXIT_READINESS       where that is read: graveyard, or kubernetes, the pod's status
                          (list and watch on pods)     [kubernetes in a cluster]
  KUBEXIT_POD_NAME, KUBEXIT_NAMESPACE   this pod  [/etc/podinfo, host name, service account]

  KUBEXIT_DEATH_DEPS      stop when these have ended: NAME or NAME:CONDITION,...
  KUBEXIT_DEATH_MODE      any or all of them                                         [any]
  KUBEXIT_DEATH_SOURCE    where that is read: graveyard, or kubernetes: containers that
                          nobody wrapped, too                                  [graveyard]
  KUBEXIT_STOP_SIGNAL     signal that tells COMMAND to stop                         [TERM]
  KUBEXIT_GRACE_PERIOD    time from that signal to SIGKILL                           [30s]
  KUBEXIT_STOP_DELAY      wait before a stop from outside is passed on                 [0]
  KUBEXIT_SIGNAL_GROUP    signals go to COMMAND's whole process group              [false]
  KUBEXIT_EXIT_CODES      exit status by cause or code, first match wins:
                          stopped:0,killed:137,143:0,*:5                       [stopped:0]

  KUBEXIT_VERBOSE_LEVEL   above 0: log the event traces at a good end too              [0]
  KUBEXIT_INSTANT_LOGGING log each event at once                                   [false]
  KUBEXIT_LOG_FORMAT      json or text                                              [json]
  KUBEXIT_LOG_LEVEL       error, warning, info, trace                               [info]
  KUBEXIT_DISABLED        run COMMAND without kubexit                              [false]

conditions   started, ready, exited, succeeded, failed  (birth: ready, death: exited)
durations    30s, 1m30s, 500ms, 1.5h
causes       stopped: told to stop by dependencies that succeeded, and obeyed
             stopped-always: the same, however they ended; killed: after the grace period
exit status  126 cannot execute, 127 not found, 2 configuration error or name taken,
             1 birth timeout or failure, no access to the pod, unusable graveyard
koordinator  its KOORDINATOR_SPEC is understood, and so is its name
cp           called by this name, it copies files: cp [-a] [-f] [-p] SOURCE... TARGET

example, a sidecar that ends with the container "main" (both mount /graveyard):
  KUBEXIT_NAME=proxy KUBEXIT_DEATH_DEPS=main kubexit envoy -c /etc/envoy.yaml
  KUBEXIT_NAME=main  KUBEXIT_BIRTH_DEPS=proxy kubexit ./job
"""
