<?php
// What comes from outside loses its NUL bytes before anything looks at it.
foreach ($_GET as $name => $value) {
    $_GET[$name] = is_string($value) ? str_replace("\0", '', $value) : '';
}
