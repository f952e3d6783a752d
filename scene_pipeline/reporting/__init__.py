"""What people look at: lookbooks, tables for people, previews for the interface."""
