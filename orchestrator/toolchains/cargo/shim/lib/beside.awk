# Prints the folders beside the workspace that manifests name with `path = "…"`, whichever table it stands in.

{
    line = $0
    while (match(line, /path"?[ \t]*=[ \t]*("[^"]*"|'[^']*')/)) {
        found = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        sub(/^path"?[ \t]*=[ \t]*./, "", found)
        found = substr(found, 1, length(found) - 1)
        folder = FILENAME
        sub(/\/[^\/]*$/, "", folder)
        if (substr(found, 1, 1) != "/") found = folder "/" found
        found = normal(found)
        if (found != "/" && found != workspace && index(found "/", workspace "/") != 1 && !seen[found]++) print found
    }
}
