"""Forgetting leaves a site as it was; destroying takes what is its own, after a last archive, and nothing else."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.registry.instance import Instance
from scripts.store import archive
from tests.lab.accounts import give_to, lab_user
from tests.lab.compare import describe_database, describe_tree
from tests.lab.lab import Lab
from tests.lab.sample_tiki import SampleTiki, write_config
from tests.lab.toolkit import Toolkit

SMALL = {"files": 5, "versions": 1}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as one:
        yield one


@pytest.fixture
def kit(lab: Lab, tmp_path: Path) -> Iterator[Toolkit]:
    """A toolkit whose registry is empty; sites of earlier tests are gone."""
    kit = Toolkit(lab.folder / "kit", lab)
    kit.set(compress="zst")
    yield kit
    shutil.rmtree(kit.top)
    for name in ("local", "remote"):
        shutil.rmtree(lab.folder / name, ignore_errors=True)


class Sites:
    """Numbers the sites: databases of earlier tests stay."""

    count = 0


@pytest.fixture
def blog(kit: Toolkit) -> tuple[Instance, SampleTiki]:
    Sites.count += 1
    return kit.tiki(f"blog{Sites.count}", web=False, **SMALL)


def site(kit: Toolkit, sample: SampleTiki) -> tuple:
    return (describe_tree(sample.folder), describe_tree(sample.outside),
            describe_database(kit.lab.mariadb, sample.database))


def delete(kit: Toolkit, name: str, *words: str) -> subprocess.CompletedProcess:
    return kit.make("delete", f"INSTANCE={name}", *words)


def destroy(kit: Toolkit, name: str, *words: str) -> subprocess.CompletedProcess:
    return delete(kit, name, "DESTROY=1", f"CONFIRM={name}", *words)


def tables(sample: SampleTiki) -> int:
    return int(sample.sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"))


def env(kit: Toolkit, name: str) -> Path:
    return kit.top / "instances.d" / f"{name}.env"


def test_a_forgotten_site_stays_and_can_be_had_back_by_the_printed_line(kit, blog):
    instance, sample = blog
    name, before = instance.name, site(kit, sample)
    assert kit.make("backup", f"INSTANCE={name}").returncode == 0
    text = env(kit, name).read_bytes()
    done = delete(kit, name)
    assert done.returncode == 0, done.stderr
    assert not env(kit, name).exists()
    assert str(sample.folder) in done.stdout
    assert site(kit, sample) == before
    trash = next((kit.top / "var" / "trash").glob(f"{name}_*.env"))
    assert (trash.read_bytes(), trash.stat().st_mode & 0o777) == (text, 0o600)
    assert not archive.of_instance(kit.settings, name)
    way_back = next(line for line in done.stdout.splitlines() if "to have it back: " in line).split("back: ")[1]
    subprocess.run(["bash", "-c", way_back], check=True, cwd="/")
    assert env(kit, name).read_bytes() == text
    assert kit.make("prove", f"INSTANCE={name}").returncode == 0


def test_a_new_instance_of_the_name_does_not_inherit_archives_but_is_told_how_to(kit, blog):
    instance, sample = blog
    name = instance.name
    assert kit.make("backup", f"INSTANCE={name}").returncode == 0
    assert delete(kit, name).returncode == 0
    done = kit.make("instance", f"NAME={name}", f"WEB_ROOT={sample.folder}")
    assert done.returncode == 0, done.stderr
    assert not archive.of_instance(kit.settings, name)
    told = next(line for line in done.stdout.splitlines() if "take them over: " in line)
    listed = kit.make("archives").stdout
    assert f"{name}.forgotten-" in listed
    subprocess.run(["bash", "-c", told.split("take them over: ")[1]], check=True, cwd="/")
    assert len(archive.of_instance(kit.settings, name)) == 1


def test_archives_left_by_an_env_file_that_was_removed_by_hand_are_set_apart(kit, blog):
    instance, sample = blog
    name = instance.name
    assert kit.make("backup", f"INSTANCE={name}").returncode == 0
    env(kit, name).unlink()
    done = kit.make("instance", f"NAME={name}", f"WEB_ROOT={sample.folder}")
    assert done.returncode == 0, done.stderr
    assert "of an earlier" in done.stdout
    assert not archive.of_instance(kit.settings, name)


def test_an_archive_of_a_forgotten_site_restores_by_its_path(kit, blog):
    instance, sample = blog
    assert kit.make("backup", f"INSTANCE={instance.name}").returncode == 0
    assert destroy(kit, instance.name).returncode == 0
    forgotten = archive.forgotten(kit.settings, instance.name)[0]
    newest = archive.of_instance(kit.settings, forgotten.name)[0]
    blank = kit.blank(f"{instance.name}-again")
    done = kit.make("restore", f"INSTANCE={blank.name}", f"ARCHIVE={newest.path}")
    assert done.returncode == 0, done.stderr
    assert (Path(blank.web_root) / "tiki-setup.php").is_file()


def test_destroying_removes_tree_stores_and_tables_after_an_archive_of_all_of_them(kit, blog):
    instance, sample = blog
    path = env(kit, instance.name)
    path.write_text(f"{path.read_text()}EXCLUDE=img/wiki_up\n")
    done = destroy(kit, instance.name)
    assert done.returncode == 0, done.stderr
    assert os.listdir(sample.folder) == []
    assert tables(sample) == 0
    assert not path.exists()
    place = archive.forgotten(kit.settings, instance.name)[0]
    last, = archive.of_instance(kit.settings, place.name)
    assert last.record.verified and last.record.kind == archive.BACKUP
    listed = subprocess.run(["tar", "--zstd", "-tf", last.path], check=True, capture_output=True, text=True).stdout
    assert "/img/wiki_up/" in listed  # what EXCLUDE spares every night would be gone for ever
    left = [entry for entry in sample.outside.rglob("*") if entry.is_file()]
    named = {line for line in done.stdout.splitlines() if "removed the data folder" in line}
    assert named and not [entry for entry in left if any(str(entry).startswith(one.split()[-1]) for one in named)]


def test_destroying_behind_ssh(kit):
    Sites.count += 1
    instance, sample = kit.tiki(f"far{Sites.count}", ssh=True, web=False, **SMALL)
    done = destroy(kit, instance.name)
    assert done.returncode == 0, done.stderr
    assert os.listdir(sample.folder) == []
    assert tables(sample) == 0


def test_a_dry_run_tells_and_does_nothing(kit, blog):
    instance, sample = blog
    before = site(kit, sample)
    done = destroy(kit, instance.name, "DRY=1")
    assert done.returncode == 0, done.stderr
    assert f"would: remove the content of {sample.folder}" in done.stdout
    assert env(kit, instance.name).exists()
    assert site(kit, sample) == before


@pytest.mark.parametrize("keys", [{"STAGE": "production"}, {"PROTECTED": "yes"}])
def test_a_guarded_site_is_not_even_forgotten_without_its_name(kit, blog, keys):
    instance, _ = blog
    path = env(kit, instance.name)
    path.write_text(path.read_text() + "".join(f"{key}={value}\n" for key, value in keys.items()))
    done = delete(kit, instance.name)
    assert "Error 9" in done.stderr and f"CONFIRM={instance.name}" in done.stderr
    assert delete(kit, instance.name, "CONFIRM=other").returncode
    assert path.exists()
    assert delete(kit, instance.name, f"CONFIRM={instance.name}").returncode == 0


@pytest.mark.parametrize("key", ["PARENT", "MIRROR_OF"])
def test_a_site_that_others_name_is_kept(kit, blog, key):
    instance, _ = blog
    kit.register("child", web_root="/srv/child", **{key: instance.name})
    done = delete(kit, instance.name)
    assert f"child ({key})" in done.stderr
    assert env(kit, instance.name).exists()


def refuses(kit: Toolkit, sample: SampleTiki, name: str, *words: str) -> str:
    """Destroy a site that must be refused; return what was said."""
    before = site(kit, sample)
    done = destroy(kit, name, *words)
    assert done.returncode and "Nothing was changed" in done.stderr, done.stdout + done.stderr
    assert site(kit, sample) == before
    assert env(kit, name).exists()
    return done.stderr


def test_a_web_root_is_kept_that_is_another_instances_too_also_by_another_way(kit, blog):
    instance, sample = blog
    link = sample.folder.with_name("link")
    link.symlink_to(sample.folder)
    kit.register("twin", web_root=link, **kit.over_ssh())
    assert "used by twin" in refuses(kit, sample, instance.name)


def test_a_web_root_is_kept_in_which_another_instance_lies(kit, blog):
    instance, sample = blog
    kit.register("inner", web_root=sample.folder / "inner", db_name="x", db_user="x")
    assert "used by inner" in refuses(kit, sample, instance.name)


def other_machine(kit: Toolkit) -> dict[str, object]:
    """Return the keys of an instance on what says that it is another machine, and reaches the same servers."""
    programs = kit.lab.folder / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "stat").write_text('#!/bin/sh\n[ "$*" = "-c %d:%i /" ] && echo 9:9 && exit\nexec /usr/bin/stat "$@"\n')
    (programs / "stat").chmod(0o755)
    return kit.over_ssh(kit.lab.sshd(path=programs))


def twin(kit: Toolkit, sample: SampleTiki, place: str, database: str = "", password: str = "", **choices) -> Path:
    """Register a copy of the tree, which enters the server in its own way; return its web root."""
    server = kit.lab.mariadb
    copy = kit.lab.sites() / f"{sample.database}-twin"
    shutil.copytree(sample.folder, copy, symlinks=True)
    for name in ("localhost", "127.0.0.1"):
        server.sql(f"GRANT SELECT ON `{sample.database}`.* TO `{sample.user}`@`{name}`")
    write_config(copy, sample.generation, sample.version, place.format(port=server.port, socket=server.socket),
                 sample.user, password or sample.password, database or sample.database)
    give_to(lab_user(), copy)
    kit.register("twin", web_root=copy, **choices)
    return copy


TCP, MAPPED, SOCKET = "127.0.0.1:{port}", "[::ffff:127.0.0.1]:{port}", "localhost;unix_socket={socket}"


@pytest.mark.parametrize(("reached", "place"), [
    ("here", TCP), ("here", MAPPED), ("here", SOCKET), ("ssh", TCP), ("ssh", MAPPED), ("another machine", TCP),
    ("another machine", MAPPED)])
def test_a_database_is_kept_that_another_instance_uses_by_whatever_way(kit, blog, reached, place):
    instance, sample = blog
    keys = {"here": dict, "ssh": kit.over_ssh, "another machine": lambda: other_machine(kit)}[reached]()
    twin(kit, sample, place, **keys)
    assert f"its database {sample.database} is also the one of twin" in refuses(kit, sample, instance.name)


def test_a_database_is_kept_that_a_silent_instance_may_use(kit, blog):
    instance, sample = blog
    twin(kit, sample, "127.0.0.1:{port}", password="forgotten")
    said = refuses(kit, sample, instance.name)
    assert f"twin could not be asked whether database {sample.database} is its own as well" in said
    assert "make delete INSTANCE=twin" in said and "forgotten" not in said
    kit.register("twin", web_root="/srv/gone", **{**kit.over_ssh(), "ssh_port": 1})
    assert "twin could not be asked whether database" in refuses(kit, sample, instance.name)


def test_a_silent_instance_whose_database_has_another_name_keeps_none(kit, blog):
    instance, sample = blog
    twin(kit, sample, "127.0.0.1:{port}", database="elsewhere", password="forgotten")
    done = destroy(kit, instance.name)
    assert done.returncode == 0, done.stderr
    assert tables(sample) == 0


def test_a_tree_of_several_virtual_sites_is_kept(kit, blog):
    instance, sample = blog
    (sample.folder / "db" / "virtuals.inc").write_text("second\n")
    (sample.folder / "db" / "second").mkdir()
    shutil.copy(sample.folder / "db" / "local.php", sample.folder / "db" / "second")
    assert "virtual sites (second)" in refuses(kit, sample, instance.name)


def test_a_store_that_another_site_names_stays(kit, blog):
    instance, sample = blog
    Sites.count += 1
    _, other = kit.tiki(f"other{Sites.count}", web=False, **SMALL)
    shared = sample.preference("fgal_use_dir")
    other.sql(f"UPDATE tiki_preferences SET value = '{shared}' WHERE name = 'fgal_use_dir'")
    files = describe_tree(Path(shared))
    done = destroy(kit, instance.name)
    assert done.returncode == 0, done.stderr
    assert f"{shared.rstrip('/')} stays: other{Sites.count} uses it too" in done.stderr
    assert describe_tree(Path(shared)) == files


def test_a_store_behind_a_link_stays_and_the_link_goes(kit, blog):
    instance, sample = blog
    store = Path(sample.preference("fgal_use_dir").rstrip("/"))
    real = sample.folder.with_name("disk")
    store.rename(real)
    store.symlink_to(real)
    files = describe_tree(real)
    done = destroy(kit, instance.name)
    assert done.returncode == 0, done.stderr
    assert not store.is_symlink()
    assert describe_tree(real) == files


def test_links_in_the_tree_are_removed_and_not_followed(kit, blog):
    instance, sample = blog
    elsewhere = kit.top / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("mine")
    (sample.folder / "way-out").symlink_to(elsewhere)
    assert destroy(kit, instance.name).returncode == 0
    assert (elsewhere / "kept").read_text() == "mine"


def test_without_a_last_archive_nothing_is_removed(kit, blog):
    instance, sample = blog
    before = site(kit, sample)
    kit.set(archives_dir="/dev/null/archives")
    done = destroy(kit, instance.name)
    assert "Error 4" in done.stderr, done.stderr
    assert site(kit, sample) == before
    assert env(kit, instance.name).exists()


def test_a_site_that_cannot_be_archived_goes_only_without_safety(kit, blog):
    instance, sample = blog
    table = "tiki_pages"
    sample.sql(f"CREATE VIEW broken AS SELECT * FROM {table}; RENAME TABLE {table} TO away; ")
    done = destroy(kit, instance.name)
    assert "Without a last archive nothing is removed" in done.stderr, done.stdout + done.stderr
    assert (sample.folder / "tiki-setup.php").exists()
    assert "trim" not in (sample.folder / ".htaccess").read_text()
    done = destroy(kit, instance.name, "SAFETY=no")
    assert done.returncode == 0, done.stderr
    assert "SAFETY=no: there is no last archive" in done.stderr
    assert os.listdir(sample.folder) == [] and tables(sample) == 0


def test_a_removal_that_breaks_off_says_what_remains_and_can_be_ended(kit, blog):
    instance, sample = blog
    programs = kit.top / "programs"
    programs.mkdir()
    (programs / "rm").write_text(f'#!/bin/sh\ncase "$*" in *{sample.folder}/lib*) exit 1 ;; esac\nexec /bin/rm "$@"\n')
    (programs / "rm").chmod(0o755)
    done = kit.make("delete", f"INSTANCE={instance.name}", "DESTROY=1", f"CONFIRM={instance.name}",
                    environment={"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"})
    assert done.returncode
    assert f"Still there, some of it perhaps in part: the content of {sample.folder}. The env file stays. The last " \
           "archive is" in done.stderr, done.stderr
    assert env(kit, instance.name).exists()
    assert (sample.folder / "tiki-setup.php").exists() and tables(sample) == 0
    done = destroy(kit, instance.name, "SAFETY=no")
    assert done.returncode == 0, done.stderr
    assert os.listdir(sample.folder) == []


def test_a_blank_goes_without_an_archive(kit):
    Sites.count += 1
    blank = kit.blank(f"blank{Sites.count}")
    done = destroy(kit, blank.name)
    assert done.returncode == 0, done.stderr
    assert not env(kit, blank.name).exists()


def test_a_folder_that_is_no_tiki_is_never_emptied(kit, blog):
    instance, _ = blog
    place = kit.lab.sites() / "papers"
    place.mkdir()
    (place / "notes").write_text("mine")
    kit.register("papers", web_root=place, db_name="x", db_user="x")
    done = destroy(kit, "papers", "SAFETY=no")
    assert "this is not a Tiki" in done.stderr
    assert (place / "notes").read_text() == "mine"
