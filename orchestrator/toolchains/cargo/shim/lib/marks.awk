# Gives each file its mark. In: `root FOLDER`, `known MARK DIGEST  NAME`, `now DIGEST  NAME`, in this order.
# Out: `MARK DIGEST  NAME` for what is there now; the known files of other folders go to the file `others`.

BEGIN { printf "" >others }

{ rest = substr($0, index($0, " ") + 1) }

$1 == "root" { roots[++count] = rest "/"; next }

$1 == "known" {
    file = substr(rest, index(rest, " ") + 1)
    marks[file] = $2
    name = substr(file, index(file, "  ") + 2)
    inside = 0
    for (i = 1; i <= count; i++) if (index(name "/", roots[i]) == 1) inside = 1
    if (!inside) print rest >others
    next
}

{ print ((rest in marks) ? marks[rest] : mark) " " rest }
