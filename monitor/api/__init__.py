"""The JSON API, the stream of server-sent events, health and metrics: one router per resource.

Nothing is imported here: a process without the role `api` serves `probes` alone, and a command
prints what `source_schema` says, neither with the framework of the API.
"""
