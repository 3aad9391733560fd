"""How a site answers a stranger who opens its first page, and whether that is as it was before a change."""

import re
import time
from typing import NamedTuple

from scripts.errors import HostError
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.tiki import maintenance

TIMEOUT_SECONDS = 5
FIRST_BYTES = 200_000   # a page that breaks off says why at its end
BROKEN = 500            # this status and those above say that the site itself failed
SETTLING_SECONDS = 3    # PHP looks every 2 seconds whether a file it has compiled was changed (opcache.revalidate_freq)
PAUSE_SECONDS = 1       # between two visits
PATIENT_SECONDS = 9     # in which a server that restarts, or a cache that fills, comes to itself
FATAL = re.compile(rb"(?:<b>|PHP )?(?:Fatal|Parse) error(?:</b>)?: ")


class Answer(NamedTuple):
    """How a web server answered; status is 0 when it did not, and body then says why."""

    status: int
    body: bytes
    server: str = ""

    @property
    def problem(self) -> str:
        """Return what tells that the site itself failed; empty when nothing does."""
        if self.status >= BROKEN:
            return f"answers {self.status}"
        if FATAL.search(self.body):
            return f"answers {self.status} with a fatal error of PHP in the page"
        return ""


    def is_worse_than(self, earlier: "Answer | None") -> bool:
        """Tell whether the site fails, or is silent, in a way it did not before."""
        if self.status == 0:
            return earlier is not None and earlier.status != 0
        return bool(self.problem) and (earlier is None or self.problem != earlier.problem)


def visit(instance: Instance) -> Answer:
    """Return how a site answers a stranger who opens its first page; never raises."""
    return ask(f"{instance.web_url.rstrip('/')}/")


def before(instance: Instance) -> Answer | None:
    """Return how the site answers before it is changed; None where that says nothing."""
    if not instance.web_url or maintenance.state(instance.host, instance.web_root).is_on:
        return None
    return visit(instance)


def require(instance: Instance, earlier: Answer | None, code: str, patience_seconds: float | None = None) -> int:
    """Return the status that visitors get; raise HostError when it is an error that they did not get before.

    code says what is new, as in `Tiki 24.4`. A short trouble is waited for.
    """
    if not instance.web_url:
        output.say(f"{instance.name}: it has no WEB_URL: whether it answers was not seen")
        return 0
    if earlier is None and maintenance.state(instance.host, instance.web_root).is_on:
        output.warn(f"{instance.name}: visitors see the maintenance page: whether it answers with {code} was not seen")
        return 0
    deadline = time.monotonic() + (PATIENT_SECONDS if patience_seconds is None else patience_seconds)
    while (answer := visit(instance)).is_worse_than(earlier) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    url = instance.web_url
    if answer.status == 0 and answer.is_worse_than(earlier):
        raise HostError(f"{instance.name}: {url} does not answer any more with {code}: "
                        f"{answer.body.decode('utf-8', 'replace')}. The web server's error log says why")
    if answer.status == 0:
        output.warn(f"{instance.name}: {url} does not answer this machine: whether it works was not seen")
    elif answer.problem and not answer.is_worse_than(earlier):
        output.warn(f"{instance.name}: {url} {answer.problem}, as it did before")
    elif answer.problem:
        raise HostError(f"{instance.name}: {url} {answer.problem} with {code}. The web server's error log says why")
    return answer.status


def ask(url: str) -> Answer:
    """Return how a web server answers a question for one address; never raises."""
    import http.client
    import ssl
    import urllib.error
    import urllib.request

    try:
        request = urllib.request.Request(url, headers={"User-Agent": "TRIM doctor"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return Answer(response.status, response.read(FIRST_BYTES), response.headers.get("Server", ""))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, b"", error.headers.get("Server", ""))
    except (OSError, ValueError, http.client.HTTPException, ssl.SSLError) as error:
        return Answer(0, str(getattr(error, "reason", None) or error).encode())
