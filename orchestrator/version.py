"""This tool's version, without asking the package metadata, which costs 50 ms."""

VERSION = "0.1.0"
