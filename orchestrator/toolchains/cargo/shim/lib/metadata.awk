# Prints what the shim needs of `cargo metadata`, which is one line of JSON: `workspace`, `target` and `build` once each,
# `manifest` and `source` as often as they occur, each with its path.

BEGIN {
    keys["workspace_root"] = "workspace"
    keys["target_directory"] = "target"
    keys["build_directory"] = "build"
    keys["manifest_path"] = "manifest"
    keys["src_path"] = "source"
}

{
    line = $0
    while (match(line, /"(workspace_root|target_directory|build_directory|manifest_path|src_path)":"[^"]*"/)) {
        found = substr(line, RSTART + 1, RLENGTH - 2)
        line = substr(line, RSTART + RLENGTH)
        key = substr(found, 1, index(found, "\"") - 1)
        path = substr(found, length(key) + 4)
        gsub(/\\\\/, "\\", path)
        # The workspace's own words come last, so that no package's table can stand for them.
        if (key == "manifest_path" || key == "src_path") { if (!seen[key path]++) print keys[key] " " path }
        else last[key] = path
    }
}

END { for (key in last) print keys[key] " " last[key] }
