"""What a person decides about tags on this device, kept until the server has acknowledged it.

    home/drafts.db    what `edge tag` found last: what a decision on a tag needs; can be made again
    home/outbox.db    decisions and the events that tell of them; precious, so small, flushed and checked
    home/enrolment.json   server, device id and token; mode 0600

`deciding.py` and `push.py` are the spines: draft -> event -> outbox, and outbox -> batch -> server -> settled.
Everything here but `push.py`, `server.py` and `enrolment.py` works with the base install.
"""
