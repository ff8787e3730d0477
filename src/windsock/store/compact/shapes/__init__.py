"""A record as its shape, which repeats from request to request, and the numbers in it.

The shape is the record with holes: names, kinds and reasons stay, numbers leave. It describes
itself, so that records of before stay readable when a field comes or goes: what is missing has
its default. `templates.joined` gives back what `split` took apart, bit for bit.
"""
