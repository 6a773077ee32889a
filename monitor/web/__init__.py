"""The pages that people read: server-rendered, with a little JavaScript for what is new.

Nothing is imported here: `words` is for commands too, which need no web server for it.
"""
