"""What Tiki generates in its caches is recognised, and whatever somebody has put into it is not."""

import pytest

from scripts.tiki import generated, php_code
from tests.lab.watched import COMPILED

ROOT = "/srv/wiki"
PATH = "temp/templates_c/en^86ec0722_0.file.tiki-index.tpl.php"
GOOD = COMPILED.format(root=ROOT)
CONTAINER = """<?php
use Symfony\\Component\\DependencyInjection\\Container;
class TikiCachedContainer extends Container
{
    protected function getTiki_Lib_AccessService()
    {
        require_once '/srv/wiki/lib/tikiaccesslib.php';
        return $this->services['tiki.lib.access'] = new \\TikiAccessLib(${($_ = isset($this->services['x']) ? \
$this->services['x'] : $this->get('x')) && false ?: '_'});
    }
}
"""
ATTACKS = {
    "system": "<?php system($_GET['c']); ?>",
    "eval": "<?php @eval($_POST['c']);",
    "short tag": "<?=`$_GET[c]`?>",
    "tag in capitals": "<?PHP passthru('id');",
    "bare tag": "<? passthru('id');",
    "by a variable": "<?php $f = 'sys'.'tem'; $f('id');",
    "by a text": "<?php 'system'('id');",
    "by what is worked out": "<?php ('sys'.'tem')('id');",
    "by an index": "<?php $_GET['f']($_GET['c']);",
    "by a callback": "<?php array_map('system', $_GET);",
    "by call_user_func": "<?php call_user_func('system', 'id');",
    "by a class": "<?php new ReflectionFunction('system');",
    "by a class's name": "<?php $c = $_GET['c']; new $c($_GET['a']);",
    "by a static call": "<?php Phar::loadPhar($_GET['c']);",
    "by loading": "<?php include $_GET['c'];",
    "by loading what was uploaded": "<?php include '/srv/wiki/files/x.jpg';",
    "by a template": "<?php $t = new Smarty_Internal_Template('eval:'.$_GET['c'], $s, $s); echo $t->fetch();",
    "by another plugin": "<?php $_smarty_tpl->registered_plugins['modifier']['escape'][0] = 'system';",
    "in a text": "<?php echo \"{$x->y(system('id'))}\";",
    "in a heredoc": "<?php echo <<<X\n{$x->y(system('id'))}\nX;",
    "by a name that is built": "<?php ${'f'} = 'x'; $$g = 1;",
    "by a method that is built": "<?php $_smarty_tpl->{$_GET['m']}($_GET['c']);",
    "by all variables": "<?php $GLOBALS['x'] = 1;",
    "by a function of its own": "<?php (function() { return 1; })();",
    "writing": "<?php file_put_contents('x.php', $_POST['c']);",
    "behind a comment": "<?php /* */ system /* */ ('id'); // ?>",
    "behind a method of its name": "<?php class X { function system($c) {} } system($_GET['c']);",
    "by loading out of a picture": "<?php include 'phar:///srv/wiki/files/x.jpg/lib/smarty_tiki/x.php';",
    "by an escaped wrapper": r'<?php include "\x70har:///srv/wiki/files/x/lib/smarty_tiki/x.php";',
    "by a function's other name": "<?php use function system as count; count($_REQUEST['x']);",
    "by a class's other name": "<?php use SplFileObject as Smarty; new Smarty('x.php', 'w');",
    "by an index of old": "<?php $_GET{'f'}('id');",
    "behind a hash": "<?php # x ?><?php system('id');",
}
SMARTY_ATTACKS = {
    "by a plugin's file": "<?php $_smarty_tpl->_checkPlugins(array(0=>array('file'=>$_GET['f'],'function'=>'x',),));",
    "by a plugin's file in other quotes": "<?php $_smarty_tpl->_checkPlugins(array(0=>array(\"file\"=>'/tmp/x',"
                                          "'function'=>'x',),));",
    "without security": "<?php $_smarty_tpl->smarty->disableSecurity(); $_smarty_tpl->_subTemplateRender($_GET['x']);",
    "without a policy": "<?php $_smarty_tpl->smarty->security_policy = null;",
    "by a text as a template": "<?php echo $_smarty_tpl->smarty->fetch('string:' . $_GET['x']);",
    "by eval of Smarty": "<?php smarty_function_eval(array('var' => $_GET['x']), $_smarty_tpl);",
    "by a folder of plugins": "<?php $_smarty_tpl->smarty->addPluginsDir('/tmp');",
    "by a plugin behind a name": "<?php $r = &$_smarty_tpl->smarty->registered_plugins; $r['x']['y'][0] = 'system';",
    "by a list of plugins": "<?php list($_smarty_tpl->smarty->registered_plugins) = array($_GET);",
    "by a plugin or else": "<?php call_user_func_array($_smarty_tpl->registered_plugins['x'] ?? $_GET['f'], array());",
}
"""What does harm where Smarty is, and nothing elsewhere."""


def test_a_compiled_template_is_taken_with_its_sources_for_what_it_calls_beyond():
    found = generated.judge(PATH, GOOD.encode(), [ROOT])
    assert (found.odd, found.words, found.roots) == ("", frozenset(), frozenset())
    strange = GOOD.replace("count(", "my_own_modifier(")
    found = generated.judge(PATH, strange.encode(), [ROOT])
    assert (found.odd, found.words) == ("", frozenset({"my_own_modifier"}))
    assert found.sources == (f"{ROOT}/templates/tiki-index.tpl",)


@pytest.mark.parametrize("attack", (ATTACKS | SMARTY_ATTACKS).values(), ids=(ATTACKS | SMARTY_ATTACKS).keys())
def test_code_in_front_of_a_compiled_template_or_behind_it_is_found(attack):
    for text in (GOOD + attack, GOOD.replace("<h1>", f"<h1>{attack}", 1)):
        found = generated.judge(PATH, text.encode(), [ROOT])
        assert found.odd or found.words, attack


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_code_in_a_container_or_in_a_guard_is_found(attack):
    assert generated.judge("temp/cache/container.php", CONTAINER.encode(), [ROOT]).odd == ""
    if attack.count("registered_plugins") == 0 and "Smarty_Internal_Template" not in attack:
        assert generated.judge("temp/cache/container.php", (CONTAINER + "?>" + attack).encode(), [ROOT]).odd
        assert generated.guard_problem(f"<?php header('location: x'); die; ?>{attack}")


def test_a_template_that_names_a_plugin_elsewhere_is_found():
    elsewhere = GOOD.replace(f"{ROOT}/lib/smarty_tiki/block", f"{ROOT}/files/block")
    assert generated.judge(PATH, elsewhere.encode(), [ROOT]).odd
    other = generated.judge(PATH, GOOD.replace(ROOT, "/srv/other").encode(), [ROOT])
    assert (other.odd, other.roots) == ("", frozenset({"/srv/other"}))


def test_a_guard_a_constant_and_a_text_without_code_are_harmless():
    for text in ("", "no code at all", "<?php\n// x\nheader(\"location: ../x.php\");\ndie;\n", "<?xml version='1.0'?>"):
        assert generated.guard_problem(text) == ""
    assert generated.judge("temp/cache/container.php", b"<?php return '/srv/wiki';", [ROOT]).odd == ""


def test_an_account_may_set_variables_and_nothing_else():
    account = b"<?php\n$db_tiki='mysqli';\n$pass_tiki='p#a\"s\\\\\\'$= x';\ndefine('A', 1);\n"
    assert generated.settings_problem(account) == ""
    assert generated.settings_problem(b"<?php\n$pass_tiki='x'; eval($_POST[1]);\n")


def test_words_in_texts_and_comments_are_no_calls():
    found = php_code.reach("<?php // system('id')\n/* eval(1) */ # exec()\n$a = 'system(1)'; echo \"exec($a)\"; ?> "
                           "system('id')")
    assert (found.functions, found.odd) == (set(), "")
