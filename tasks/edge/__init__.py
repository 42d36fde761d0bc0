"""The edge to the broker: whatever lies in a queue, by whomever it was put there, can end no worker.

The law: a message asks, it never commands. What we would not have sent ourselves is logged as one line
`bell_refused`, counted for people to see (`tasks.refusals`), acknowledged, and gone. Celery by itself ends the worker
on a message without an id, and on RabbitMQ the message then waits for the next worker.

What a message says is judged in `messages`; `consumer` asks there before Celery looks at it. What is so broken that
it becomes no message at all is caught where the bytes are read: `redis` and `rabbitmq`, chosen in `connections`. All
of it goes in by doors that Celery and kombu have: `Celery(amqp=…)`, `worker_consumer`, subclasses.

How large a message may be is the broker's to say (RabbitMQ `max_message_size`, Redis `proto-max-bulk-len`).
"""
