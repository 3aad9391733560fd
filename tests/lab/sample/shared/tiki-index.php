<?php
// Shows one wiki page: tiki-index.php?page=NAME
require_once 'tiki-setup.php';

$name = ($_GET['page'] ?? '') !== '' ? $_GET['page'] : $prefs['wikiHomePage'];
$page = $tikilib->page($name);
if (! $page) {
    http_response_code(404);
}

$compiled = '@TEMPLATES_C@/tiki-index.tpl.php';
if (! is_file($compiled)) {
    @copy('templates/tiki-index.tpl', $compiled);
}

/** Turn {img fileId="1"} and {file fileId="1"} into HTML; all else is shown as text. */
function render(string $text, TikiLib $tikilib): string
{
    $text = nl2br(htmlspecialchars($text, ENT_NOQUOTES));
    return preg_replace_callback('/\{(img|file) fileId="(\d+)"\}/', function (array $found) use ($tikilib) {
        $file = $tikilib->file((int) $found[2]);
        if (! $file) {
            return 'missing file';
        }
        $url = 'tiki-download_file.php?fileId=' . $file['fileId'];
        $label = htmlspecialchars($file['name']);
        return $found[1] === 'img'
            ? "<img src=\"$url\" alt=\"$label\">"
            : "<a class=\"attachment\" href=\"$url\">$label ({$file['filesize']} bytes)</a>";
    }, $text);
}

header('Content-Type: text/html; charset=utf-8');
?>
<!DOCTYPE html>
<html>
<head>
<title><?= htmlspecialchars($prefs['browsertitle'] . ' | ' . $name) ?></title>
<meta name="generator" content="Tiki Wiki CMS Groupware - https://tiki.org">
<?php if ($prefs['metatag_robots'] !== '') : ?>
<meta name="robots" content="<?= htmlspecialchars($prefs['metatag_robots']) ?>">
<?php endif ?>
</head>
<body>
<h1><?= htmlspecialchars($name) ?></h1>
<div id="page-data"><?= $page ? render($page['data'], $tikilib) : 'Page cannot be found' ?></div>
<?= $prefs['feature_endbody_code'] ?>

</body>
</html>
