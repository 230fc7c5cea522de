# Prints the files that dep-info names and that lie in none of the folders that are known: what `include_str!` and the like
# take in from beside the workspace. Reads, told apart by `kind`: folders (or files), and dep-info.
#
# rustc writes a path as the source has it, seen from the workspace; only a space is escaped, by a backslash.

kind == "known" { if ($0 != "") known[++count] = $0 "/"; next }

/^#/ { next }

{
    place = index($0, ": ")
    if (!place) next
    line = substr($0, place + 2)
    gsub(/\\ /, "\001", line)
    words = split(line, names, " ")
    for (i = 1; i <= words; i++) {
        name = names[i]
        # Without `..` a relative path leads to a folder that is known, and most paths are absolute ones of the registry.
        if (substr(name, 1, 1) != "/") {
            if (index(name, "..") == 0) continue
            name = workspace "/" name
        }
        # Cargo's home may be another one than it seems; it never looks at the time stamps of what it unpacked there.
        if (name ~ /\/registry\/src\/|\/git\/checkouts\//) continue
        if (name in seen) continue
        seen[name] = 1
        gsub(/\001/, " ", name)
        if (index(name, "/.") > 0) name = normal(name)
        inside = name in told
        for (j = 1; j <= count && !inside; j++) inside = index(name "/", known[j]) == 1
        if (inside) continue
        told[name] = 1
        print name
    }
}
