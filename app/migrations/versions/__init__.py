"""The revisions, one file each, numbered without gaps."""
