"""The service that devices talk to: enrolment, events, own data, and the files that `publish` wrote.

`factory.create_app` puts it together; a module is a group of addresses, or what several of them need.
"""
