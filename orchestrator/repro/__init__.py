"""What a project must change so that builds without this tool give the same program on both sides as well."""
