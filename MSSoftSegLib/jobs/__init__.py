"""Jobs: everything that runs, described by one document, answered by events.

``documents/`` says what can be asked. Each family says what is done then: ``segment/``, ``change/``, ``softmask/``,
``evaluate/``, ``library/``, ``preflight/``, ``regions/``, ``train/``, and ``detached/`` for long jobs in processes of their own.
``kinds.py`` knows which document is run by which function, and tells what to touch to add a job. ``run.py`` runs one in this
process, ``worker.py`` those that the panel sends; ``events.py`` is what they answer with.
"""
