"""
Requests and tokens per minute: counted in Redis, or here while Redis is away.

Rate limits protect a service from haste, not money: without Redis they go on,
counted by each gateway alone. Where no rate limit applies, Redis is not asked.
"""
