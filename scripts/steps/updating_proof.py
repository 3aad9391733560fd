"""Whether a site works with its new code, asked without a visitor: its version, and its first page made by its PHP."""

import json
import re
import time

from scripts.errors import CommandError, HostError
from scripts.registry.instance import Instance
from scripts.steps import answering
from scripts.tiki import console, probe

PAGE = "tiki-index.php"
LONGEST_SECONDS = 60    # that visitors may wait for a page that does not end
TIMED_OUT = 124         # timeout's own code
TRIES, PAUSE_SECONDS = 3, 1
WRITTEN = ("temp", "templates_c", "modules/cache", "db", "storage/public")
"""Where Tiki's console and its first page write; in a caller's hurry, the rest can wait."""
END = "--trim-page-ends--"
# As a web server would call it. What Tiki does when it sends the visitor elsewhere, or has no such page, is an answer.
PROGRAM = f"""
chdir($argv[1]);
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $_SERVER['REQUEST_URI'] = '/' . $argv[2];
$_SERVER['SCRIPT_FILENAME'] = $argv[1] . '/' . $argv[2];
$_SERVER['SERVER_NAME'] = $_SERVER['HTTP_HOST'] = $argv[3];
$_SERVER['REMOTE_ADDR'] = '127.0.0.1';
$_SERVER['SERVER_PORT'] = '80';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['HTTP_USER_AGENT'] = 'TRIM';
$_SERVER['QUERY_STRING'] = '';
register_shutdown_function(function () {{
    $last = error_get_last();
    $is_fatal = $last && ($last['type'] & (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR));
    echo "\\n", json_encode(['status' => http_response_code(), 'fatal' => $is_fatal ? $last['message'] : '']), "\\n";
    echo '{END}', "\\n";
}});
include $argv[2];
"""
TOLD = re.compile(r'^(\{"status".*\})\n' + END + r"$", re.MULTILINE)


def page_problem(instance: Instance) -> str:
    """Return what keeps the site's PHP from making its first page; empty when it made one."""
    host_name = instance.web_url.split("//", 1)[-1].split("/", 1)[0].split(":")[0] or "localhost"
    try:
        said = instance.host.run("timeout", str(LONGEST_SECONDS), instance.php, *console.SETTINGS, "-r", PROGRAM, "--",
                                 instance.web_root, PAGE, host_name, ok=(0, 255)).decode("utf-8", "replace")
    except CommandError as error:
        if error.code == TIMED_OUT:
            return f"{PAGE} is not made within {LONGEST_SECONDS} seconds"
        return f"its PHP ends with exit code {error.code}: {error.stderr.strip()[-200:] or 'nothing was said'}"
    told = TOLD.findall(said)
    if not told:
        return f"its PHP ended in the middle of {PAGE}: {' '.join(said[-200:].split()) or 'nothing was said'}"
    report = json.loads(told[-1])
    if report["fatal"]:
        return f"{PAGE} ends with a fatal error: {' '.join(report['fatal'].split())[:300]}"
    if (report["status"] or 0) >= answering.BROKEN:
        page = " ".join(re.sub(r"<[^>]*>", " ", said[:said.rindex(told[-1])]).split())
        return f"{PAGE} answers {report['status']}: {page[-200:]}"
    return ""


def require(instance: Instance, version: str, problem_before: str) -> None:
    """Raise HostError when the code that is there is not this version, or cannot make a page that it could before."""
    found = probe.probe(instance)
    if str(found.version) != version:
        raise HostError(f"{instance.name}: its code says it is Tiki {found.version}, and {version} was put in place")
    problem = "" if problem_before else page_problem(instance)
    for _ in range(TRIES - 1):   # a short trouble of the host is no reason to take an update back
        if problem:
            time.sleep(PAUSE_SECONDS)
            problem = page_problem(instance)
    if problem:
        raise HostError(f"{instance.name}: with Tiki {version} {problem}")
