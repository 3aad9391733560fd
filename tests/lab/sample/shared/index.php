<?php
// The front door: visitors are sent on to the wiki.
require_once 'tiki-setup.php';
header('Location: ' . $prefs['tikiIndex']);
