"""make show-gate: what sshd runs for a key in authorized_keys: create, info, snapshot, reset, update, destroy.

The request is SSH_ORIGINAL_COMMAND, the caller's rights are the options of the forced command. The answer is one JSON
document on stdout, for a refused request too: {"state", "error", "code"}. See docs/show.md.
"""

import json
import os

from scripts.errors import Fault, UsageError, of_os_error
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import showing, showing_bases, showing_snapshots, showing_words
from scripts.steps.showing import Show
from scripts.steps.showing_words import Asked, Caller
from scripts.verbs import show, show_destroy, show_reset, show_snapshot, show_update

VARIABLE = "SSH_ORIGINAL_COMMAND"


def show_gate(settings: Settings, role: str, user: str) -> None:
    """Answer one request; a fault is answered, and raised again for the run's exit code.

    role and user are the caller's, as the forced command's own options say.
    """
    # Everything else goes to stderr: the front end reads stdout.
    output.manner.is_json = True
    known: Show | None = None
    try:
        asked = showing_words.understood(os.environ.get(VARIABLE, ""), Caller(role, user))
        known = _meant(settings, asked)
        answer = _carried_out(settings, asked, known)
    except (Fault, OSError) as error:
        fault = of_os_error(error) if isinstance(error, OSError) else error
        state = showing.MAINTENANCE if settings.show_maintenance else _state_now(settings, known)
        _answer({"state": state, "error": " ".join(str(fault).split()), "code": fault.exit_code})
        raise
    _answer(answer)


def _meant(settings: Settings, asked: Asked) -> Show | None:
    """Return the show that a request is about, if there is one; which others there are is nobody's business."""
    if asked.id:
        return _of_id(settings, asked.id)
    return showing.find(settings, asked.issue, asked.user)


def _carried_out(settings: Settings, asked: Asked, known: Show | None) -> object:
    if asked.action == "info":
        return _info(settings, asked, known)
    if asked.action == "create":
        return show.show(settings, show.Wishes(asked.version, asked.issue, asked.user, is_prepared=True))
    if known is None:
        raise UsageError(f"there is no show to {asked.action}")
    showing_words.refuse_stranger(asked, known)
    if asked.action == "snapshot":
        return show_snapshot.show_snapshot(settings, known.id)
    if asked.action == "reset":
        return show_reset.show_reset(settings, known.id)
    if asked.action == "update":
        return show_update.show_update(settings, known.id, is_prepared=True)
    return show_destroy.show_destroy(settings, [known.id], has_snapshot=True)[0]


def _info(settings: Settings, asked: Asked, known: Show | None) -> object:
    """Return the state of a show, the versions that are prepared, or the shows of a user."""
    if asked.what == "versions":
        return {"versions": sorted({base.version for base in showing_bases.all_of(settings)})}
    if asked.what == "shows":
        return {"shows": [_told(settings, one) for one in showing.all_of(settings)
                          if asked.is_admin or one.user == asked.user]}
    if settings.show_maintenance:
        return {**(_told(settings, known) if known else {}), "state": showing.MAINTENANCE,
                "reason": settings.show_maintenance}
    return _told(settings, known) if known else {"state": showing.NONE}


def _told(settings: Settings, known: Show) -> dict[str, object]:
    return {**showing.told(settings, known), "snapshots": showing_snapshots.addresses(settings, known)}


def _state_now(settings: Settings, known: Show | None) -> str:
    now = _of_id(settings, known.id) if known else None
    return now.told_state if now else showing.NONE


def _of_id(settings: Settings, show_id: str) -> Show | None:
    return next((one for one in showing.all_of(settings) if one.id == show_id), None)


def _answer(document: object) -> None:
    # ASCII alone: nothing of a request can be anything else in whoever reads this.
    output.hand_over(json.dumps(document, default=str))
