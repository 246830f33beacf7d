"""Whatever is printed or logged becomes a line in Loki."""

import logging

logger = logging.getLogger()
logger.setLevel(logging.INFO)


def handler(event, context):
    logger.info("hello from %s", context.function_name)
    logger.warning("stock is low")
    return {"ok": True}
