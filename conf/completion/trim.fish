# Completion of TRIM's verbs for fish. Put into ~/.config/fish/config.fish:
# source /the/folder/of/trim/conf/completion/trim.fish
# In other folders make is completed as before: fish offers its own besides.

set -g _trim_candidates (dirname (status filename))/candidates.sh
string match -q '/*' -- $_trim_candidates; or set -g _trim_candidates $PWD/$_trim_candidates

function _trim_make
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    set -l folder .
    for at in (seq (count $words))
        set -l next (math $at + 1)
        switch $words[$at]
            case '--directory=*'
                set folder (string replace -r '^[^=]*=' '' -- $words[$at])
            case -C --directory
                set folder "$words[$next]"
            case '--*'
            case '-*C'
                set folder "$words[$next]"
            case '-*C*'
                set folder (string replace -r '^-[^C]*C' '' -- $words[$at])
        end
    end
    sh $_trim_candidates (string replace -r '^~/' "$HOME/" -- $folder) $words 2>/dev/null
end

complete -c make -f -n 'test (count (_trim_make)) -gt 0' -a '(_trim_make)'
