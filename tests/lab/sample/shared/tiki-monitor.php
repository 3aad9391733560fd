<?php
// Machine-readable state, for anybody who asks unless db/local.php restricts it.
require_once 'tiki-setup.php';
require_once 'installer/installlib.php';

$installer = new Installer($tikilib->database);
header('Content-Type: application/json');
echo json_encode([
    'OPCodeCache' => null,
    'OpCodeStats' => ['opcode_cache' => null],
    'DbRequiresUpdate' => $installer->pendingPatches() !== [],
    'SearchIndexRebuildLast' => $prefs['unified_last_rebuild'],
]);
