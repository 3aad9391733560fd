"""Password hashes in the form a Tiki's own login accepts, made by the host's PHP; the password goes over stdin."""

import re
import secrets
import string

from scripts.errors import CommandError
from scripts.registry.instance import Instance

# Columns of 60 characters hold what Tiki makes today; older ones were made for md5-crypt, which all versions accept.
COLUMN_LENGTH = 60
PROGRAM = """
$password = stream_get_contents(STDIN);
echo $argv[1] >= 60 && function_exists('password_hash')
    ? password_hash($password, PASSWORD_BCRYPT) : crypt($password, '$1$' . $argv[2] . '$'), "\\n";
"""
FORM = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}")
LETTERS = string.ascii_letters + string.digits


def new(length: int = 16) -> str:
    """Return a random password that can be typed anywhere."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def hashed(instance: Instance, password: str, column_length: int = COLUMN_LENGTH) -> str:
    """Return the password's hash in a form that fits the column; raise CommandError when PHP made none."""
    words = (instance.php, "-d", "display_errors=0", "-r", PROGRAM, "--", str(column_length), new(8))
    said = instance.host.read(*words, stdin=password.encode()).decode("utf-8", "replace").strip()
    if not FORM.fullmatch(said) or len(said) > column_length:
        raise CommandError(f"{instance.name}: {instance.php}: made no usable hash of the password")
    return said
