"""RabbitMQ behind the ports Bus and ConsumerBus (CONTRACT.md 4; docs/decisions/0032-rabbitmq.md).

The driver is aiormq, the protocol layer that aio-pika stands on: it lets frames be looked at before they are read.
"""

import logging
from typing import Final

_LOGGERS: Final = ("aiormq", "aio_pika")
"""They tell of URLs, headers and bodies; what is to be known of the bus, the house tells itself."""

for _name in _LOGGERS:
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
