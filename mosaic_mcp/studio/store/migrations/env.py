"""Alembic's entry: migrate the connection that `migrating.migrate` hands over."""

from alembic import context

from mosaic_mcp.studio.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
