<?php

function upgrade_20230520_drop_old_sessions_tiki(PDO $database)
{
    $database->exec('DELETE FROM tiki_sessions WHERE timestamp < 1000000000');
}
