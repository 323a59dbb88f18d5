"""The server: recognition over HTTP and WebSocket, and a page for the browser. Needs extra `serve`.

settings        addresses, limits, the token
run             listens, starts and ends everything
app             routes, and the answers to what goes wrong
guard           who may call what: the token, other web sites
errors          errors as JSON
forms           what is uploaded, into a temporary file
transcriptions  POST /v1/audio/transcriptions
answers         transcripts as OpenAI's API writes them
workers         worker processes, as the event loop sees them
service         what a worker process does
metrics         counts for Prometheus
openapi         the description of the API

The event loop never decodes or recognises: it moves bytes between sockets and worker processes.
Recordings, which anyone may have made, are decoded in other processes than those of live streams,
so that a recording that kills its process ends no stream.
"""
