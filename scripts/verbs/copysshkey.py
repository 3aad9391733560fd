"""make copysshkey: lets TRIM log in without a password, and proves it.

Our key (made when there is none), the host's key on record, our key on the host; what is there already stays.
"""

import socket
from pathlib import Path

from scripts.errors import HostError, RefusedError, UsageError
from scripts.hosts import process, ssh_keys
from scripts.hosts.ssh import SshHost
from scripts.present import output, prompts
from scripts.registry.instance import Instance

TAKE_UNSEEN = "accept-new"


def copysshkey(instance: Instance, host_keys: str) -> dict[str, object]:
    """Open the way to the host of one instance; host_keys is accept-new to take an unknown host key unseen."""
    host = instance.host
    if not isinstance(host, SshHost):
        raise UsageError(f"{instance.name}: is on this machine (ACCESS=local): there is no way to open")
    if _opens(host):
        output.say(f"{instance.name}: {host.target} lets us in by key already. Nothing was changed")
        return {"instance": instance.name, "changed": False}
    key = ssh_keys.own_key(host)
    if not key.exists():
        ssh_keys.make_key(key, f"trim@{socket.gethostname()}")
        output.say(f"{instance.name}: {'would make' if process.conduct.dry_run else 'made'} the key {key}, ed25519, "
                   "without a passphrase")
    if not process.conduct.dry_run:
        ssh_keys.require_usable(key)
    _know_host(instance, host, host_keys or instance.settings.host_keys)
    failure = ssh_keys.copy_key(host, key, prompts.can_ask())
    if process.conduct.dry_run:
        return {"instance": instance.name, "changed": False}
    _prove(host, key, failure)
    output.say(f"{instance.name}: {host.target} lets us in with {key}")
    return {"instance": instance.name, "changed": True, "key": str(key)}


def _opens(host: SshHost) -> bool:
    """Whether the host lets us in now; raise HostError for what no key of ours can mend."""
    host.disconnect()  # a connection that is still open would prove nothing
    try:
        host.connect()
        return True
    except HostError as fault:
        if "does not let us in by key" in str(fault) or "is not known yet" in str(fault):
            return False
        raise


def _know_host(instance: Instance, host: SshHost, host_keys: str) -> None:
    """Put the host's key on record, once somebody has looked at it or said that nobody has to."""
    if ssh_keys.is_on_record(host):
        return
    shown = ssh_keys.ask_host(host)
    for line in shown.fingerprints:
        output.say(f"{instance.name}: {host.address} shows {line}")
    if host_keys != TAKE_UNSEEN:
        if not prompts.can_ask():
            raise RefusedError(f"{instance.name}: the host key of {host.address} is not known yet: "
                               f"{'; '.join(shown.fingerprints)}. Compare it with what its administrator tells you; "
                               f"when it is right: HOST_KEYS={TAKE_UNSEEN}")
        if prompts.choose("Is that what its administrator tells you", ["no", "yes"]) == 0:
            raise RefusedError(f"{instance.name}: the host key of {host.address} was not accepted. Nothing was sent")
    path = ssh_keys.record(host, shown)
    if not process.conduct.dry_run:
        output.say(f"{instance.name}: the host key is in {path}")


def _prove(host: SshHost, key: Path, failure: str) -> None:
    """Raise HostError when the host does not let us in now, whatever ssh-copy-id says."""
    try:
        host.connect()
    except HostError as fault:
        reason = failure or "its sshd does not take this key: are PubkeyAuthentication and AuthorizedKeysFile as usual?"
        next_step = "" if prompts.can_ask() else ". A password can only be typed at a terminal: call it there"
        raise HostError(f"{host.name}: {host.target} still does not let us in with {key}: {reason}"
                        f"{next_step}") from fault
