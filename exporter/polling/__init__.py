"""How it becomes known: one poll, when the next one comes, and who may begin on a busy machine.

It leans on the state that it fills and on the interface of the platforms.
"""
