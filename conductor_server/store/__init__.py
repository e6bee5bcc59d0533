"""The only SQL: schema, migrations and verbs per noun."""
