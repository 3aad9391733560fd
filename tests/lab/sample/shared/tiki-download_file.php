<?php
// Sends one file of the file galleries: tiki-download_file.php?fileId=N
require_once 'tiki-setup.php';

$file = $tikilib->file((int) ($_GET['fileId'] ?? 0));
$content = $file ? $tikilib->fileContent($file, $prefs) : null;
if ($content === null) {
    http_response_code(404);
    die('File has been deleted or moved');
}
header('Content-Type: ' . $file['filetype']);
header('Content-Length: ' . strlen($content));
echo $content;
