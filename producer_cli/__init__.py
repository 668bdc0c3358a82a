"""The command `migration`: requests imports over Kafka, follows them, and shows rejected rows."""
