"""make mods-lint: everything that is wrong with the mods of the collection, by file and line.

Ends with code 10 when there is anything: what is in doubt keeps a mod from being installed, the rest is what old Tikis
read otherwise, or what somebody will stumble over.
"""

from scripts.errors import Findings
from scripts.mods import lint, names
from scripts.mods.parts import Problem
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection


def mods_lint(settings: Settings, mod: str) -> None:
    """Tell the problems of these mods, or of all; raise Findings when there are any."""
    paths = mods_collection.control_paths(settings)
    chosen = names.select(mod, paths, "the collection") if mod else list(paths)
    problems = [(one, problem) for one in chosen for problem in
                lint.lint(paths[one], mods_collection.folder(settings))]
    if not mod:
        problems += [("", Problem(1, "the name is no TYPE-NAME.info.txt: nobody reads this file", False, str(path)))
                     for path in sorted(mods_collection.packages_of(settings).glob("*.info.txt"))
                     if path not in paths.values()]
    for _, problem in problems:
        (output.warn if output.manner.is_quiet else output.say)(f"{problem}{'' if problem.certain else ' (in doubt)'}")
    output.show_json([{"mod": one, "file": problem.path, "line": problem.line, "problem": problem.message,
                       "certain": problem.certain} for one, problem in problems])
    if problems:
        count, doubts = len(problems), sum(not problem.certain for _, problem in problems)
        mods = f"{len({one for one, _ in problems})} of {len(chosen)} mods"
        raise Findings(f"{count} problem{'s' if count > 1 else ''} in {mods}, {doubts} in doubt",
                       details="\n".join(str(problem) for _, problem in problems))
    output.say(f"{len(chosen)} mods, nothing wrong")
