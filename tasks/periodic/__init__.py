"""What is to be done now and then: when beat starts it, and the task that does it."""
