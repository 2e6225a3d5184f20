"""The operator's page below /admin: what is published, which devices there are, what they decided.

It is HTML and one style sheet, without scripts and without anything from elsewhere. All that devices sent is untrusted:
templates escape it, and no single device can make a product look bad.
"""
