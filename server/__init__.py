"""The sync server: publishes signed catalogue updates and collects accepted tags."""
