"""The product's property suite: strategies for configurations, and what must be true of every one."""
