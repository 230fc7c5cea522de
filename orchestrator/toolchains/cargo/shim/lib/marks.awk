# Gives each file its mark. Reads, told apart by `kind`: the roots (`FOLDER`), the state (`MARK DIGEST  NAME`), and what
# is there now (`DIGEST  NAME`). Writes into the folder `work`:
#   state    the new state: files of other folders are taken over
#   marked   the marks that are in use, but for `-`; and for each, in `names-MARK`, its files
#   odd      `MARK NAME` for names that hold a line end or a backslash, escaped
#   new      a line if a file got this call's mark
#   changed  a line if the state is another one

BEGIN {
    state = work "/state"; marked = work "/marked"; odd = work "/odd"; new = work "/new"; changed = work "/changed"
    printf "" >state; printf "" >marked; printf "" >odd; printf "" >new; printf "" >changed
}

kind == "root" { roots[++count] = $0 "/"; next }

kind == "known" {
    file = substr($0, index($0, " ") + 1)
    marks[file] = $1
    name = substr(file, index(file, "  ") + 2)
    for (i = 1; i <= count; i++) if (index(name "/", roots[i]) == 1) { inside++; next }
    print >state
    next
}

{
    if ($0 in marks) { at = marks[$0]; matched++ }
    else { at = mark; if (!fresh++) print "changed" >changed; if (at == id && !told++) print "new" >new }
    print at " " $0 >state
    if (at == "-") next
    if (!(at in used)) { used[at] = 1; print at >marked }
    name = substr($0, index($0, "  ") + 2)
    if (substr($0, 1, 1) == "\\") print at " " name >odd
    else print name >(work "/names-" at)
}

END { if (matched != inside) print "changed" >changed }
